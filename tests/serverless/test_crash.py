"""Row 19 and crowds: the server killed in the middle of a deploy, and many deploys at the same time."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from cloud import Cloud, serve


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
