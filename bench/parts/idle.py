"""Memory of the idle server, and the time from its start until it answers."""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Iterator

import httpx
from support.server import Server

from .table import Row
from .tools import resident_megabytes

STARTS = 9


def start(data: Path) -> float:
    """Milliseconds until `/health` answers."""
    began = time.monotonic()
    with Server(data=data) as server:
        httpx.get(f"{server.url}/health").raise_for_status()
        return (time.monotonic() - began) * 1000


def run() -> Iterator[Row]:
    folder = Path(tempfile.mkdtemp())
    first = start(folder / "data")
    again = statistics.median(start(folder / "data") for _ in range(STARTS))
    with Server(data=folder / "data") as server:
        httpx.get(f"{server.url}/health").raise_for_status()
        time.sleep(2)
        memory = resident_megabytes(server.process.pid)
    shutil.rmtree(folder)
    yield Row("idle server, resident", memory, "MB", aim="< 60")
    yield Row("start to ready", again, "ms", aim="< 200", note=f"the very first start, which makes keys: {first:.0f} ms")
