"""Rows 1, 2, 15 and 18: deploying, listing, scaling, and going back; and the commands around them."""

from __future__ import annotations

import re
import subprocess

import pytest
from support.server import binary, clean_environment
from support.wait import until

from cloud import APPS, FAL, Cloud, edited, serve

SCALING = ("keep_alive", "max_concurrency", "max_multiplexing")


def scaling(alias: dict) -> dict:
    return {name: alias[name] for name in SCALING}


def test_a_new_server_lists_no_apps(fresh):
    assert fresh.fal("apps", "list").table() == []
    assert fresh.aliases() == []


def test_tintype_exec_leads_the_command_here(fresh):
    environment = clean_environment(TINTYPE_URL=fresh.server.url, TINTYPE_DATA=str(fresh.server.data), COLUMNS="4000")
    words = [str(binary()), "exec", "--", str(FAL), "apps", "list", "--output", "json"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '{"apps": []}' in done.stdout


def test_a_key_that_is_not_known_is_refused_in_words(cloud):
    done = cloud.try_fal("apps", "list", FAL_KEY="nobody:knows")
    assert done.code == 1 and "key" in done.said.lower(), done.said
    done = cloud.try_fal("auth", "whoami", FAL_KEY="nobody:knows")
    assert done.code == 1, done.said


def test_whoami_names_the_owner_of_the_urls(cloud):
    assert cloud.owner in cloud.fal("auth", "whoami").said


def test_an_app_is_deployed_and_answers(cloud):
    app = cloud.deploy("greeter.py::Greeter", "--app-name", "first-greeter")
    assert app.name == "first-greeter" and app.revision
    answer = cloud.call(app, body={"name": "Ada", "times": 2})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"text": "hello Ada hello Ada", "version": "one"}
    assert answer.headers["x-fal-request-id"]


def test_the_urls_that_are_printed_lead_to_the_app(cloud):
    said = cloud.fal("deploy", "greeter.py::Greeter", "--app-name", "printed").said
    # By the name that the client used for this server.
    base = f"http://localhost:{cloud.server.port}"
    assert f"Sync   {base}/{cloud.owner}/printed" in said
    assert f"Async  {base}/queue/{cloud.owner}/printed" in said
    assert re.search(rf"{base}/\S*printed", said.split("Playground")[1])
    url = re.search(r"Sync\s+(\S+)", said)
    assert url and cloud.call(url[1], body={"name": "x"}).status_code == 200


def test_scaling_values_are_inherited_unless_reset(cloud, tmp_path):
    name = "scaled"
    cloud.deploy("greeter.py::Greeter", "--app-name", name)
    first = scaling(cloud.alias(name))
    assert first == {"keep_alive": 300, "max_concurrency": 3, "max_multiplexing": 4}

    changed = edited("greeter.py", tmp_path, VERSION="two", KEEP_ALIVE=200, MAX_CONCURRENCY=2, MULTIPLEXING=8)
    second = cloud.deploy(f"{changed}::Greeter", "--app-name", name)
    kept = scaling(cloud.alias(name))
    # Multiplexing belongs to the code; the other two to the alias.
    assert kept == {"keep_alive": 300, "max_concurrency": 3, "max_multiplexing": 8}
    assert cloud.call(second, body={"name": "Ada"}).json()["version"] == "two"

    cloud.deploy(f"{changed}::Greeter", "--app-name", name, "--reset-scale")
    reset = scaling(cloud.alias(name))
    assert reset == {"keep_alive": 200, "max_concurrency": 2, "max_multiplexing": 8}


def test_scale_changes_what_is_given_and_nothing_else(cloud):
    cloud.deploy("greeter.py::Greeter", "--app-name", "tuned")
    before = cloud.alias("tuned")
    cloud.fal("apps", "scale", "tuned", "--keep-alive", 77, "--concurrency-buffer", 1, "--request-timeout", 99)
    after = cloud.alias("tuned")
    assert (after["keep_alive"], after["concurrency_buffer"], after["request_timeout"]) == (77, 1, 99)
    assert after["max_concurrency"] == before["max_concurrency"]
    cloud.fal("apps", "scale", "tuned", "--concurrency-buffer", 0)
    refused = cloud.try_fal("apps", "scale", "tuned", "--machine-types", "HUGE")
    assert refused.code == 1 and "HUGE" in refused.said and "XS" in refused.said, refused.said
    refused = cloud.try_fal("apps", "scale", "no-such-app", "--keep-alive", 1)
    assert refused.code == 1 and "not found" in refused.said, refused.said


def test_going_back_to_a_revision_serves_the_old_code_without_a_build(cloud, tmp_path):
    old = cloud.deploy("greeter.py::Greeter", "--app-name", "rolled")
    newer = edited("greeter.py", tmp_path, VERSION="newer")
    new = cloud.deploy(f"{newer}::Greeter", "--app-name", "rolled")
    assert old.revision != new.revision
    assert cloud.call(new, body={"name": "x"}).json()["version"] == "newer"

    listed = [row[0] for row in cloud.fal("apps", "list-rev", "rolled").table()]
    assert {old.revision, new.revision} <= set(listed)
    said = cloud.fal("apps", "set-rev", "rolled", old.revision).said
    assert old.revision in said and "uilding" not in said
    until(
        lambda: cloud.call(old, body={"name": "x"}).json().get("version") == "one",
        seconds=60,
        what="the old revision to serve",
    )
    assert cloud.alias("rolled")["revision"] == old.revision
    refused = cloud.try_fal("apps", "set-rev", "rolled", "no-such-revision")
    assert refused.code == 1 and "not found" in refused.said


