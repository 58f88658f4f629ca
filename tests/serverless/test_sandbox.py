"""An app that attacks what it runs on: it sees only its own, it is stopped at its limits, and nobody else is harmed."""

from __future__ import annotations

import json
import os
import shutil
import socket
import threading
from contextlib import suppress

import httpx
import pytest
from support.wait import until

from cloud import Cloud, Deployed

pytestmark = pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")


@pytest.fixture(scope="module")
def hostile(cloud: Cloud) -> Deployed:
    return cloud.deploy("hostile.py::Hostile")


def tried(cloud, hostile, path: str, value: object) -> dict:
    answer = cloud.call(hostile, path, body={"value": value})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_files_of_the_server_of_others_and_of_the_host_are_not_there(cloud, hostile, tmp_path):
    (tmp_path / "other.txt").write_text("of another")
    data = str(cloud.server.data)
    names = ["tls/authority-key.pem", "run", "revisions", "volumes", "blobs", "tintype.db", "environments/uv-cache"]
    paths = [f"{data}/{name}" for name in names]
    paths += [str(tmp_path / "other.txt"), "/home", "/work", "/etc/shadow", "/var/lib", "/proc/1/environ", "/tmp"]
    paths += ["/run/docker.sock", "/root/.ssh", "/root/.bashrc", "/root/.cache"]
    seen = tried(cloud, hostile, "/read", paths)
    harmless = ("did: []", "refused:")
    telling = {path: said for path, said in seen.items() if not said.startswith(harmless)}
    # Process 1 is the sandbox's own, and has nothing of the server's environment.
    telling = {path: said for path, said in telling.items() if path != "/proc/1/environ" or "ADMIN_KEY" in said}
    telling = {path: said for path, said in telling.items() if path != "/tmp" or tmp_path.name in said}
    assert telling == {}, telling
    # Folders on the way to its own Python are there, with nothing else in them.
    seen = tried(cloud, hostile, "/read", [data])[data]
    assert seen.startswith("refused") or seen == "did: ['environments']", seen


def test_nothing_but_its_own_folders_can_be_written(cloud, hostile):
    seen = tried(cloud, hostile, "/write", ["/usr/mine", "/etc/mine", "/lib/mine", "/bin/mine", "/dev/mine", "/sys/mine"])
    written = [path for path, said in seen.items() if said.startswith("did")]
    for path in written:
        assert not os.path.exists(path), f"{path} appeared on the host"
    assert not {"/usr/mine", "/etc/mine", "/lib/mine"} & set(written), seen
    assert all(said.startswith("did") for said in tried(cloud, hostile, "/write", ["/tmp/mine", "/data/mine"]).values())


def test_its_python_environment_cannot_be_changed(cloud, hostile):
    runner = cloud.call(hostile).json()["runner"]
    script = "import sys, os, fastapi; open(os.path.dirname(fastapi.__file__) + '/mine', 'w')"
    done = cloud.try_fal("runners", "exec", runner, "--", "python3", "-c", script)
    assert done.code != 0 and "ead-only" in done.said, done.said


def test_processes_of_the_host_are_neither_seen_nor_reached(cloud, hostile):
    seen = tried(cloud, hostile, "/processes", None)
    assert len(seen) < 10 and not any("serve --data" in line for line in seen.values()), seen
    # Numbers mean its own processes, or none: the server's is not among them.
    victim = cloud.server.process.pid
    tried(cloud, hostile, "/kill", [victim])
    assert cloud.server.process.poll() is None


def test_it_has_no_privileges(cloud, hostile):
    seen = tried(cloud, hostile, "/privileges", None)
    assert int(seen["capabilities"], 16) == 0 and seen["no_new_privileges"] == "1", seen
    assert all(seen[name].startswith("refused") for name in ("mount", "hostname")), seen


def test_services_of_the_host_are_not_reached(cloud, hostile):
    secret = socket.create_server(("127.0.0.1", 0))

    def tell() -> None:
        while True:
            with suppress(OSError):
                opened, _ = secret.accept()
                opened.sendall(b"HTTP/1.0 200 OK\r\n\r\nsecret")
                opened.close()

    threading.Thread(target=tell, daemon=True).start()
    port = secret.getsockname()[1]
    own = cloud.server.port
    targets = [["127.0.0.1", port], ["127.0.0.1", own], [socket.gethostname(), port], ["169.254.169.254", 80]]
    seen = tried(cloud, hostile, "/connect", targets)
    # What goes to the web goes by the way out, which refuses by an answer of its own.
    refused = ("refused", "did: HTTP/1.1 403")
    assert all(said.startswith(refused) and "secret" not in said for said in seen.values()), seen
    urls = [f"http://127.0.0.1:{port}/", f"http://localhost:{port}/", "http://169.254.169.254/latest", "http://10.0.0.1/"]
    seen = tried(cloud, hostile, "/fetch", urls)
    assert all(said.startswith("refused") for said in seen.values()), seen


