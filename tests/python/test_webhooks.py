"""Webhooks: row 42."""

from __future__ import annotations

import base64
import hashlib
import time

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from support import noop
from support.receiver import Delivery, Receiver, reply
from support.wait import until


def accept(_: Delivery, handler) -> None:
    reply(handler, 200)


def first_delivery(fal, receiver: Receiver, arguments: dict) -> tuple[str, Delivery]:
    handle = fal.submit(noop.APP, arguments, webhook_url=f"{receiver.url}/hook?a=b%20c")
    until(lambda: receiver.deliveries, what="a delivery")
    return handle.request_id, receiver.deliveries[0]


def payload(delivery: Delivery) -> dict:
    return httpx.Response(200, content=delivery.body).json()


def verified(http: httpx.Client, delivery: Delivery, path: str = "/.well-known/jwks.json") -> bool:
    """What the documentation tells receivers to do."""
    names = ("request-id", "user-id", "timestamp", "signature")
    request_id, user, timestamp, signature = (delivery.headers[f"x-fal-webhook-{name}"] for name in names)
    assert abs(time.time() - int(timestamp)) < 300
    message = "\n".join([request_id, user, timestamp, hashlib.sha256(delivery.body).hexdigest()]).encode()
    for key in http.get(path).json()["keys"]:
        assert (key["kty"], key["crv"]) == ("OKP", "Ed25519") and "=" not in key["x"]
        raw = base64.urlsafe_b64decode(key["x"] + "=" * (-len(key["x"]) % 4))
        try:
            Ed25519PublicKey.from_public_bytes(raw).verify(bytes.fromhex(signature), message)
            return True
        except Exception:
            continue
    return False


def test_a_success_is_delivered_as_ok_with_the_output_and_a_valid_signature(fal, http):
    with Receiver(accept) as receiver:
        request_id, delivery = first_delivery(fal, receiver, noop.echo(seed=12))
    body = payload(delivery)
    assert delivery.path == "/hook?a=b%20c" and delivery.headers["content-type"].startswith("application/json")
    assert (body["request_id"], body["gateway_request_id"], body["status"]) == (request_id, request_id, "OK")
    assert body["payload"] == fal.result(noop.APP, request_id)
    assert delivery.headers["x-fal-webhook-request-id"] == request_id
    assert delivery.headers["x-fal-webhook-signature"] == delivery.headers["x-fal-webhook-signature"].lower()
    assert verified(http, delivery) and verified(http, delivery, "/rest/.well-known/jwks.json")
    tampered = Delivery(delivery.method, delivery.path, delivery.headers, delivery.body + b" ")
    assert not verified(http, tampered)


def test_a_failure_is_delivered_as_error_with_the_models_body(fal, http):
    detail = {"detail": [{"loc": ["body", "x"], "msg": "bad", "type": "value_error"}]}
    with Receiver(accept) as receiver:
        _, delivery = first_delivery(fal, receiver, noop.failing(422, detail))
    body = payload(delivery)
    assert (body["status"], body["payload"]) == ("ERROR", detail)
    assert "422" in body["error"] and verified(http, delivery)


def test_an_output_that_is_not_json_has_a_payload_error(fal):
    with Receiver(accept) as receiver:
        _, delivery = first_delivery(fal, receiver, noop.text("no json"))
    body = payload(delivery)
    assert body["payload"] is None and body["payload_error"] and body["status"] == "OK"


def test_a_refused_delivery_is_tried_again_with_the_same_content(fal):
    def refuse_once(_: Delivery, handler) -> None:
        reply(handler, 500 if len(receiver.deliveries) == 1 else 204)

    with Receiver(refuse_once) as receiver:
        request_id, _ = first_delivery(fal, receiver, noop.echo(seed=1))
        until(lambda: len(receiver.deliveries) == 2, seconds=60, what="the second attempt")
    assert payload(receiver.deliveries[1]) == payload(receiver.deliveries[0])
    assert payload(receiver.deliveries[1])["request_id"] == request_id


@pytest.mark.parametrize("status", [301, 302, 307])
def test_a_redirect_is_not_followed_and_not_repeated(fal, http, status):
    def redirect(delivery: Delivery, handler) -> None:
        reply(handler, 200 if "marker" in delivery.path else status, Location=f"{receiver.url}/elsewhere")

    with Receiver(redirect) as receiver:
        first_delivery(fal, receiver, noop.echo())
        # A later webhook has come through, so the first one has had its turn.
        fal.submit(noop.APP, noop.echo(), webhook_url=f"{receiver.url}/marker")
        until(lambda: any("marker" in one.path for one in receiver.deliveries), what="the marker")
        assert [one.path for one in receiver.deliveries if "elsewhere" in one.path] == []
        assert len([one for one in receiver.deliveries if "hook" in one.path]) == 1


def test_an_answer_that_never_comes_does_not_hold_up_other_deliveries(fal):
    def hang(delivery: Delivery, handler) -> None:
        if "hook" in delivery.path:
            handler.rfile.read(1)
        reply(handler, 200)

    with Receiver(hang) as receiver:
        first_delivery(fal, receiver, noop.echo())
        fal.submit(noop.APP, noop.echo(), webhook_url=f"{receiver.url}/other")
        until(lambda: any("other" in one.path for one in receiver.deliveries), what="the other delivery")


@pytest.mark.parametrize("url", ["nonsense", "ftp://example.com/", "http://", "file:///etc/passwd"])
def test_a_webhook_that_is_no_web_address_is_refused_at_submit(http, url):
    answer = http.post(f"/queue/{noop.APP}", params={"fal_webhook": url}, json={})
    assert answer.status_code in {400, 422} and "fal_webhook" in str(answer.json()["detail"])
