"""Ten thousand clients that poll a status once a second."""

from __future__ import annotations

from typing import Iterator

import httpx
from support.server import KEY, Server

from .table import Row
from .tools import HEADERS, peer, resident_megabytes, warm

CLIENTS = 9_500  # What fits in the usual limit of 20,000 open files with room to spare.


def run() -> Iterator[Row]:
    with Server() as server:
        warm(server)
        submitted = httpx.post(f"{server.url}/queue/tintype/noop", json={"sleep_ms": 60_000}, headers=HEADERS).json()
        path = f"/queue/tintype/noop/requests/{submitted['request_id']}/status"
        words = ["poll", "--url", server.url, "--key", KEY, "--path", path, "--clients", CLIENTS, "--seconds", 10]
        polled = peer(*words)
        memory = resident_megabytes(server.process.pid)
        httpx.put(f"{server.url}/queue/tintype/noop/requests/{submitted['request_id']}/cancel", headers=HEADERS)
    latency = f"p50 {polled['p50_ms']:.1f} ms, p99 {polled['p99_ms']:.1f} ms, {memory:.0f} MB resident"
    yield Row(f"{CLIENTS:,} clients polling each second", polled["per_second"], "/s", note=latency)
