"""A clock that somebody sets while requests are under way: nothing is lost, and no timeout fires for it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Iterator

import httpx
import pytest

from support import noop
from support.server import Server
from support.wait import until

LIBRARIES = "**/faketime/libfaketimeMT.so.1"


def library() -> Path:
    """Debian's library that answers for the clock; installed where that needs no password."""
    found = next(Path("/usr/lib").glob(LIBRARIES), None)
    if found is None and shutil.which("apt-get") and os.geteuid() == 0:
        subprocess.run(["apt-get", "install", "-qq", "-y", "--no-install-recommends", "libfaketime"], check=False)
        found = next(Path("/usr/lib").glob(LIBRARIES), None)
    return found or pytest.skip("libfaketime is missing: apt-get install libfaketime")


class Clock:
    """The time of day of one server."""

    def __init__(self, file: Path):
        self.file = file
        self.set("+0")

    def set(self, offset: str) -> None:
        new = self.file.with_suffix(".new")
        new.write_text(f"{offset}\n")
        new.replace(self.file)


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path / "clock")


@pytest.fixture
def server(clock: Clock) -> Iterator[Server]:
    environment = {
        "LD_PRELOAD": str(library()),
        "FAKETIME_TIMESTAMP_FILE": str(clock.file),
        "FAKETIME_NO_CACHE": "1",
        # As on a real machine, where setting the time of day leaves the steady clock alone.
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    with Server(environment=environment) as running:
        yield running


def date(http: httpx.Client, request: str) -> str:
    return http.get(f"/v1/requests/{request}").json()["submitted_at"]


def test_a_clock_that_jumps_both_ways_loses_nothing_and_expires_nothing(http, clock):
    def submit(seconds: float) -> str:
        headers = {"X-Fal-Request-Timeout": "600"}
        answer = http.post(f"/queue/{noop.APP}", json=noop.slow(seconds), headers=headers)
        return answer.raise_for_status().json()["request_id"]

    def status(request: str) -> dict:
        return http.get(f"/queue/{noop.APP}/requests/{request}/status").json()

    first = [submit(1.5) for _ in range(3)]
    until(lambda: status(first[0])["status"] == "IN_PROGRESS", what="the first request to run")
    clock.set("+2d")
    later = submit(0)
    clock.set("-2d")
    earlier = submit(0)
    for request in [*first, later, earlier]:
        until(lambda: status(request)["status"] == "COMPLETED", what=request)
        assert status(request)["outcome"] == "succeeded"
        assert http.get(f"/queue/{noop.APP}/requests/{request}").status_code == 200
    # The clock did jump.
    assert date(http, later) > date(http, first[0]) > date(http, earlier)
