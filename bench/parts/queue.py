"""Durable submit to result, at 1 and 64 clients.

Against the bare store doing the same commits, and against Celery with Redis that syncs its log on every write.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from typing import Iterator

from support.server import KEY, Server, binary

from .table import Row
from .tools import HERE, answers, free_port, in_turns, peer, running, warm

SECONDS = 4


@contextmanager
def celery() -> Iterator[dict[str, str]]:
    """The environment in which tasks reach a worker through a durable Redis."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        redis = ["redis-server", "--port", port, "--dir", folder, "--appendonly", "yes", "--appendfsync", "always"]
        environment = {**os.environ, "REDIS_URL": f"redis://127.0.0.1:{port}/0", "PYTHONPATH": str(HERE / "peers")}
        worker = [sys.executable, "-m", "celery", "-A", "celery_noop", "worker", "-c", 2, "--loglevel", "ERROR"]
        quiet = {"stdout": subprocess.DEVNULL}
        with running(*redis, "--save", "", ready=lambda: answers(port), **quiet):
            with running(*worker, env=environment, cwd=folder, **quiet):
                yield environment


def celery_rate(environment: dict[str, str], clients: int, latencies: list[float]) -> float:
    """One producer that keeps a window of tasks under way; more of them were slower together."""
    words = [sys.executable, str(HERE / "peers" / "celery_load.py"), str(clients), str(SECONDS)]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=90, check=True)
    out = json.loads(done.stdout)
    latencies.append(out["p50_ms"])
    return out["per_second"]


def store_rate(clients: int) -> float:
    """Requests a second that the bare store carries from submit to result."""
    with tempfile.TemporaryDirectory() as folder:
        words = [str(binary().parent / "examples" / "store_bench"), str(clients), str(SECONDS), f"{folder}/data"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True)
    return float(re.search(r"([\d.]+) requests/s", done.stdout)[1])


def run() -> Iterator[Row]:
    with Server() as server, celery() as environment:
        warm(server)
        for clients in (1, 64):
            ours: list[dict] = []
            theirs: list[float] = []

            def submit_to_result() -> float:
                ours.append(peer("queue", "--url", server.url, "--key", KEY, "--clients", clients, "--seconds", SECONDS))
                return ours[-1]["per_second"]

            rates = in_turns(
                {
                    "ours": submit_to_result,
                    "store": lambda: store_rate(clients),
                    "celery": lambda: celery_rate(environment, clients, theirs),
                },
                rounds=3,
            )
            what = f"submit to result, {clients} client{'s' if clients > 1 else ''}"
            p50, p99 = (sorted(one[name] for one in ours)[len(ours) // 2] for name in ("p50_ms", "p99_ms"))
            latency = f"p50 {p50:.1f} ms, p99 {p99:.1f} ms"
            yield Row(what, rates["ours"], "/s", rates["store"], "bare store", ">= 0.7", latency)
            celery_p50 = f"its p50 {sorted(theirs)[len(theirs) // 2]:.1f} ms"
            yield Row(what, rates["ours"], "/s", rates["celery"], "Celery, Redis AOF always", ">= 5", celery_p50)
