"""Filling every slot of the diagnostic app, so that what comes next has to wait."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Iterator

import httpx

from . import noop
from .wait import until

MOST = 300


@contextmanager
def occupied(http: httpx.Client, *, seconds: float = 60) -> Iterator[list[str]]:
    """Ids of requests that keep all slots busy and leave at least two waiting; cancelled in the end."""
    ids: list[str] = []
    try:
        while not (len(ids) > 2 and _waits(http, ids[-1])):
            assert len(ids) < MOST, "the app has more slots than this test can fill"
            ids += [submit(http, noop.slow(seconds)) for _ in range(4)]
        yield ids
    finally:
        for request_id in reversed(ids):
            http.put(f"/queue/{noop.APP}/requests/{request_id}/cancel")
        until(lambda: all(_completed(http, request_id) for request_id in ids), what="the slots to be free again")


def submit(http: httpx.Client, arguments: dict, **headers: str) -> str:
    answer = http.post(f"/queue/{noop.APP}", json=arguments, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["request_id"]


def _waits(http: httpx.Client, request_id: str) -> bool:
    """Looks twice: a fresh request is queued for a moment even where a slot is free."""
    first = http.get(f"/queue/{noop.APP}/requests/{request_id}/status").json()
    return first["status"] == "IN_QUEUE" and first["queue_position"] >= 1 and first["waiting"]["cause"] == "capacity"


def _completed(http: httpx.Client, request_id: str) -> bool:
    return http.get(f"/queue/{noop.APP}/requests/{request_id}/status").status_code == 200
