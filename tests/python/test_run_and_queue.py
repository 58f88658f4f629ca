"""Run and queue through the released Python client: rows 1 to 7, 17, 18, 32 and 33."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from pathlib import Path

import fal_client
import httpx
import pytest

from support import noop, sketch
from support.occupied import occupied
from support.server import KEY, Server, clean_environment
from support.wait import until


def test_run_of_an_image_endpoint_gives_one_image(fal):
    result = fal.run(sketch.APP, sketch.picture())
    assert len(result["images"]) == 1
    assert {"url", "content_type", "file_name", "file_size", "width", "height"} <= result["images"][0].keys()
    assert result["seed"] == 7 and result["prompt"] == "a red circle on white"
    assert result["has_nsfw_concepts"] == [False] and "timings" in result


def test_submit_to_a_path_of_an_app_gives_the_submitted_seed_back(fal):
    handle = fal.submit(sketch.TEXT_TO_IMAGE, sketch.picture(seed=41))
    assert handle.get()["seed"] == 41


def test_result_by_the_full_endpoint_id_equals_the_handles_result(fal):
    handle = fal.submit(noop.OTHER_PATH, noop.echo(seed=5))
    first = handle.get()
    assert fal.result(noop.OTHER_PATH, handle.request_id) == first
    assert handle.get() == first


def test_logs_are_null_unless_asked_for_and_a_list_when_asked_for(fal):
    handle = fal.submit(noop.APP, noop.logging("first line", "second line"))
    handle.get()
    assert handle.status(with_logs=False).logs is None
    completed = handle.status(with_logs=True)
    assert isinstance(completed, fal_client.Completed)
    assert [entry["message"] for entry in completed.logs] == ["first line", "second line"]
    assert completed.logs[0]["timestamp"].endswith("Z") and completed.logs[0]["source"] == "USER"
    assert completed.logs[0]["level"] in {"INFO", "STDOUT"}


@pytest.mark.parametrize("app", [noop.APP, noop.OTHER_PATH])
def test_the_urls_that_submit_returns_are_those_that_the_client_builds(fal, app):
    handle = fal.submit(app, noop.echo())
    rebuilt = fal.get_handle(app, handle.request_id)
    assert rebuilt == handle
    assert rebuilt.response_url == handle.response_url
    assert rebuilt.status_url == handle.status_url
    assert rebuilt.cancel_url == handle.cancel_url
    handle.get()


def test_status_by_id_equals_status_by_handle_metrics_included(fal):
    handle = fal.submit(noop.APP, noop.slow(0.05))
    handle.get()
    status = handle.status()
    assert fal.status(noop.APP, handle.request_id) == status
    assert status.metrics["inference_time"] >= 0.04


def test_run_and_subscribe_accept_a_hint(fal):
    assert fal.run(noop.APP, noop.echo(seed=1), hint="session-1")
    updates = []
    result = fal.subscribe(noop.APP, noop.echo(seed=2), hint="session-1", on_queue_update=updates.append)
    assert result
    assert isinstance(updates[-1], fal_client.Completed)


def test_client_options_become_the_documented_headers(proxied, proxy):
    proxied.run(noop.APP, noop.echo(), hint="h", start_timeout=30, headers={"X-Mine": "1"})
    proxied.submit(noop.APP, noop.echo(), hint="h", priority="low", start_timeout=30, headers={"X-Mine": "2"}).get()
    proxied.subscribe(noop.APP, noop.echo(), hint="s", priority="normal", start_timeout=31)
    run = proxy.matching("POST", r"^/tintype/noop$")[0].headers
    submits = [seen.headers for seen in proxy.matching("POST", r"^/queue/tintype/noop$")]
    assert (run["x-fal-runner-hint"], run["x-fal-request-timeout"], run["x-mine"]) == ("h", "30.0", "1")
    assert (submits[0]["x-fal-queue-priority"], submits[0]["x-mine"]) == ("low", "2")
    assert (submits[1]["x-fal-runner-hint"], submits[1]["x-fal-request-timeout"]) == ("s", "31.0")


def test_explicit_options_override_user_headers(proxied, proxy):
    stale = {"X-Fal-Runner-Hint": "stale", "X-Fal-Queue-Priority": "normal"}
    proxied.submit(noop.APP, noop.echo(), hint="fresh", priority="low", headers=stale).get()
    (submit,) = proxy.matching("POST", r"^/queue/tintype/noop$")
    assert submit.headers["x-fal-runner-hint"] == "fresh" and submit.headers["x-fal-queue-priority"] == "low"


@pytest.mark.parametrize("seconds", [1, 0.5, 0])
def test_a_start_timeout_of_at_most_one_second_is_refused_by_the_client(proxied, proxy, seconds):
    with pytest.raises(ValueError):
        proxied.submit(noop.APP, noop.echo(), start_timeout=seconds)
    assert proxy.seen == []


def submit(http: httpx.Client, *, headers: dict[str, str] | None = None, **arguments) -> dict:
    answer = http.post(f"/queue/{noop.APP}", json=arguments, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def completed(http: httpx.Client, request_id: str) -> httpx.Response:
    url = f"/queue/{noop.APP}/requests/{request_id}/status"
    return until(lambda: (answer := http.get(url)).status_code == 200 and answer, what=f"{request_id} to complete")


@pytest.mark.parametrize(("logs", "shown"), [("1", True), ("true", True), ("0", False), ("false", False)])
@pytest.mark.parametrize("slash", ["", "/"])
def test_every_spelling_of_the_logs_query_and_a_trailing_slash_is_accepted(http, logs, shown, slash):
    request_id = submit(http, **noop.logging("a line"))["request_id"]
    completed(http, request_id)
    answer = http.get(f"/queue/{noop.APP}/requests/{request_id}/status{slash}?logs={logs}")
    assert answer.status_code == 200
    assert (answer.json()["logs"] is not None) == shown


@pytest.mark.parametrize("suffix", ["", "/", "/response", "/response/"])
@pytest.mark.parametrize("path", ["", "/sub"])
def test_the_result_is_served_under_all_its_aliases_without_a_redirect(http, suffix, path):
    request_id = submit(http, seed=3)["request_id"]
    completed(http, request_id)
    answer = http.get(f"/queue/{noop.APP}{path}/requests/{request_id}{suffix}")
    assert answer.status_code == 200 and answer.history == []
    assert answer.headers["x-fal-request-id"] == request_id


def test_submit_answers_with_every_documented_key(http):
    answer = http.post(f"/queue/{noop.APP}", json=noop.echo())
    body = answer.json()
    assert body["status"] == "IN_QUEUE" and body["queue_position"] >= 0
    assert body["gateway_request_id"] == body["request_id"] == answer.headers["x-fal-request-id"]
    assert uuid.UUID(body["request_id"]).version == 7
    assert body["response_url"] == f"{http.base_url}/queue/{noop.APP}/requests/{body['request_id']}"


def test_status_answers_202_until_complete_and_200_then(http):
    request_id = submit(http, **noop.slow(0.5))["request_id"]
    url = f"/queue/{noop.APP}/requests/{request_id}/status"
    first = http.get(url)
    assert first.status_code == 202 and first.json()["status"] in {"IN_QUEUE", "IN_PROGRESS"}
    assert completed(http, request_id).json()["status"] == "COMPLETED"


def test_the_legacy_apps_helper_completes(server: Server):
    """`fal.apps` decides by the status code alone, does not follow redirects and ends its URLs with a slash."""
    program = Path(__file__).parent / "programs" / "legacy_apps.py"
    environment = clean_environment(FAL_KEY=KEY, LEGACY_APPS_URL=server.url)
    done = subprocess.run([sys.executable, program], env=environment, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["ran", "cancelled", "streamed", "socket"]


def test_a_result_that_is_not_there_yet_says_so_without_a_retryable_status(http):
    request_id = submit(http, **noop.slow(1))["request_id"]
    answer = http.get(f"/queue/{noop.APP}/requests/{request_id}")
    assert answer.status_code == 400
    assert "in progress" in answer.json()["detail"].lower() or "in queue" in answer.json()["detail"].lower()
    http.put(f"/queue/{noop.APP}/requests/{request_id}/cancel")


def test_cancel_of_a_queued_request_removes_it_and_of_a_finished_one_is_refused(http):
    with occupied(http) as ids:
        answer = http.put(f"/queue/{noop.APP}/requests/{ids[-1]}/cancel")
        assert (answer.status_code, answer.json()) == (200, {"status": "OK"})
        late = http.put(f"/queue/{noop.APP}/requests/{ids[-1]}/cancel")
    assert (late.status_code, late.json()["status"]) == (400, "ALREADY_COMPLETED")
    result = http.get(f"/queue/{noop.APP}/requests/{ids[-1]}")
    assert (result.status_code, result.json()["error_type"]) == (499, "client_cancelled")


def test_what_nobody_submitted_is_not_found(http):
    unknown = uuid.uuid4()
    cancel = http.put(f"/queue/{noop.APP}/requests/{unknown}/cancel")
    assert (cancel.status_code, cancel.json()["status"]) == (404, "NOT_FOUND")
    for suffix in ("", "/status", "/status/stream"):
        assert http.get(f"/queue/{noop.APP}/requests/{unknown}{suffix}").status_code == 404
        assert http.get(f"/queue/{noop.APP}/requests/nonsense{suffix}").status_code in {400, 404}


def test_a_running_request_is_asked_to_stop_and_ends_as_cancelled(http):
    request_id = submit(http, **noop.slow(30))["request_id"]
    url = f"/queue/{noop.APP}/requests/{request_id}"
    until(lambda: http.get(f"{url}/status").json()["status"] == "IN_PROGRESS", what="an attempt to begin")
    answer = http.put(f"{url}/cancel")
    assert (answer.status_code, answer.json()) == (202, {"status": "CANCELLATION_REQUESTED"})
    status = completed(http, request_id).json()
    assert status["error_type"] == "client_cancelled" and status["outcome"] == "cancelled"


def test_a_start_deadline_that_passes_ends_the_request_with_a_user_timeout(http):
    with occupied(http):
        answer = http.post(f"/queue/{noop.APP}", json=noop.echo(), headers={"X-Fal-Request-Timeout": "1.1"})
        status = completed(http, answer.json()["request_id"]).json()
        result = http.get(f"/queue/{noop.APP}/requests/{answer.json()['request_id']}")
        direct = http.post(f"/{noop.APP}", json=noop.echo(), headers={"X-Fal-Request-Timeout": "1.1"})
    assert (status["error_type"], status["outcome"]) == ("request_timeout", "expired")
    for late in (result, direct):
        assert (late.status_code, late.headers["x-fal-request-timeout-type"]) == (504, "user")
        assert late.json()["error_type"] == "request_timeout"


def test_too_long_a_queue_is_refused_with_429(http):
    with occupied(http):
        answer = http.post(f"/queue/{noop.APP}?fal_max_queue_length=1", json=noop.echo())
    assert answer.status_code == 429
    assert "1" in answer.json()["detail"] and answer.headers["x-fal-request-id"]


def test_low_priority_runs_only_when_nothing_normal_waits(http):
    with occupied(http, seconds=3):
        low = [submit(http, **noop.echo(seed=n), headers={"X-Fal-Queue-Priority": "low"}) for n in range(2)]
        normal = submit(http, **noop.echo(seed=9))
        positions = [
            http.get(f"/queue/{noop.APP}/requests/{one['request_id']}/status").json()["queue_position"]
            for one in (normal, *low)
        ]
        assert positions == sorted(positions)


def test_the_same_idempotency_key_is_the_same_request(http):
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    first = http.post(f"/queue/{noop.APP}", json=noop.echo(seed=1), headers=headers)
    again = http.post(f"/queue/{noop.APP}", json=noop.echo(seed=1), headers=headers)
    other = http.post(f"/queue/{noop.APP}", json=noop.echo(seed=2), headers=headers)
    assert first.json()["request_id"] == again.json()["request_id"]
    assert 400 <= other.status_code < 500 and other.status_code not in {408, 409, 429}
    assert "Idempotency-Key" in other.json()["detail"]


def test_a_waiting_request_says_why_it_waits(http):
    with occupied(http) as ids:
        status = http.get(f"/queue/{noop.APP}/requests/{ids[-1]}/status").json()
    assert status["status"] == "IN_QUEUE" and status["queue_position"] >= 1
    assert {"cause", "since", "detail", "next"} <= status["waiting"].keys()


def test_a_runner_killed_in_the_middle_of_a_request_is_replaced_and_the_request_runs_again(http, server):
    request_id = submit(http, **noop.slow(1.5))["request_id"]
    url = f"/queue/{noop.APP}/requests/{request_id}"
    until(lambda: http.get(f"{url}/status").json()["status"] == "IN_PROGRESS", what="an attempt to begin")
    for pid in server.runner_pids():
        os.kill(pid, 9)
    assert completed(http, request_id).json().get("error") is None
    assert http.get(url).status_code == 200
