"""Rows 7 to 10 and 14: the life of runners, their logs, and a shell inside them."""

from __future__ import annotations

import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from support.wait import until

from cloud import Cloud, Deployed, edited


@pytest.fixture(scope="module")
def sleeper(cloud: Cloud) -> Deployed:
    return cloud.deploy("sleeper.py::Sleeper")


def test_two_apps_and_two_runners_of_one_live_side_by_side(cloud, sleeper, workshop):
    with ThreadPoolExecutor(3) as pool:
        both = [pool.submit(cloud.call, sleeper, body={"seconds": 6}) for _ in range(2)]
        other = pool.submit(cloud.call, workshop, body={"value": 1})
        answers = [call.result() for call in both]
    assert {answer.status_code for answer in (*answers, other.result())} == {200}
    assert len({answer.json()["runner"] for answer in answers}) == 2


def test_runners_are_listed_with_what_they_do(cloud, sleeper):
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(cloud.call, sleeper, body={"seconds": 15})
        runner = cloud.until_runner("sleeper", "RUNNING")["runner_id"]
        (busy,) = [one for one in cloud.runners("sleeper") if one["runner_id"] == runner]
        assert call.result().status_code == 200
    assert busy["in_flight_requests"] == 1 and busy["machine_type"] == "S" and busy["alias"] == "sleeper"
    assert busy["revision"] == sleeper.revision
    idle = cloud.until_runner("sleeper", "IDLE")
    assert 0 < idle["expiration_countdown"] <= 120 and idle["uptime_seconds"] >= 0
    assert "IDLE" in cloud.fal("runners", "list").said
    assert "Runners:" in cloud.fal("apps", "runners", "sleeper").said


def test_an_idle_runner_goes_after_its_keep_alive_and_a_minimum_brings_one_back(cloud):
    app = cloud.deploy("idler.py::Idler")
    first = cloud.call(app).json()["runner"]
    cloud.until_gone("idler", seconds=30)
    ended = cloud.runners("idler", "--since", "10m")
    assert first in {one["runner_id"] for one in ended if one["state"] in ("TERMINATED", "DEAD")}

    cloud.fal("apps", "scale", "idler", "--min-concurrency", 1)
    kept = cloud.until_runner("idler", "IDLE")["runner_id"]
    time.sleep(4)
    assert kept in {one["runner_id"] for one in cloud.runners("idler")}
    cloud.fal("apps", "scale", "idler", "--min-concurrency", 0)
    cloud.until_gone("idler", seconds=30)


def test_a_stopped_runner_finishes_its_request_and_tears_down(cloud, sleeper):
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(cloud.call, sleeper, body={"seconds": 3})
        runner = cloud.until_runner("sleeper", "RUNNING")["runner_id"]
        cloud.fal("runners", "stop", runner)
        answer = call.result()
    assert answer.status_code == 200 and answer.json()["slept"] == 3
    until(lambda: runner not in {one["runner_id"] for one in cloud.live("sleeper")}, what="the runner to go")
    until(lambda: "torn down" in cloud.log_text(runner), what="the teardown's output")
    assert "told to go" in cloud.log_text(runner)


def test_a_killed_runner_is_gone_at_once_and_an_unknown_one_is_not_found(cloud, sleeper):
    runner = cloud.call(sleeper, body={"seconds": 0}).json()["runner"]
    cloud.fal("runners", "kill", runner)
    until(lambda: runner not in {one["runner_id"] for one in cloud.live("sleeper")}, what="the runner to go")
    for command in ("kill", "stop"):
        refused = cloud.try_fal("runners", command, "no-such-runner")
        assert refused.code == 1 and "not found" in refused.said, refused.said
    assert cloud.call(sleeper, body={"seconds": 0}).status_code == 200


def test_a_replaced_runner_has_a_successor_before_it_goes(cloud, sleeper):
    runner = cloud.call(sleeper, body={"seconds": 0}).json()["runner"]
    cloud.fal("runners", "stop", runner, "--replace")
    until(
        lambda: (ids := {one["runner_id"] for one in cloud.live("sleeper")}) and runner not in ids,
        seconds=60,
        what="a successor",
    )


@pytest.mark.slow
def test_an_app_whose_setup_raises_is_shown_with_its_reason_and_waits_longer_each_time(cloud):
    cloud.deploy("broken.py::Raiser", "--app-name", "raiser", "--detach")
    request = cloud.http.post(f"/queue/{cloud.owner}/raiser", json={}).json()["request_id"]
    cloud.until_runner("raiser", "CRASH_BACKOFF")
    assert "Runners being delayed after startup failure" in cloud.fal("apps", "runners", "raiser").said
    status = cloud.http.get(f"/queue/{cloud.owner}/raiser/requests/{request}/status").json()
    assert "the weights are missing" in json.dumps(status), status
    delays = []

    def counted() -> int:
        ended = [one for one in cloud.runners("raiser", "--since", "1h") if one["state"] in ("TERMINATED", "DEAD")]
        return len(ended)

    for failures in (1, 2):
        until(lambda: counted() >= failures, seconds=120, what=f"{failures} failures")
        delays.append(time.monotonic())
    # A failure that is seen late makes the wait after it look shorter.
    assert delays[1] - delays[0] > 10
    cloud.fal("apps", "delete", "raiser")


