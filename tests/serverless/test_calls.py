"""Rows 3 and 4: calling a deployed app in every way that there is."""

from __future__ import annotations

import json
import time

import httpx
import msgpack
import pytest
from support.server import KEY
from support.wait import until
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

HEADERS = {"Authorization": f"Key {KEY}"}


def queued(cloud, app, path: str = "", body: object = None, **headers: str) -> str:
    answer = cloud.http.post(f"/queue/{cloud.owner}/{app.name}{path}", json=body or {}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["request_id"]


def status(cloud, app, request: str, **query: object) -> httpx.Response:
    return cloud.http.get(f"/queue/{cloud.owner}/{app.name}/requests/{request}/status", params=query)


def finished(cloud, app, request: str, seconds: float = 60) -> httpx.Response:
    until(lambda: status(cloud, app, request).status_code == 200, seconds=seconds, what="the request to end")
    return cloud.http.get(f"/queue/{cloud.owner}/{app.name}/requests/{request}")


def socket(cloud, app, path: str, **options):
    return connect(f"{app.url.replace('http', 'ws', 1)}{path}", additional_headers=HEADERS, **options)


def test_a_direct_call_gives_the_answer_and_names_the_request(cloud, workshop):
    answer = cloud.call(workshop, body={"value": {"deep": [1, 2.5, None, "ü"]}})
    assert answer.status_code == 200 and answer.json()["value"] == {"deep": [1, 2.5, None, "ü"]}
    assert answer.headers["x-fal-request-id"]


def test_a_wrong_body_is_refused_by_the_model_and_an_unknown_path_is_named(cloud, workshop):
    wrong = cloud.call(workshop, "/sleep", body={"seconds": "many"})
    assert wrong.status_code == 422 and wrong.json()["detail"][0]["loc"] == ["body", "seconds"]
    unknown = cloud.call(workshop, "/nowhere")
    assert unknown.status_code == 404 and unknown.json()["detail"] == "Path /nowhere not found"


def test_an_exception_is_a_500_without_its_text_and_its_traceback_is_in_the_log(cloud, workshop):
    answer = cloud.call(workshop, "/raise")
    assert answer.status_code == 500 and answer.json() == {"detail": "Internal Server Error"}
    runner = cloud.until_runner("workshop", "IDLE")["runner_id"]
    until(lambda: "the workshop burns" in cloud.log_text(runner), what="the traceback")


def test_the_traceback_of_a_queued_request_is_in_its_own_log(cloud, workshop):
    request = queued(cloud, workshop, "/raise")
    assert finished(cloud, workshop, request).status_code == 500

    def told() -> bool:
        lines = status(cloud, workshop, request, logs=1).json()["logs"]
        return any("the workshop burns" in line["message"] for line in lines)

    until(told, what="the traceback")


def test_a_stream_arrives_as_it_is_made(cloud, workshop):
    arrived = []
    with cloud.http.stream("POST", f"{workshop.url}/stream", json={"seconds": 0.4}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if line.startswith("data:"):
                arrived.append((time.monotonic(), json.loads(line[5:])["colour"]))
    assert [colour for _, colour in arrived] == ["red", "green", "blue"]
    assert arrived[2][0] - arrived[0][0] > 0.5


def test_realtime_goes_round_in_msgpack(cloud, workshop):
    with socket(cloud, workshop, "/realtime") as connection:
        for word in ("hello", "again"):
            connection.send(msgpack.packb({"word": word}))
            assert msgpack.unpackb(connection.recv(timeout=20)) == {"word": word.upper(), "length": len(word)}


def test_a_wrong_realtime_input_is_told_and_the_server_stays_well(cloud, workshop):
    with socket(cloud, workshop, "/realtime") as connection:
        connection.send(msgpack.packb({"word": {"not": "a word"}}))
        told = connection.recv(timeout=20)
        assert b"error" in (told if isinstance(told, bytes) else told.encode())
    assert cloud.call(workshop).status_code == 200


def test_a_plain_websocket_is_the_apps_own(cloud, workshop):
    with socket(cloud, workshop, "/ws") as connection:
        connection.send("stressed")
        assert connection.recv(timeout=20) == "desserts"


def test_a_websocket_without_a_key_is_refused(workshop):
    with pytest.raises(InvalidStatus) as refused:
        connect(f"{workshop.url.replace('http', 'ws', 1)}/ws").close()
    assert refused.value.response.status_code in (401, 403)


def test_a_queued_request_runs_and_its_result_is_repeatable(cloud, workshop):
    request = queued(cloud, workshop, body={"value": 7})
    assert finished(cloud, workshop, request).json()["value"] == 7
    assert finished(cloud, workshop, request).json()["value"] == 7


def test_the_released_client_submits_and_subscribes(cloud, workshop, monkeypatch):
    import fal_client
    from support.clients import pointed_at, sync_client

    with pointed_at(cloud.server.url):
        client: fal_client.SyncClient = sync_client()
        name = f"{cloud.owner}/{workshop.name}"
        assert client.run(name, arguments={"value": 1})["value"] == 1
        lines = []
        result = client.subscribe(
            f"{name}/say",
            arguments={"seconds": 0.3, "mark": "client"},
            with_logs=True,
            on_queue_update=lambda update: lines.extend(getattr(update, "logs", None) or []),
        )
        assert result == {}
        assert [c["colour"] for c in client.stream(name, arguments={"seconds": 0})] == ["red", "green", "blue"]
        assert any("client says" in line["message"] for line in lines)


def test_request_logs_hold_the_lines_of_that_request_alone(cloud, workshop):
    first = queued(cloud, workshop, "/say", {"seconds": 0.3, "mark": "anna"})
    second = queued(cloud, workshop, "/say", {"seconds": 0.3, "mark": "berta"})
    for request, mine, other in ((first, "anna", "berta"), (second, "berta", "anna")):
        assert finished(cloud, workshop, request).status_code == 200

        def lines(request=request) -> list[str]:
            return [line["message"] for line in status(cloud, workshop, request, logs=1).json()["logs"]]

        until(lambda: f"{mine} complains" in lines(), what="the last line")
        said = [line for line in lines() if " says " in line or " complains" in line]
        assert sorted(said) == sorted([f"{mine} says {n}" for n in range(3)] + [f"{mine} complains"])
        assert not any(other in line for line in lines())


def test_reserved_headers_are_dropped_and_others_pass(cloud, workshop):
    sent = {"x-fal-anything": "no", "x-fal-caller-user-id": "forged", "x-my-own": "yes", "x-fal-runner-hint": "h"}
    seen = cloud.call(workshop, "/headers", headers=sent).json()
    assert seen["x-my-own"] == "yes" and "x-fal-anything" not in seen
    assert seen.get("x-fal-caller-user-id") != "forged"
    assert seen["x-fal-request-id"] and seen["x-fal-endpoint"] == "/headers"
    assert KEY not in json.dumps(seen)


def test_answers_keep_their_headers_but_for_what_is_meant_for_the_gateway(cloud, workshop):
    told = {"x-mine": "kept", "x-fal-needs-retry": "0", "x-fal-runner-health-check": "", "x-fal-billable-units": "3"}
    told["x-fal-cdn-token"] = "again"
    answer = cloud.call(workshop, "/answer", body={"text": "tea", "status": 418, "headers": told})
    assert (answer.status_code, answer.text, answer.headers["x-mine"]) == (418, "tea", "kept")
    assert answer.headers["x-fal-billable-units"] == "3" and answer.headers["x-fal-cdn-token"] == "again"
    assert "x-fal-needs-retry" not in answer.headers


def test_cancelling_a_queued_request_reaches_the_cancel_path_of_its_endpoint(cloud, workshop):
    request = queued(cloud, workshop, "/task")
    until(lambda: status(cloud, workshop, request).json()["status"] == "IN_PROGRESS", what="the request to run")
    cancel = cloud.http.put(f"/queue/{cloud.owner}/{workshop.name}/requests/{request}/cancel")
    assert cancel.json()["status"] == "CANCELLATION_REQUESTED"
    until(lambda: request in cloud.call(workshop, "/cancelled").json(), what="the app to hear of it")
    until(lambda: status(cloud, workshop, request).status_code == 200, what="the request to end")


def test_a_caller_who_goes_away_cancels(cloud, workshop):
    before = cloud.call(workshop, "/cancelled").json()
    with pytest.raises(httpx.TimeoutException):
        cloud.call(workshop, "/task", timeout=1.5)
    until(lambda: len(cloud.call(workshop, "/cancelled").json()) > len(before), what="the app to hear of it")


def test_only_the_owner_calls_a_private_app_anyone_a_public_one(cloud, workshop):
    cloud.deploy("greeter.py::Greeter", "--app-name", "open", "--auth", "public")
    body = {"name": "x"}
    for url, code in ((workshop.url, 401), (cloud.url("open"), 200)):
        anyone = httpx.post(url, json=body, timeout=60, trust_env=False)
        assert anyone.status_code == code, anyone.text
    # The queue, too.
    anyone = httpx.post(f"{cloud.server.url}/queue/{cloud.owner}/open", json=body, timeout=60, trust_env=False)
    assert anyone.status_code == 200, anyone.text
    private = httpx.post(f"{cloud.server.url}/queue/{cloud.owner}/workshop", json=body, timeout=60, trust_env=False)
    assert private.status_code == 401
    assert cloud.alias("open")["auth_mode"] == "public" and cloud.alias("workshop")["auth_mode"] == "private"
    # The mode stays when the next deploy does not name one.
    cloud.deploy("greeter.py::Greeter", "--app-name", "open")
    assert cloud.alias("open")["auth_mode"] == "public"


def test_a_shared_app_wants_a_key(cloud):
    cloud.deploy("greeter.py::Greeter", "--app-name", "common", "--auth", "shared")
    assert httpx.post(cloud.url("common"), json={"name": "x"}, trust_env=False).status_code == 401
    assert cloud.call(cloud.url("common"), body={"name": "x"}).status_code == 200
    assert cloud.alias("common")["auth_mode"] == "shared"


def test_the_size_of_a_queue_is_told_and_a_queue_can_be_flushed(cloud):
    app = cloud.deploy("sleeper.py::Sleeper", "--app-name", "queued")
    cloud.fal("apps", "scale", "queued", "--max-concurrency", 1)
    requests = [queued(cloud, app, body={"seconds": 8}) for _ in range(4)]
    until(lambda: status(cloud, app, requests[0]).json()["status"] == "IN_PROGRESS", seconds=60, what="the first")
    size = cloud.fal("queue", "size", "queued", "--output", "json").json()["size"]
    assert size == 3
    assert "flushed" in cloud.fal("queue", "flush", "queued").said
    assert cloud.fal("queue", "size", "queued", "--output", "json").json()["size"] == 0
    for request in requests[1:]:
        assert status(cloud, app, request).status_code == 200


def test_a_request_that_waits_for_its_app_is_told_for_what(cloud):
    app = cloud.deploy("sleeper.py::Sleeper", "--app-name", "cold")
    cloud.fal("runners", "list")
    for runner in cloud.live("cold"):
        cloud.fal("runners", "kill", runner["runner_id"])
    request = queued(cloud, app, body={"seconds": 0})
    seen = status(cloud, app, request).json()
    if seen["status"] == "IN_QUEUE":
        assert seen["waiting"]["cause"] == "cold_start"
    assert finished(cloud, app, request).json()["slept"] == 0
