"""Row 19 and crowds: the server killed in the middle of a deploy or under its runners, and many deploys at once."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from support.wait import until

from cloud import Cloud, serve

NOOP = "/queue/tintype/noop"


def processes(data: Path) -> list[str]:
    """What runs of a server's runners: all of them are told of its folder."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (folder / "cmdline").read_bytes()
            if str(data).encode() in words:
                found.append(f"{folder.name} {words!r}")
    return found


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


@pytest.mark.slow
def test_a_runner_of_an_app_outlives_its_server_serves_the_next_and_ends_without_one(tmp_path):
    data = tmp_path / "data"
    first = serve(data=data)
    cloud = Cloud(first)
    app = cloud.deploy("keeper.py::Keeper")
    cloud.call(app)
    # The next one comes from a template, which has a shepherd from the beginning.
    until(lambda: "a template waits" in first.output(), seconds=60, what="a template")
    cloud.fal("runners", "kill", *cloud.states("keeper"))
    cloud.until_gone("keeper")
    before = cloud.call(app).json()
    (runner,) = cloud.states("keeper")
    shepherds = first.children()
    queue = f"/queue/{cloud.owner}/keeper"
    request = cloud.http.post(f"{queue}/slow", json={"seconds": 5}).json()["request_id"]
    # In the app, and not only on its way there. A line that a server has read and not yet written down goes with it.
    until(lambda: "runs has begun" in cloud.log_text(runner), what="the request to begin")
    first.kill()
    cloud.close()
    with serve("--adopt-within", "2s", data=data) as second:
        cloud = Cloud(second)
        # What ran is run again, once, and after it ended where it was cut off.
        until(lambda: status(cloud, queue, request) == "COMPLETED", seconds=30, what="the request to be run again")
        assert cloud.http.get(f"{queue}/requests/{request}").json() == {"born": before["born"]}
        url = cloud.url("keeper")
        assert cloud.call(url, "/runs").json()["runs"] == [before["born"]] * 2
        assert cloud.call(url).json() == {"born": before["born"], "count": before["count"] + 1}
        assert list(cloud.states("keeper")) == [runner]
        # The way out, the way for files, the log and a shell are those of the second server.
        made = cloud.call(url, "/out").json()
        assert made["status"] in (401, 404) and httpx.get(made["file"], trust_env=False).content == b"kept"
        until(lambda: "takes the runner over" in cloud.log_text(runner), what="the adoption to be told")
        assert "call 1" in cloud.log_text(runner)
        until(lambda: "call 2" in cloud.log_text(runner), what="what it writes now")
        assert "FAL_KEY" in cloud.fal("runners", "exec", runner, "--", "/usr/bin/env").said
        cloud.fal("apps", "scale", "keeper", "--keep-alive", 1)
        cloud.until_gone("keeper", seconds=30)
        until(lambda: not alive(shepherds), what="its shepherd to be gone")
        assert cloud.call(url).json()["count"] == 1
        shepherds = second.children()
        second.kill()
        cloud.close()
    until(lambda: not processes(data) + alive(shepherds), seconds=90, what="everything to end without a server")


def status(cloud: Cloud, queue: str, request: str) -> str:
    return cloud.http.get(f"{queue}/requests/{request}/status").json()["status"]


def test_a_native_runner_outlives_its_server_and_ends_what_that_one_sent(tmp_path):
    data = tmp_path / "data"
    first = serve(data=data)
    cloud = Cloud(first)
    # Meanwhile the runner's life is written down: one of which nothing is known is not taken over.
    assert cloud.http.post("/tintype/noop", json={"sleep_ms": 300}).status_code == 200
    (pid,) = first.runner_pids()
    request = cloud.http.post(NOOP, json={"sleep_ms": 3000}).json()["request_id"]
    until(lambda: status(cloud, NOOP, request) == "IN_PROGRESS", what="the request to begin")
    first.kill()
    cloud.close()
    with serve(data=data) as second:
        cloud = Cloud(second)
        until(lambda: status(cloud, NOOP, request) == "COMPLETED", seconds=30, what="the request to be run again")
        assert Path(f"/proc/{pid}").exists() and second.runner_pids() == []
        assert cloud.http.post("/tintype/noop", json={"a": 2}).json() == {"a": 2}
        cloud.close()
    until(lambda: not Path(f"/proc/{pid}").exists(), what="the runner to end with the second server")
    assert processes(data) == []


@pytest.mark.slow
@pytest.mark.parametrize("after", [0.6, 1.5, 3.0, 5.0])
def test_a_deploy_that_the_server_did_not_survive_can_be_repeated(tmp_path, after):
    data = tmp_path / "data"
    server = serve(data=data)
    cloud = Cloud(server)
    command = cloud.start("deploy", "greeter.py::Greeter", "--output", "json")
    time.sleep(after + random.random() / 2)
    server.kill()
    command.wait(300)
    if command.stdout and command.stderr:
        command.communicate()
    cloud.close()
    with serve(data=data) as second:
        cloud = Cloud(second)
        assert len(cloud.aliases()) <= 1
        app = cloud.deploy("greeter.py::Greeter")
        assert [one["alias"] for one in cloud.aliases()] == ["greeter"]
        assert cloud.alias("greeter")["revision"] == app.revision
        assert cloud.call(app, body={"name": "x"}).json()["version"] == "one"
        assert len(cloud.fal("apps", "list-rev", "greeter").table()) <= 2
        cloud.close()


@pytest.mark.slow
def test_twenty_deploys_at_once_all_land_with_one_build(fresh):
    names = [f"member-{number}" for number in range(20)]
    with ThreadPoolExecutor(20) as pool:
        deploy = ["deploy", "crowd.py::Member", "--app-name"]
        deploys = list(pool.map(lambda name: fresh.try_fal(*deploy, name, timeout=540), names))
    assert [done.code for done in deploys] == [0] * 20, [done.said for done in deploys if done.code][:1]
    assert sorted(one["alias"] for one in fresh.aliases()) == sorted(names)
    # An environment has a folder named by its content: one for all.
    built = [path.name for path in (fresh.server.data / "environments" / "built").iterdir() if path.is_dir()]
    assert len(built) == 1, built
    assert fresh.call(fresh.url(names[7])).json() == {"ok": True}
