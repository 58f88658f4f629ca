"""The browser proxy route: row 40; and what a page in a browser is allowed: row 41."""

from __future__ import annotations

import pytest

from support import noop
from support.wait import until

ROUTE = "/api/fal/proxy"
EXPOSED = {
    "x-fal-request-id",
    "x-fal-request-timeout-type",
    "x-fal-error-type",
    "x-fal-billable-units",
    "x-fal-needs-retry",
    "x-fal-served-from",
    "x-fal-runner-hints",
    "etag",
}


def through(http, method: str, target: str, **options):
    headers = {"x-fal-target-url": target, **options.pop("headers", {})}
    return http.request(method, ROUTE, headers=headers, **options)


def test_a_missing_target_is_400_and_names_the_header(http):
    answer = http.post(ROUTE, json={})
    assert answer.status_code == 400 and "x-fal-target-url" in answer.json()["detail"].lower()


def test_run_queue_and_rest_are_told_apart_by_the_host_of_the_target(http):
    assert through(http, "POST", f"https://fal.run/{noop.APP}", json=noop.echo(seed=1)).status_code == 200
    submitted = through(http, "POST", f"https://queue.fal.run/{noop.APP}", json=noop.echo(seed=2)).json()
    base = f"https://queue.fal.run/{noop.APP}/requests/{submitted['request_id']}"
    until(lambda: through(http, "GET", f"{base}/status?logs=1").status_code == 200, what="completion")
    assert through(http, "GET", base).status_code == 200
    token = through(http, "POST", "https://rest.fal.ai/tokens/", json={"allowed_apps": ["noop"]})
    assert isinstance(token.json(), str)


def test_a_stream_and_a_cancel_pass_through_it(http):
    answer = through(http, "POST", f"https://fal.run/{noop.APP}/stream", json=noop.events({"n": 1}, n=2))
    assert answer.headers["content-type"].startswith("text/event-stream") and answer.text.count("data:") == 2
    submitted = through(http, "POST", f"https://queue.fal.run/{noop.APP}", json=noop.slow(30)).json()
    cancel = through(http, "PUT", f"https://queue.fal.run/{noop.APP}/requests/{submitted['request_id']}/cancel", json={})
    assert cancel.status_code in {200, 202}


@pytest.mark.parametrize("target", ["https://example.com/x", "http://169.254.169.254/latest", "nonsense", "file:///etc"])
def test_other_targets_are_refused(http, target):
    answer = through(http, "POST", target, json={})
    assert answer.status_code == 400 and answer.json()["detail"]


def test_other_methods_are_405(http):
    assert http.request("PATCH", ROUTE, headers={"x-fal-target-url": "https://fal.run/a/b"}).status_code == 405


def test_the_target_header_means_nothing_on_other_routes(http):
    headers = {"x-fal-target-url": "https://queue.fal.run/other/app"}
    answer = http.post(f"/{noop.APP}", json=noop.echo(seed=8), headers=headers)
    assert answer.status_code == 200 and "request_id" not in answer.json()


@pytest.mark.parametrize(
    "path",
    [f"/{noop.APP}", f"/queue/{noop.APP}", "/storage/upload/initiate", "/files/upload", "/tokens/", ROUTE, "/files/b/x/y"],
)
def test_a_preflight_is_answered_on_every_route(http, path):
    wanted = "authorization,content-type,x-fal-queue-priority,x-app-fal-disable-fallback,x-fal-object-lifecycle"
    headers = {
        "Origin": "https://page.example",
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": wanted,
    }
    del http.headers["Authorization"]
    answer = http.options(path, headers=headers)
    assert answer.status_code in {200, 204}
    assert answer.headers["access-control-allow-origin"] in {"*", "https://page.example"}
    methods = answer.headers["access-control-allow-methods"].replace(" ", "")
    assert methods == "*" or {"GET", "POST", "PUT", "DELETE", "OPTIONS"} <= set(methods.split(","))
    allowed = answer.headers["access-control-allow-headers"].lower().replace(" ", "").split(",")
    assert set(wanted.split(",")) <= set(allowed)


@pytest.mark.parametrize("status", [200, 422, 500])
def test_answers_expose_the_documented_headers(http, status):
    answer = http.post(f"/{noop.APP}", json=noop.failing(status), headers={"Origin": "https://page.example"})
    assert answer.headers["access-control-allow-origin"] in {"*", "https://page.example"}
    exposed = answer.headers["access-control-expose-headers"].lower().replace(" ", "")
    assert set(exposed.split(",")) >= EXPOSED
