"""A program written for the old `fal.apps` helper; says what worked, one word a line."""

import os

from fal import apps

url = os.environ.get("LEGACY_APPS_URL")
if url:
    # Without it, the released names are used, and the environment leads them to the server.
    socket = url.replace("http", "ws", 1)
    apps._QUEUE_URL_FORMAT = f"{url}/queue/{{app_id}}"
    apps._STREAM_URL_FORMAT = f"{url}/{{app_id}}"
    apps._REALTIME_URL_FORMAT = f"{socket}/{{app_id}}"
    apps._WS_URL_FORMAT = f"{socket}/ws/{{app_id}}"

APP = "tintype/noop"

handle = apps.submit(f"{APP}/sub", {"seed": 4, "sleep_ms": 300})
assert handle.get()
print("ran")

doomed = apps.submit(APP, {"sleep_ms": 20000})
doomed.cancel()
list(doomed.iter_events(logs=True))
print("cancelled")

lines = list(apps.stream(APP, {"events": [{"a": 1}]}, path="/stream"))
assert [line for line in lines if line.startswith("data:")], lines
print("streamed")

with apps.ws(APP) as connection:
    for seed in (1, 2):
        connection.send({"seed": seed})
    first, second = connection.recv(), connection.recv()
    assert b"1" in first and b"2" in second, (first, second)
print("socket")
