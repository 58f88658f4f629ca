"""Realtime and raw sockets: rows 19 to 22 and 39, and HTTP over WebSocket."""

from __future__ import annotations

import asyncio
import json
import time


import msgpack
import pytest
from fal_client.client import RealtimeError
from websockets.sync.client import connect

from support import noop, sketch
from support.clients import async_client, pointed_at
from support.server import KEY

HEADERS = {"Authorization": f"Key {KEY}"}


def socket(server, path: str = "/realtime", **query: object):
    parts = "&".join(f"{name}={value}" for name, value in query.items())
    url = f"ws://127.0.0.1:{server.port}/{noop.APP}{path}{'?' + parts if parts else ''}"
    return connect(url, additional_headers=HEADERS)


def test_a_realtime_call_gives_one_result_for_each_input(fal):
    with fal.realtime(noop.APP) as connection:
        for seed in range(3):
            connection.send({"seed": seed, "request_id": f"r{seed}"})
            result = connection.recv()
            assert result["request_id"] == f"r{seed}"


def test_the_real_model_answers_over_realtime(fal):
    with fal.realtime(sketch.APP) as connection:
        connection.send(sketch.picture())
        assert len(connection.recv()["images"]) == 1


def test_the_token_names_the_alias_and_the_handshake_carries_token_and_buffering(proxied, proxy):
    with proxied.realtime(noop.APP, max_buffering=7) as connection:
        connection.send({"seed": 1})
        assert connection.recv()
    (token,) = proxy.matching("POST", r"^/tokens/$")
    (handshake,) = proxy.matching("GET", r"/realtime$")
    assert token.json() == {"allowed_apps": ["noop"], "token_expiration": 120}
    assert "fal_jwt_token=" in handshake.target and handshake.target.endswith("max_buffering=7")
    assert "authorization" not in handshake.headers


def test_a_token_is_a_bare_json_string(http):
    answer = http.post("/tokens/", json={"allowed_apps": ["noop"], "token_expiration": 120})
    assert answer.is_success and isinstance(answer.json(), str)
    assert answer.headers["content-type"].startswith("application/json")


def test_customers_backends_get_a_token_object(http):
    answer = http.post("/tokens/realtime", json={"allowed_apps": [f"{noop.APP}/realtime"], "duration": 120})
    assert answer.is_success and isinstance(answer.json()["token"], str)


def test_a_legacy_id_is_the_slash_form_in_url_and_token(proxied, proxy):
    with pytest.raises(Exception):
        with proxied.realtime("1234-test"):
            pass
    (token,) = proxy.matching("POST", r"^/tokens/$")
    assert token.json()["allowed_apps"] == ["test"]
    assert proxy.matching("GET", r"^/1234/test/realtime$")


def test_without_a_token_the_key_travels_on_the_handshake(proxied, proxy):
    with proxied.realtime(noop.APP, use_jwt=False) as connection:
        connection.send({"seed": 1})
        assert connection.recv()
    (handshake,) = proxy.matching("GET", r"/realtime$")
    assert handshake.headers["authorization"] == f"Key {KEY}" and "fal_jwt_token" not in handshake.target
    assert proxy.matching("POST", r"^/tokens/$") == []


def test_meta_messages_are_skipped_and_the_result_is_delivered(fal):
    with fal.realtime(noop.APP) as connection:
        # Sent as text, so that the echo is text, which is the form of a meta message.
        connection._ws.send('{"type": "x-fal-message", "action": "timings", "timing": 0.5}')
        connection.send({"seed": 1})
        assert connection.recv()["seed"] == 1


def test_an_error_of_the_model_raises_in_the_client(fal):
    with fal.realtime(noop.APP) as connection:
        connection.send({"error": "INTERNAL_ERROR"})
        with pytest.raises(RealtimeError) as raised:
            connection.recv()
        assert raised.value.error == "INTERNAL_ERROR" and raised.value.reason
        # The session has ended in good order.
        assert connection.recv() is None


def test_malformed_messagepack_is_an_error_in_band_and_text(server):
    with socket(server) as connection:
        connection.send(b"\xc1\xff\xff")
        message = connection.recv(timeout=10)
    assert isinstance(message, str)
    error = json.loads(message)
    assert error["type"] == "x-fal-error" and error["reason"]


def test_text_frames_are_taken_as_json(server):
    with socket(server) as connection:
        connection.send('{"seed": 3, "request_id": "t"}')
        answer = connection.recv(timeout=10)
    decoded = msgpack.unpackb(answer) if isinstance(answer, bytes) else json.loads(answer)
    assert decoded["request_id"] == "t"


