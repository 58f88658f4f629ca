"""Fast starts: a runner that comes from a template is the same runner, sooner."""

from __future__ import annotations

from support.wait import until

from cloud import Cloud, edited, serve

WAITS = "a template waits for runners like those of local/greeter"
START = ("queued", "spawn", "template", "import", "setup", "ready")


def start(cloud: Cloud, app: str) -> list[str]:
    """What the start of an app's runner went through, as people are shown it."""
    runner = cloud.until_runner(app, "IDLE")["runner_id"]
    runners = cloud.http.get("/v1/runners").raise_for_status().json()["runners"]
    (its,) = [one for one in runners if one["runner"] == runner]
    return [step["stage"] for step in its["timeline"] if step["stage"] in START]


def test_a_later_start_in_the_same_environment_comes_from_a_template(fresh, tmp_path):
    app = fresh.deploy("greeter.py::Greeter")
    assert fresh.call(app, body={"name": "Ada"}).json() == {"text": "hello Ada", "version": "one"}
    assert start(fresh, app.name) == ["queued", "spawn", "import", "setup", "ready"]
    until(lambda: WAITS in fresh.server.output(), seconds=60, what="a template that waits")

    # Another payload, for the same environment.
    other = fresh.deploy(f"{edited('greeter.py', tmp_path, VERSION='two')}::Greeter", "--app-name", "other")
    assert fresh.call(other, body={"name": "Ada"}).json() == {"text": "hello Ada", "version": "two"}
    assert start(fresh, other.name) == ["queued", "template", "import", "setup", "ready"]
    logs = fresh.log_text(fresh.until_runner(other.name, "IDLE")["runner_id"])
    assert "the greeter of version two is set up" in logs and "of version one" not in logs


def test_without_templates_every_start_is_a_process_of_its_own():
    with serve("--templates", "off") as server:
        cloud = Cloud(server)
        app = cloud.deploy("greeter.py::Greeter")
        for _ in range(2):
            assert cloud.call(app, body={"name": "Ada"}).status_code == 200
            assert start(cloud, app.name) == ["queued", "spawn", "import", "setup", "ready"]
            cloud.fal("runners", "kill", cloud.until_runner(app.name, "IDLE")["runner_id"])
            cloud.until_gone(app.name)
        assert "a template waits" not in server.output()
        cloud.close()
