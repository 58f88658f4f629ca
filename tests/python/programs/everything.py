"""A program written for fal: every operation of the released client, with nothing in it about where fal is.

Prints one line for each operation that worked. `--without-rest` leaves out what needs the REST and CDN names,
`--without-tokens` opens sockets with the key.
"""

import asyncio
import sys
import urllib.request

import fal_client

APP = "tintype/noop"
WITH_REST = "--without-rest" not in sys.argv
JWT = "--without-tokens" not in sys.argv


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url) as answer:
        return answer.read()


def sync() -> None:
    assert fal_client.run(APP, {"seed": 1})
    print("run")
    assert fal_client.subscribe(APP, {"seed": 2}, with_logs=True)
    print("subscribe")
    handle = fal_client.submit(f"{APP}/sub", {"seed": 3})
    result = handle.get()
    assert fal_client.result(f"{APP}/sub", handle.request_id) == result
    assert isinstance(fal_client.status(APP, handle.request_id), fal_client.Completed)
    print("queue")
    doomed = fal_client.submit(APP, {"sleep_ms": 30000})
    fal_client.cancel(APP, doomed.request_id)
    print("cancel")
    events = list(fal_client.stream(APP, {"events": [{"n": 1}], "n": 2}))
    assert [event["n"] for event in events] == [1, 2], events
    print("stream")
    with fal_client.realtime(APP, use_jwt=JWT) as connection:
        connection.send({"request_id": "x"})
        assert connection.recv()["request_id"] == "x"
    print("realtime")
    with fal_client.ws_connect(APP, path="/ws", use_jwt=JWT) as connection:
        connection.send("hello")
        assert connection.recv() == "hello"
    print("socket")


def storage() -> None:
    url = fal_client.upload(b"direct", "text/plain", "a.txt")
    assert fetch(url) == b"direct", url
    signed = fal_client.upload(b"signed", "text/plain", "b.txt", repository="fal", fallback_repository=[])
    assert fetch(signed) == b"signed", signed
    print("upload")


async def asynchronous() -> None:
    assert await fal_client.run_async(APP, {"seed": 4})
    handle = await fal_client.submit_async(APP, {"seed": 5})
    assert await handle.get()
    if WITH_REST:
        assert fetch(await fal_client.upload_async(b"later", "text/plain")) == b"later"
    print("async")


sync()
if WITH_REST:
    storage()
asyncio.run(asynchronous())
