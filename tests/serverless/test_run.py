"""Rows 5, 6 and 17: `fal run`, spawned apps and plain functions."""

from __future__ import annotations

import subprocess
import sys
import time

import httpx
import pytest
from support.wait import until

from cloud import APPS, edited, elapsed

HERE = APPS.parent


def program(cloud, name: str, *words: object, timeout: float = 240) -> subprocess.CompletedProcess[str]:
    """A Python program that uses the `fal` package as a library."""
    command = [sys.executable, str(HERE / "programs" / name), *map(str, words)]
    return subprocess.run(
        command, env=cloud.environment(PYTHONPATH=str(APPS)), cwd=APPS, capture_output=True, text=True, timeout=timeout
    )


def worked(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_an_app_that_is_run_answers_until_it_is_interrupted(cloud):
    with cloud.running("greeter.py::Greeter") as app:
        url = app.url()
        until(lambda: httpx.get(f"{url}/health", trust_env=False).status_code == 200, seconds=60, what="health")
        # Without a key: an app that is run is public unless it is told otherwise.
        answer = httpx.post(url, json={"name": "Ada"}, timeout=60, trust_env=False)
        assert answer.status_code == 200, answer.text
        app.until("greeting Ada")
        assert app.interrupt() in (0, 1, 130)
        gone = time.monotonic()
        until(lambda: cloud.http.get(f"{url}/health").status_code == 404, what="the app to be gone")
        name = url.rsplit("/", 1)[1]
        until(lambda: not [r for r in listed(cloud) if r["alias"] == name], what="its runner to be gone")
        assert elapsed(gone) < 10


def listed(cloud) -> list[dict]:
    return cloud.fal("runners", "list", "--output", "json").json()["runners"]


def test_two_runs_of_one_app_do_not_meet(cloud):
    with cloud.running("greeter.py::Greeter") as one, cloud.running("greeter.py::Greeter") as other:
        urls = {one.url(), other.url()}
        assert len(urls) == 2
        for url in urls:
            answer = httpx.post(url, json={"name": "Ada"}, timeout=60, trust_env=False)
            assert answer.status_code == 200, answer.text


def test_a_run_that_may_serve_one_request_ends_by_itself(cloud):
    with cloud.running("greeter.py::Greeter", "--limit-max-requests", 1) as app:
        url = app.url()
        httpx.post(url, json={"name": "Ada"}, timeout=60, trust_env=False)
        until(lambda: app.process.poll() is not None, seconds=60, what="the command to end")
        assert app.process.returncode == 0, app.said


def test_a_broken_app_that_is_run_says_why(cloud):
    done = cloud.try_fal("run", "broken.py::Quitter")
    assert done.code == 1 and "42" in done.said and "leaving" in done.said, done.said


@pytest.mark.slow
def test_a_spawned_app_is_waited_for_while_it_sets_up_for_twenty_seconds(cloud, tmp_path):
    edited("sleeper.py", tmp_path, SETUP_SECONDS=20)
    began = time.monotonic()
    out = worked(program(cloud, "spawn.py", tmp_path / "sleeper.py"))
    assert "answered {'slept': 0.0" in out and elapsed(began) > 20


def test_a_function_gives_its_value_back(cloud):
    out = worked(program(cloud, "call.py", "double", 21))
    assert "gave {'doubled': 42, 'package': 'pyjokes'" in out
    assert "doubling" in out


def test_a_functions_own_exception_is_raised_here(cloud):
    out = worked(program(cloud, "call.py", "double", 0))
    assert "raised TooSmall: at least 1 is needed (least 1)" in out


def test_a_function_gets_what_its_setup_function_gave(cloud):
    assert "gave {'given': {'prepared': True}}" in worked(program(cloud, "call.py", "after_setup"))


def test_a_function_is_run_by_the_command(cloud):
    done = cloud.fal("run", "functions.py::after_setup")
    assert done.code == 0


def test_a_function_that_outgrows_its_memory_is_told_as_that(cloud):
    done = program(cloud, "call.py", "hungry")
    assert "SIGKILL" in done.stdout + done.stderr or "memory" in (done.stdout + done.stderr).lower()
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_served_function_answers_at_its_root(cloud):
    app = cloud.deploy("functions.py::served", "--app-name", "served")
    answer = cloud.call(app, body={"word": "up"})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"word": "UP"}