def test_a_revision_in_use_is_kept_and_an_unused_one_goes(cloud, tmp_path):
    old = cloud.deploy("greeter.py::Greeter", "--app-name", "pruned")
    newer = edited("greeter.py", tmp_path, VERSION="newer")
    new = cloud.deploy(f"{newer}::Greeter", "--app-name", "pruned")
    refused = cloud.try_fal("apps", "delete-rev", new.revision)
    assert refused.code == 1 and "pruned" in refused.said, refused.said
    cloud.fal("apps", "delete-rev", old.revision)
    assert old.revision not in cloud.fal("apps", "list-rev", "pruned").said


def test_a_deleted_app_is_gone_for_callers_too(cloud):
    app = cloud.deploy("greeter.py::Greeter", "--app-name", "doomed")
    assert cloud.call(app, body={"name": "x"}).status_code == 200
    assert app.revision in cloud.fal("apps", "delete", "doomed").said
    assert cloud.call(app, body={"name": "x"}).status_code == 404
    assert "not found" in cloud.fal("apps", "delete", "doomed").said


@pytest.mark.parametrize("strategy", ["rolling", "recreate"])
def test_a_new_revision_replaces_the_old_one_without_an_error_in_between(cloud, tmp_path, strategy):
    name = f"smooth-{strategy}"
    app = cloud.deploy("greeter.py::Greeter", "--app-name", name)
    assert cloud.call(app, body={"name": "x"}).json()["version"] == "one"
    newer = edited("greeter.py", tmp_path, VERSION="newer")
    deploy = cloud.start("deploy", f"{newer}::Greeter", "--app-name", name, "--strategy", strategy)
    answers = []
    while deploy.poll() is None:
        answers.append(cloud.call(app, body={"name": "x"}))
    out, err = deploy.communicate()
    assert deploy.returncode == 0, out + err
    assert {answer.status_code for answer in answers} == {200}, [a.text for a in answers if a.status_code != 200]
    until(lambda: cloud.call(app, body={"name": "x"}).json()["version"] == "newer", seconds=60, what="the new revision")


def test_a_failing_start_under_attach_leaves_the_old_revision_serving(cloud, tmp_path):
    app = cloud.deploy("greeter.py::Greeter", "--app-name", "guarded")
    assert cloud.call(app, body={"name": "x"}).status_code == 200
    done = cloud.try_fal("deploy", "broken.py::Raiser", "--app-name", "guarded", "--attach")
    assert done.code == 1 and "the weights are missing" in done.said, done.said
    assert cloud.call(app, body={"name": "x"}).json()["version"] == "one"
    assert cloud.alias("guarded")["revision"] == app.revision


def test_a_detached_deploy_comes_back_at_once(cloud, tmp_path):
    cloud.deploy("greeter.py::Greeter", "--app-name", "loose")
    newer = edited("greeter.py", tmp_path, VERSION="newer")
    answer = cloud.fal(
        "deploy", f"{newer}::Greeter", "--app-name", "loose", "--detach", "--output", "json"
    ).json()
    assert answer["status"] == "rolling_out"
    assert cloud.alias("loose")["revision"] == answer["revision"]


def test_a_rollout_gives_fresh_runners(cloud):
    app = cloud.deploy("greeter.py::Greeter", "--app-name", "renewed")
    cloud.call(app, body={"name": "x"})
    before = cloud.until_runner("renewed", "IDLE")["runner_id"]
    cloud.fal("apps", "rollout", "renewed")
    until(
        lambda: (ids := {one["runner_id"] for one in cloud.live("renewed")}) and before not in ids,
        seconds=60,
        what="another runner",
    )
    assert cloud.call(app, body={"name": "x"}).status_code == 200
    refused = cloud.try_fal("apps", "rollout", "no-such-app")
    assert refused.code == 1 and "not found" in refused.said


def test_a_message_and_annotations_are_kept_with_the_revision(cloud):
    app = cloud.deploy(
        "greeter.py::Greeter", "--app-name", "noted", "--message", "the first", "--annotation", "GIT_SHA=abc"
    )
    answer = cloud.http.get(f"/applications/{cloud.owner}/{app.name}/metadata").json()
    assert answer["message"] == "the first" and answer["annotations"] == {"GIT_SHA": "abc"}
    assert answer["openapi"]["paths"]["/"]["post"]


def test_the_doctor_of_the_client_and_of_the_server_are_content(cloud):
    assert "1.83" in cloud.fal("doctor").said
    environment = clean_environment(TINTYPE_URL=cloud.server.url, TINTYPE_DATA=str(cloud.server.data))
    done = subprocess.run([str(binary()), "doctor"], env=environment, capture_output=True, text=True, timeout=60)
    assert "sandbox" in (done.stdout + done.stderr).lower(), done.stdout + done.stderr


def test_an_app_of_one_server_run_is_there_after_the_next_start(tmp_path):
    data = tmp_path / "data"
    with serve(data=data) as server:
        cloud = Cloud(server)
        app = cloud.deploy("greeter.py::Greeter")
        assert cloud.call(app, body={"name": "x"}).status_code == 200
        cloud.close()
    with serve(data=data) as server:
        cloud = Cloud(server)
        assert cloud.alias("greeter")["revision"] == app.revision
        assert cloud.call(cloud.url("greeter"), body={"name": "x"}).json()["version"] == "one"
        cloud.close()


def test_what_the_client_cannot_send_is_refused_before(cloud):
    done = cloud.try_fal("deploy", APPS / "no-such-file.py")
    assert done.code == 1 and "no-such-file" in done.said
