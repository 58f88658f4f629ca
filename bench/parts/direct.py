"""Direct calls to a model that does nothing, at 1 and 64 connections.

Against a plain hyper reverse proxy to a runner of the same kind, and against FastAPI with uvicorn serving the same echo.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Iterator

from support.server import Server

from .table import Row
from .tools import HERE, answers, free_port, in_turns, noop_runner, plain_proxy, running, warm, wrk


def run() -> Iterator[Row]:
    port = free_port()
    uvicorn = [sys.executable, "-m", "uvicorn", "fastapi_noop:app", "--port", port, "--no-access-log"]
    uvicorn += ["--app-dir", HERE / "peers", "--log-level", "error"]
    with (
        tempfile.TemporaryDirectory() as folder,
        Server() as server,
        noop_runner(Path(folder)) as runner,
        plain_proxy(runner) as proxy,
        running(*uvicorn, ready=lambda: answers(port)),
    ):
        warm(server)
        for connections in (1, 64):
            rates = in_turns(
                {
                    "ours": lambda: wrk(f"{server.url}/tintype/noop", connections),
                    "proxy": lambda: wrk(f"{proxy}/", connections),
                    "fastapi": lambda: wrk(f"http://127.0.0.1:{port}/", connections),
                }
            )
            what = f"direct calls, {connections} connection{'s' if connections > 1 else ''}"
            yield Row(what, rates["ours"], "/s", rates["proxy"], "plain hyper proxy", ">= 0.6")
            yield Row(what, rates["ours"], "/s", rates["fastapi"], "FastAPI, uvicorn", ">= 10")