def test_a_timeout_of_the_session_arrives_as_text_and_its_close_code_unchanged(server):
    with socket(server) as connection:
        connection.send(msgpack.packb({"error": "TIMEOUT"}))
        connection.send(msgpack.packb({"close": 1000}))
        messages = list(connection)
        assert connection.close_code == 1000
    assert [json.loads(text)["error"] for text in messages] == ["TIMEOUT"]


def test_a_close_code_of_the_model_reaches_the_client(fal):
    with fal.realtime(noop.APP) as connection:
        connection.send({"close": 4001})
        with pytest.raises(RealtimeError) as raised:
            connection.recv()
    assert raised.value.error == "CONNECTION_CLOSED" and "4001" in raised.value.reason


def test_pings_are_answered_while_an_inference_runs(server):
    with socket(server) as connection:
        connection.send(msgpack.packb({"sleep_ms": 3000}))
        started = time.monotonic()
        assert connection.ping().wait(timeout=2)
        assert time.monotonic() - started < 2
        assert connection.recv(timeout=10)


def test_the_client_can_close_and_the_server_closes_normally(server):
    with socket(server) as connection:
        connection.send(msgpack.packb({"seed": 1}))
        connection.recv(timeout=10)
        connection.close()
        assert connection.close_code == 1000


def test_raw_sockets_pass_text_and_binary_untouched(fal):
    with fal.ws_connect(noop.APP, path="/ws") as connection:
        for frame in ("żółw", b"\x00\xff\x01", "", b""):
            connection.send(frame)
            assert connection.recv(timeout=10) == frame


def test_the_async_client_speaks_realtime_too(server):
    async def talk() -> dict:
        async with async_client().realtime(noop.APP) as connection:
            await connection.send({"request_id": "a"})
            return await connection.recv()

    with pointed_at(server.url):
        assert asyncio.run(talk())["request_id"] == "a"


@pytest.mark.parametrize("token", ["nonsense", ""], ids=["wrong", "empty"])
def test_a_wrong_token_is_refused_at_the_handshake(server, token):
    url = f"ws://127.0.0.1:{server.port}/{noop.APP}/realtime?fal_jwt_token={token}"
    with pytest.raises(Exception) as raised:
        connect(url)
    assert raised.value.response.status_code == 401


def test_a_token_for_another_app_is_refused(server, http):
    token = http.post("/tokens/", json={"allowed_apps": ["sketch"], "token_expiration": 120}).json()
    with pytest.raises(Exception) as raised:
        connect(f"ws://127.0.0.1:{server.port}/{noop.APP}/realtime?fal_jwt_token={token}")
    assert raised.value.response.status_code in {401, 403}


def test_http_over_websocket_answers_in_order(server):
    url = f"ws://127.0.0.1:{server.port}/ws/{noop.APP}"
    with connect(url, additional_headers=HEADERS) as connection:
        for seed in (1, 2, 3):
            connection.send(json.dumps({"seed": seed}))
        for seed in (1, 2, 3):
            start, body, end = _exchange(connection)
            assert start["status"] == 200 and start["request_id"] == end["request_id"]
            assert f'"seed":{seed}' in body.decode().replace(" ", "")
            assert end["time_to_first_byte_seconds"] >= 0


def _exchange(connection) -> tuple[dict, bytes, dict]:
    start = json.loads(connection.recv(timeout=10))
    body = b""
    while isinstance(frame := connection.recv(timeout=10), bytes):
        body += frame
    assert start["type"] == "start"
    end = json.loads(frame)
    assert end["type"] == "end"
    return start, body, end


def test_a_flood_of_inputs_keeps_the_newest_and_does_not_grow(server):
    with socket(server, max_buffering=2) as connection:
        for seed in range(200):
            connection.send(msgpack.packb({"seed": seed, "request_id": str(seed), "sleep_ms": 20}))
        seen = []
        while not seen or seen[-1] != "199":
            frame = connection.recv(timeout=20)
            seen += [msgpack.unpackb(frame)["request_id"]] if isinstance(frame, bytes) else []
    assert seen == sorted(seen, key=int)



def test_too_large_a_frame_ends_the_connection_with_a_reason(server):
    with socket(server) as connection:
        with pytest.raises(Exception):
            for _ in range(8):
                connection.send(b"\xc6\x10\x00\x00\x00" + b"x" * (64 << 20))
            connection.recv(timeout=20)
            connection.recv(timeout=20)
        assert connection.close_code in {1008, 1009, 1006, 1000}
