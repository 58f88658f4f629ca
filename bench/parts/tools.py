"""Starting the programs that are measured, and reading what they say."""

from __future__ import annotations

import json
import re
import socket
import statistics
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator

import httpx
from support.server import KEY, ROOT, Server, binary

PEER = binary().parent / "tintype-peer"
HERE = ROOT / "bench"
HEADERS = {"Authorization": f"Key {KEY}"}
ROUNDS = 5


def in_turns(measures: dict[str, Callable[[], float]], rounds: int = ROUNDS) -> dict[str, float]:
    """The median of each measure, taken in turns."""
    taken: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            taken[name].append(measure())
    return {name: statistics.median(values) for name, values in taken.items()}


def peer(*arguments: object) -> dict[str, Any]:
    """Runs one of our load programs to its end and gives what it measured."""
    words = [str(PEER), *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words[:2])} failed: {done.stderr[-500:]}")
    return json.loads(done.stdout.splitlines()[-1])


@contextmanager
def running(*words: object, ready: Callable[[], bool] = lambda: True, **options: Any) -> Iterator[subprocess.Popen]:
    """A program beside the server; `ready` says when it answers."""
    process = subprocess.Popen([str(word) for word in words], **{"stderr": subprocess.DEVNULL, **options})
    try:
        deadline = time.monotonic() + 30
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{words[0]} did not start")
            time.sleep(0.02)
        yield process
    finally:
        process.terminate()
        process.wait()


@contextmanager
def plain_proxy(socket_path: Path) -> Iterator[str]:
    """The URL of a plain reverse proxy to the runner behind `socket_path`."""
    words = [PEER, "proxy", "--socket", socket_path]
    with running(*words, stdout=subprocess.PIPE, text=True) as process:
        yield json.loads(process.stdout.readline())["url"]


@contextmanager
def noop_runner(folder: Path) -> Iterator[Path]:
    """A runner by itself, of the same kind as the server's."""
    path = folder / "runner.sock"
    words = [binary(), "runner", "--model", "tintype/noop", "--socket", path, "--slots", "64"]
    with running(*words, ready=path.exists, stdout=subprocess.DEVNULL):
        yield path


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def answers(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def wrk(url: str, connections: int, seconds: float = 4) -> float:
    """Requests a second for the same small POST, failures being an error."""
    return float(re.search(r"Requests/sec:\s+([\d.]+)", _wrk(url, connections, seconds))[1])


def wrk_median(url: str, connections: int, seconds: float = 4) -> float:
    """The median of what the same small POST takes, in milliseconds."""
    amount, unit = re.search(r"50%\s+([\d.]+)(us|ms|s)", _wrk(url, connections, seconds)).groups()
    return float(amount) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def _wrk(url: str, connections: int, seconds: float) -> str:
    threads = min(2, connections)
    words = ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds:g}s", "--latency", "-s", str(HERE / "post.lua"), url]
    out = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)|Socket errors: (.*)", out)
    if bad:
        raise RuntimeError(f"{url}: {bad[0]}")
    return out


def warm(server: Server, app: str = "tintype/noop", body: dict | None = None) -> dict:
    """The first call, which pays for the cold start."""
    answer = httpx.post(f"{server.url}/{app}", json=body or {}, headers=HEADERS, timeout=120)
    return answer.raise_for_status().json()


def resident_megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024
