"""What the released Python client makes of unusual answers: rows 11 to 16.

The statuses that the server itself never gives on these routes come from the recording proxy.
"""

from __future__ import annotations

import json

import fal_client
import pytest

from support import noop

STATUS = r"/status$"
RESULT = r"/requests/[^/]+$"
CANCEL = r"/cancel$"


@pytest.fixture
def handle(proxied):
    """A finished request."""
    handle = proxied.submit(noop.APP, noop.echo(seed=9))
    handle.get()
    return handle


def test_a_status_passes_from_queued_to_in_progress_to_completed_as_the_client_parses_it(proxied):
    seen = []
    proxied.subscribe(noop.APP, noop.slow(0.6, **noop.logging("x")), with_logs=True, on_queue_update=seen.append)
    kinds = [type(status) for status in seen]
    assert kinds[-1] is fal_client.Completed and fal_client.InProgress in kinds
    assert kinds == sorted(kinds, key=[fal_client.Queued, fal_client.InProgress, fal_client.Completed].index)


def test_a_failed_request_is_completed_with_error_and_type(proxied):
    handle = proxied.submit(noop.APP, noop.failing(500, {"detail": "it broke"}))
    with pytest.raises(fal_client.client.FalClientHTTPError):
        handle.get()
    status = handle.status(with_logs=True)
    assert isinstance(status, fal_client.Completed)
    assert status.error and isinstance(status.error, str)


def test_metrics_may_be_absent_and_an_unknown_status_raises(handle, proxy):
    proxy.fail("GET", STATUS, 200, body={"status": "COMPLETED", "logs": None})
    assert handle.status().metrics == {}
    proxy.fail("GET", STATUS, 200, body={"status": "PAUSED", "logs": None})
    with pytest.raises(ValueError, match="PAUSED"):
        handle.status()


@pytest.mark.parametrize("code", [408, 429])
@pytest.mark.parametrize(
    ("method", "route", "call"),
    [
        ("GET", STATUS, lambda handle: handle.status()),
        ("GET", RESULT, lambda handle: handle.get()),
        ("PUT", CANCEL, lambda handle: handle.cancel()),
    ],
    ids=["status", "result", "cancel"],
)
def test_408_and_429_are_retried_until_the_server_answers(proxied, proxy, code, method, route, call):
    handle = proxied.submit(noop.APP, noop.slow(8) if method == "PUT" else noop.echo())
    if method == "GET":
        handle.get()
    proxy.reset()
    proxy.fail(method, route, code, times=2)
    call(handle)
    assert len(proxy.matching(method, route)) == 3


@pytest.mark.parametrize("code", [500, 503])
def test_500_and_503_on_a_result_are_raised_after_one_call(handle, proxy, code):
    proxy.reset()
    proxy.fail("GET", RESULT, code, headers={"x-fal-request-id": handle.request_id}, times=9)
    with pytest.raises(fal_client.client.FalClientHTTPError) as raised:
        handle.get()
    assert raised.value.status_code == code
    assert len(proxy.matching("GET", RESULT)) == 1


@pytest.mark.parametrize(("headers", "calls"), [({}, 2), ({"x-fal-request-id": "abc"}, 1)], ids=["bare", "ours"])
def test_an_ingress_503_is_retried_only_without_a_request_id(handle, proxy, headers, calls):
    proxy.reset()
    proxy.fail("GET", RESULT, 503, body="<center>nginx</center>", headers=headers)
    try:
        handle.get()
    except fal_client.client.FalClientHTTPError:
        assert headers
    assert len(proxy.matching("GET", RESULT)) == calls


def test_the_servers_own_5xx_answers_are_never_taken_for_an_ingress(http):
    answer = http.post(f"/{noop.APP}", json=noop.failing(503, {"detail": "busy"}))
    assert answer.status_code == 503
    assert answer.headers["x-fal-request-id"] and "nginx" not in answer.text


def test_a_504_with_a_timeout_type_is_not_retried(handle, proxy):
    proxy.reset()
    proxy.fail("GET", RESULT, 504, headers={"x-fal-request-timeout-type": "user"}, times=5)
    with pytest.raises(fal_client.client.FalClientHTTPError):
        handle.get()
    assert len(proxy.matching("GET", RESULT)) == 1


@pytest.mark.parametrize(
    ("body", "headers", "message", "error_type"),
    [
        ({"detail": "why", "error_type": "bad_request"}, {}, "why", "bad_request"),
        ({"detail": "why"}, {"x-fal-error-type": "internal_error"}, "why", "internal_error"),
        ({"detail": "why", "error_type": "body"}, {"x-fal-error-type": "header"}, "why", "body"),
        ("plain words", {}, "plain words", None),
    ],
    ids=["body", "header", "body-wins", "text"],
)
def test_error_fields_come_from_the_body_and_then_from_the_header(handle, proxy, body, headers, message, error_type):
    proxy.fail("GET", RESULT, 400, body=body, headers=headers)
    with pytest.raises(fal_client.client.FalClientHTTPError) as raised:
        handle.get()
    assert (raised.value.message, raised.value.error_type) == (message, error_type)


def test_a_models_validation_error_arrives_as_a_list(fal):
    with pytest.raises(fal_client.client.FalClientHTTPError) as raised:
        fal.run("tintype/sketch", {"num_images": "many"})
    assert raised.value.status_code == 422
    assert {"loc", "msg", "type"} <= raised.value.message[0].keys()
    assert raised.value.response_headers["x-fal-billable-units"] == "0"


def test_a_platform_error_carries_its_type_in_body_and_header(fal):
    with pytest.raises(fal_client.client.FalClientHTTPError) as raised:
        fal.run(noop.APP, noop.echo(), headers={"X-Fal-Request-Timeout": "soon"})
    error = raised.value
    assert (error.status_code, error.error_type) == (400, "bad_request")
    assert error.response_headers["x-fal-error-type"] == "bad_request" == json.loads(error.response.text)["error_type"]


def test_a_wrong_key_is_401_and_says_what_to_do(server):
    from support.clients import pointed_at, sync_client

    with pointed_at(server.url), pytest.raises(fal_client.client.FalClientHTTPError) as raised:
        sync_client("test:wrong").run(noop.APP, noop.echo())
    assert raised.value.status_code == 401 and isinstance(raised.value.message, str)
