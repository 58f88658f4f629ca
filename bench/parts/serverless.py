"""Deployed Python apps: cold starts, warm calls, many idle ones, many deploys at once.

Cold starts beside the import that every such app pays for; warm calls beside the same app on a port of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

import httpx
from support.server import ROOT
from support.wait import until

from .table import Row
from .tools import HERE, answers, free_port, in_turns, resident_megabytes, running, wrk, wrk_median

sys.path.append(str(ROOT / "tests" / "serverless"))

from cloud import Cloud, Deployed, serve  # noqa: E402

PYTHON = ROOT / ".venv" / "bin" / "python"
FAL = ROOT / ".venv" / "bin" / "fal"
HELLO = HERE / "peers" / "hello.py"
IMPORT = "import fastapi, uvicorn, pydantic"
BODY = {"prompt": "a red circle on white", "seed": 7}
IDLE_APPS = 200
AT_ONCE = 20


@contextmanager
def deployed(*arguments: str) -> Iterator[tuple[Cloud, Deployed]]:
    """A server of its own with the smallest app on it."""
    with serve(*arguments) as server:
        cloud = Cloud(server, fal=FAL)
        yield cloud, cloud.deploy(HELLO)
        cloud.close()


def imported() -> float:
    """Milliseconds that a fresh Python needs for what every app imports."""
    began = time.monotonic()
    subprocess.run([str(PYTHON), "-c", IMPORT], check=True)
    return (time.monotonic() - began) * 1000


def cold(cloud: Cloud, app: Deployed) -> float:
    """Milliseconds from a request to an app without runners until its answer."""
    for runner in cloud.live(app.name):
        cloud.fal("runners", "kill", runner["runner_id"])
    until(lambda: not cloud.live(app.name), what="the runner to be gone")
    began = time.monotonic()
    cloud.call(app, body=BODY).raise_for_status()
    return (time.monotonic() - began) * 1000


def cold_starts() -> Iterator[Row]:
    with deployed() as templated, deployed("--templates", "off") as spawned:
        times = in_turns({"templated": lambda: cold(*templated), "spawned": lambda: cold(*spawned), "import": imported})
    for name, what, aim in (("templated", "from a template", "> 2"), ("spawned", "by itself", "")):
        yield Row(f"cold start {what}", times[name], "ms", times["import"], "that import alone", aim, less=True)


def warm_calls() -> Iterator[Row]:
    port = free_port()
    local = [FAL, "run", f"{HELLO}::Hello", "--local", "--exposed-port", port, "--exposed-metrics-port", free_port()]
    with deployed() as (cloud, app):
        cloud.call(app, body=BODY).raise_for_status()
        options = {"env": cloud.environment(), "stdout": subprocess.DEVNULL}
        with running(*local, ready=lambda: answers(port), **options):
            direct = f"http://127.0.0.1:{port}/"
            httpx.post(direct, json=BODY).raise_for_status()
            medians = in_turns({"ours": lambda: wrk_median(app.url, 1), "direct": lambda: wrk_median(direct, 1)})
            rates = in_turns({"ours": lambda: wrk(app.url, 64), "direct": lambda: wrk(direct, 64)})
    added = medians["ours"] - medians["direct"]
    yield Row("warm call, 1 connection, p50", medians["ours"], "ms", medians["direct"], "its port", less=True)
    yield Row("added by the gateway", added, "ms", aim="< 0.3")
    yield Row("warm calls, 64 connections", rates["ours"], "/s", rates["direct"], "its port", ">= 0.9")


def idle_apps() -> Iterator[Row]:
    with deployed() as (cloud, app):
        before = resident_megabytes(cloud.server.process.pid)
        many = [str(PYTHON), str(HERE / "peers" / "deploy_many.py"), str(HELLO), str(IDLE_APPS)]
        subprocess.run(many, env=cloud.environment(), check=True, stdout=subprocess.DEVNULL, timeout=900)
        for runner in cloud.fal("runners", "list", "--output", "json").json()["runners"]:
            cloud.fal("runners", "kill", runner["runner_id"])
        time.sleep(5)
        after, spent = resident_megabytes(cloud.server.process.pid), _cpu_seconds(cloud.server.process.pid)
        time.sleep(10)
        busy = (_cpu_seconds(cloud.server.process.pid) - spent) / 10 * 100
    yield Row(f"{IDLE_APPS} idle apps, resident", after, "MB", note=f"{before:.0f} MB with one")
    yield Row(f"{IDLE_APPS} idle apps, processor", busy, "%")


def deploys_at_once() -> Iterator[Row]:
    with serve() as server:
        cloud = Cloud(server, fal=FAL)
        began = time.monotonic()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            names = [f"crowd-{number}" for number in range(AT_ONCE)]
            done = list(pool.map(lambda name: cloud.try_fal("deploy", HELLO, "--app-name", name, timeout=600), names))
        seconds, landed = time.monotonic() - began, sum(one.code == 0 for one in done)
        cloud.close()
    yield Row(f"{AT_ONCE} deploys at once", seconds, "s", note=f"{landed} landed")


def run() -> Iterator[Row]:
    for part in (cold_starts, warm_calls, idle_apps, deploys_at_once):
        try:
            yield from part()
        except Exception as error:  # One that cannot be had must not hide the others.
            yield Row(f"{part.__name__} did not run", note=f"{type(error).__name__}: {error}"[:120].replace("\n", " "))


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
