"""Streamed answers: rows 8 and 34."""

from __future__ import annotations

import json

import httpx
import pytest

from support import noop, sketch


def test_a_picture_is_streamed_as_it_comes_into_being(fal):
    events = list(fal.stream(sketch.APP, sketch.picture(num_inference_steps=4)))
    assert len(events) >= 2
    assert events[0]["partial"] is True and events[0]["images"][0]["url"].startswith("data:image/jpeg;base64,")
    assert not events[-1].get("partial") and len(events[-1]["images"]) == 1


def test_the_last_event_of_a_stream_is_delivered_and_is_not_partial(fal):
    events = list(fal.stream(noop.APP, noop.events({"n": 1, "partial": True}, n=2, partial=False)))
    assert [(event["n"], event["partial"]) for event in events] == [(1, True), (2, False)]


def test_a_stream_endpoint_may_be_named_in_full_with_an_empty_path(fal):
    events = list(fal.stream(f"{noop.APP}/stream", noop.events({"n": 1}, n=2), path=""))
    assert [event["n"] for event in events] == [1, 2]


def test_non_ascii_text_and_keep_alive_comments_pass_unharmed(fal):
    text = "żółw 画像 🖼" * 200
    events = list(fal.stream(noop.APP, noop.events({"words": text}, delay=0.05, words=text)))
    assert [event["words"] for event in events] == [text, text]
    comments = f': keep-alive\n\ndata: "{text}"\n\n: keep-alive\r\n\r\ndata: "last"\r\n\r\n'
    assert list(fal.stream(noop.APP, noop.text(comments, "text/event-stream"))) == [text, "last"]


def test_a_stream_is_not_buffered_compressed_or_ended_by_a_sentinel(http: httpx.Client):
    body = noop.events({"n": 1}, delay=1.5, n=2)
    with http.stream("POST", f"/{noop.APP}/stream", json=body, headers={"Accept": "application/json"}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["x-fal-request-id"] and "content-encoding" not in answer.headers
        chunks = answer.iter_raw()
        first = next(chunks)
        assert b'"n": 1' in first or b'"n":1' in first
        assert b'"n":2' not in first.replace(b" ", b"")
        rest = b"".join(chunks)
    assert (first + rest).endswith(b"\n\n") and b"[DONE]" not in rest
    for line in (first + rest).decode().splitlines():
        assert line == "" or line.startswith((":", "data: ", "data:"))
        assert not line.startswith("data:") or json.loads(line.removeprefix("data:")) is not None


def test_an_error_before_the_stream_is_plain_json(http: httpx.Client):
    answer = http.post(f"/{noop.APP}/stream", json=noop.failing(422, {"detail": [{"loc": [], "msg": "m", "type": "t"}]}))
    assert answer.status_code == 422 and answer.headers["content-type"].startswith("application/json")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_run_accepts_other_methods_and_an_empty_json_body(http: httpx.Client, method):
    answer = http.request(method, f"/{noop.APP}", headers={"Content-Type": "application/json"})
    assert answer.status_code in {200, 405} and answer.json() is not None


def test_a_missing_body_is_an_empty_input(http: httpx.Client):
    assert http.post(f"/{noop.APP}").status_code == 200