def test_logs_are_complete_in_order_and_searchable(cloud, sleeper):
    runner = cloud.call(sleeper, body={"seconds": 0}).json()["runner"]
    until(lambda: "setting up" in cloud.log_text(runner), what="the log")
    lines = cloud.logs(runner)
    times = [datetime.fromisoformat(line["timestamp"].replace("Z", "+00:00")) for line in lines]
    assert times == sorted(times, reverse=True), "newest first, as the command expects"
    found = cloud.logs(runner, "--search", "setting up")
    assert found and all("setting up" in line["message"] for line in found)
    assert len(cloud.logs(runner, "-n", "2")) == 2
    assert "setting up" in cloud.fal("runners", "logs", runner).said
    refused = cloud.try_fal("runners", "logs", "no-such-runner")
    assert refused.code == 1 and "not found" in refused.said


def test_logs_are_followed_as_they_come(cloud, workshop):
    cloud.call(workshop, "/sleep", body={"seconds": 0, "mark": "before"})
    runner = cloud.until_runner("workshop", "IDLE")["runner_id"]
    follow = cloud.start("runners", "logs", runner, "-f", "--output", "json")
    try:
        assert follow.stdout is not None
        first = json.loads(follow.stdout.readline())
        assert first["timestamp"] and "message" in first
        cloud.call(workshop, "/sleep", body={"seconds": 0, "mark": "followed"})
        for line in follow.stdout:
            if "sleeping followed" in json.loads(line)["message"]:
                break
    finally:
        follow.kill()
        follow.communicate()


def test_a_start_is_told_as_a_timeline(cloud):
    app = cloud.deploy("idler.py::Idler", "--app-name", "timed")
    runner = cloud.call(app).json()["runner"]
    assert cloud.http.get(f"/runners/{runner}").json()["started_at"]
    (told,) = [one for one in cloud.http.get("/v1/runners").json()["runners"] if one["runner"] == runner]
    stages = [stage["stage"] for stage in told["timeline"]]
    assert stages[0] == "queued" and "setup" in stages and "ready" in stages, told


@pytest.fixture
def inside(cloud, workshop) -> str:
    cloud.call(workshop)
    return cloud.until_runner("workshop", "IDLE")["runner_id"]


def test_a_command_inside_a_runner_gives_its_code_and_keeps_its_streams_apart(cloud, inside):
    done = cloud.try_fal("runners", "exec", inside, "--", "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (done.code, done.out, done.err) == (7, "out\n", "err\n")


def test_a_command_inside_a_runner_is_inside(cloud, inside):
    done = cloud.fal("runners", "exec", inside, "--", "python3", "-c", "import fastapi, os; print(os.listdir('/'))")
    assert "app" in done.out and "work" not in done.out, done.out
    listed = cloud.fal("runners", "exec", inside, "--", "sh", "-c", "cat /proc/*/cmdline | tr '\\0' ' '").out
    assert "harness" in listed and "serve --data" not in listed, listed


def test_input_is_piped_through(cloud, inside):
    process = subprocess.run(
        [str(cloud.binary), "runners", "exec", "-it", inside, "--", "wc", "-c"],
        env=cloud.environment(), input=b"x" * 100_000, capture_output=True, timeout=60,
    )  # fmt: skip
    assert process.stdout.strip() == b"100000", process.stdout + process.stderr


def test_a_shell_has_a_terminal(cloud, inside):
    process = subprocess.Popen(
        [str(cloud.binary), "runners", "shell", inside],
        env=cloud.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    out, _ = process.communicate(b"[ -t 0 ] && echo on a $((1 + 1))-way terminal; exit 3\n", timeout=60)
    assert b"on a 2-way terminal" in out, out
    assert process.returncode == 3
    # The end of a terminal ends the session that it belongs to, which must not be the server's.
    assert cloud.fal("runners", "list").code == 0


def test_a_command_that_is_not_there_and_a_runner_that_is_not_there_are_told(cloud, inside):
    done = cloud.try_fal("runners", "exec", inside, "--", "no-such-command")
    assert done.code != 0 and "no-such-command" in done.said, done.said
    done = cloud.try_fal("runners", "exec", "no-such-runner", "--", "true")
    assert done.code != 0 and "not found" in done.said, done.said


def test_a_request_that_takes_too_long_is_ended(cloud):
    app = cloud.deploy("sleeper.py::Sleeper", "--app-name", "hasty")
    cloud.fal("apps", "scale", "hasty", "--request-timeout", 2)
    answer = cloud.call(app, body={"seconds": 30})
    assert answer.status_code == 504 and answer.headers.get("x-fal-error-type") == "request_timeout", answer.text
    assert cloud.call(app, body={"seconds": 0}).status_code == 200


def test_a_set_up_that_is_too_long_is_ended_and_told(cloud):
    done = cloud.try_fal("deploy", "broken.py::Hanger", "--app-name", "hanger", "--attach")
    if done.code == 0:
        cloud.http.post(f"/queue/{cloud.owner}/hanger", json={})
        cloud.until_runner("hanger", "CRASH_BACKOFF")
        ended = cloud.runners("hanger", "--since", "10m")
        assert ended
    else:
        assert "startup" in done.said.lower(), done.said
    cloud.fal("apps", "delete", "hanger")


def test_gpus_in_use_are_counted(cloud):
    assert cloud.fal("runners", "gpus", "--output", "json").json() == {"gpus": {}, "total": 0}
    assert cloud.fal("apps", "gpus", "workshop", "--output", "json").json()["total"] == 0


def test_edited_apps_keep_their_own_folders(cloud, tmp_path):
    slow = edited("sleeper.py", tmp_path, SETUP_SECONDS=1)
    app = cloud.deploy(f"{slow}::Sleeper", "--app-name", "other-sleeper")
    assert cloud.call(app, body={"seconds": 0}).status_code == 200