def test_a_fork_bomb_is_stopped_and_the_app_answers_afterwards(cloud, hostile):
    seen = tried(cloud, hostile, "/fork", 3000)
    assert seen["refusal"] and seen["started"] < 3000, seen
    assert cloud.call(hostile).status_code == 200


def test_a_full_disk_is_its_own(cloud, hostile):
    free = shutil.disk_usage(cloud.server.data).free
    answer = cloud.call(hostile, "/fill", body={"value": {"folder": "/tmp", "megabytes": 3_000}})
    if answer.status_code == 200:
        assert answer.json()["refusal"] and answer.json()["written"] < 3_000, answer.json()
    else:
        assert answer.status_code == 503, answer.text
    # What it wrote is taken away; others use this disk, too.
    until(lambda: shutil.disk_usage(cloud.server.data).free > free - (1 << 30), seconds=60, what="the space to be free")
    until(lambda: cloud.call(hostile).status_code == 200, seconds=90, what="the app to answer again")


def test_memory_without_end_is_ended_and_told_as_that(cloud, hostile, workshop):
    runner = cloud.call(hostile).json()["runner"]
    answer = cloud.call(hostile, "/allocate", body={"value": 4_000})
    assert answer.status_code == 503, answer.text
    assert "memory" in answer.text.lower(), answer.text
    # The others have noticed nothing.
    assert cloud.call(workshop).status_code == 200
    until(lambda: "memory" in cloud.log_text(runner).lower(), what="the reason in its log")
    until(lambda: cloud.call(hostile).status_code == 200, seconds=90, what="the app to answer again")


@pytest.mark.parametrize(("how", "said"), [("SIGSEGV", "SIGSEGV"), ("SIGKILL", "SIGKILL"), ("exit", "9")])
def test_the_way_in_which_a_runner_dies_is_told(cloud, hostile, how, said):
    until(lambda: cloud.call(hostile).status_code == 200, seconds=90, what="the app")
    runner = cloud.call(hostile).json()["runner"]
    answer = cloud.call(hostile, "/die", body={"value": how})
    assert answer.status_code == 503, answer.text
    assert answer.headers["x-fal-error-type"].startswith("runner_"), answer.headers
    until(lambda: said in cloud.log_text(runner), what=f"{said} in the log")
    until(lambda: cloud.call(hostile).status_code == 200, seconds=90, what="the app to answer again")


def test_an_answer_that_is_cut_off_is_told_to_the_caller(cloud, hostile):
    try:
        answer = cloud.call(hostile, "/cut")
        assert answer.status_code in (502, 503), answer.text
    except httpx.RemoteProtocolError:
        pass  # Its beginning had been sent: cutting it off is the only way left to tell.
    assert cloud.call(hostile).status_code == 200


def test_garbage_passes_as_it_is_and_a_queued_one_is_kept_as_it_is(cloud, hostile):
    assert cloud.call(hostile, "/garbage").content == b"\xff\xfe{not json"
    request = cloud.http.post(f"/queue/{cloud.owner}/hostile/garbage", json={}).json()["request_id"]
    url = f"/queue/{cloud.owner}/hostile/requests/{request}"
    until(lambda: cloud.http.get(f"{url}/status").status_code == 200, what="the end")
    assert cloud.http.get(url).status_code in (200, 502)


def test_many_kilobytes_of_headers_do_not_harm(cloud, hostile):
    few = cloud.call(hostile, "/headers", body={"value": 8})
    assert few.status_code == 200 and few.headers["x-filler-7"]
    many = cloud.call(hostile, "/headers", body={"value": 20})
    assert many.status_code in (200, 502), many.text
    if many.status_code == 502:
        assert "header" in many.text.lower(), many.text
    assert cloud.call(hostile).status_code == 200


def test_a_runner_that_asks_to_be_stopped_is(cloud, hostile):
    runner = cloud.call(hostile).json()["runner"]
    answer = cloud.call(hostile, "/last")
    assert answer.status_code == 200 and "x-fal-stop-runner" not in answer.headers
    until(lambda: runner not in {one["runner_id"] for one in cloud.live("hostile")}, what="the runner to go")


def test_what_runners_leave_behind_is_taken_away(cloud, hostile):
    runner = cloud.call(hostile).json()["runner"]
    cloud.fal("runners", "kill", runner)
    until(lambda: runner not in {one["runner_id"] for one in cloud.live("hostile")}, what="the runner to go")
    left = [str(path) for path in cloud.server.data.rglob(f"*{runner}*")]
    until(lambda: not [path for path in cloud.server.data.rglob(f"*{runner}*")], what=f"{left} to go")


def test_the_servers_own_key_is_not_a_runners(cloud, hostile, workshop):
    """A runner's key calls apps and stores files; it does not manage the account."""
    seen = cloud.call(workshop, "/environment").json()
    runners = Cloud(cloud.server, key=seen["FAL_KEY"])
    done = runners.try_fal("secrets", "list")
    assert done.code == 1, done.said
    runners.close()
    assert json.dumps(seen).count("authority-key") == 0
