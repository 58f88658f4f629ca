"""A server, and the released `fal` command pointed at it: what a person at a terminal has."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any, Iterator, TextIO

import httpx
from support.server import KEY, Server, clean_environment
from support.wait import until

APPS = Path(__file__).resolve().parent / "apps"
FAL = Path(sys.executable).parent / "fal"
# Long enough for the first environment of a run, whose packages come over the network.
PATIENCE = 300


def serve(*arguments: str, data: Path | None = None) -> Server:
    """A server that reaches the package index as this process does: a private authority stays in its environment."""
    wanted = ("SSL_CERT_FILE", "SSL_CERT_DIR")
    # Less than the default, so that a disk is quickly full.
    arguments = ("--app-scratch-bytes", "1GB", *arguments)
    return Server(*arguments, data=data, environment={name: os.environ[name] for name in wanted if name in os.environ})


@dataclass
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err

    def json(self) -> Any:
        """The last line that is a JSON object: progress is printed before it."""
        lines = [line for line in self.out.splitlines() if line.startswith("{")]
        assert lines, f"no JSON in:\n{self.said}"
        return json.loads(lines[-1])

    def table(self) -> list[list[str]]:
        """The cells of the rows of a printed table, without its heading."""
        rows = [line for line in self.out.splitlines() if line.startswith("│")]
        return [[cell.strip() for cell in row.strip("│").split("│")] for row in rows]


@dataclass
class Deployed:
    """An app that has been deployed: its name, its revision and where it answers."""

    name: str
    revision: str
    url: str
    said: str


class Cloud:
    def __init__(self, server: Server, fal: Path = FAL, key: str = KEY, host: str = "localhost"):
        self.server, self.binary, self.key, self.host = server, fal, key, host
        self.home = tempfile.TemporaryDirectory(prefix="fal-home-")
        self.http = httpx.Client(
            base_url=server.url, headers={"Authorization": f"Key {key}"}, timeout=120, trust_env=False
        )

    def close(self) -> None:
        self.http.close()
        self.home.cleanup()

    @property
    def owner(self) -> str:
        return self.http.get("/users/current").raise_for_status().json()["nickname"]

    def environment(self, **extra: str) -> dict[str, str]:
        """Configuration A of the contract: plain text on loopback. Wide, so that no table and no JSON is folded."""
        return clean_environment(
            ISOLATE_TEST_MODE="1",
            FAL_GRPC_HOST=f"{self.host}:{self.server.port}",
            FAL_KEY=self.key,
            FAL_HOME_DIR=self.home.name,
            FAL_CONFIG_PATH=f"{self.home.name}/config.toml",
            FAL_DONT_OPEN_LINKS="1",
            COLUMNS="4000",
            NO_COLOR="1",
        ) | extra

    def start(self, *words: object, cwd: Path | None = None, **extra: str) -> subprocess.Popen[str]:
        """`fal …` in the background."""
        return subprocess.Popen(
            # A shell that runs these tests in the background has them ignore Ctrl-C, which commands would inherit. Done by a
            # program, because a function between fork and exec hangs now and then beside gRPC's threads.
            ["env", "--default-signal=INT", str(self.binary), *map(str, words)],
            env=self.environment(**extra),
            cwd=cwd or APPS,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def try_fal(self, *words: object, cwd: Path | None = None, timeout: float = PATIENCE, **extra: str) -> Done:
        """`fal …`, whatever comes of it."""
        process = self.start(*words, cwd=cwd, **extra)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"fal {' '.join(map(str, words))} ran for {timeout} s:\n{out}{err}") from None
        return Done(process.returncode, out, err)

    def fal(self, *words: object, cwd: Path | None = None, timeout: float = PATIENCE, **extra: str) -> Done:
        """`fal …`, which has to work."""
        done = self.try_fal(*words, cwd=cwd, timeout=timeout, **extra)
        assert done.code == 0, f"fal {' '.join(map(str, words))} ended with {done.code}:\n{done.said}"
        return done

    def deploy(self, reference: object, *flags: object, cwd: Path | None = None, **extra: str) -> Deployed:
        done = self.fal("deploy", reference, "--output", "json", *flags, cwd=cwd, **extra)
        answer = done.json()
        return Deployed(answer["app_name"], answer["revision"], self.url(answer["app_name"]), done.said)

    def url(self, app: str) -> str:
        return f"{self.server.url}/{self.owner}/{app}"

    def call(self, app: Deployed | str, path: str = "", body: Any = None, **options: Any) -> httpx.Response:
        """A direct call with the owner's key."""
        return self.http.post(f"{as_url(app)}{path}", json={} if body is None else body, **options)

    def runners(self, app: str, *flags: object) -> list[dict[str, Any]]:
        return self.fal("apps", "runners", app, "--output", "json", *flags).json()["runners"]

    def live(self, app: str, *flags: object) -> list[dict[str, Any]]:
        """Runners that are neither gone nor going."""
        gone = ("TERMINATED", "TERMINATING", "DRAINING", "DEAD")
        return [runner for runner in self.runners(app, *flags) if runner["state"] not in gone]

    def alias(self, app: str, *flags: object) -> dict[str, Any]:
        """What `fal apps list` knows of one app."""
        found = [one for one in self.aliases(*flags) if one["alias"] == app]
        assert len(found) == 1, f"{app} is listed {len(found)} times"
        return found[0]

    def aliases(self, *flags: object) -> list[dict[str, Any]]:
        return self.fal("apps", "list", "--output", "json", *flags).json()["apps"]

    def logs(self, runner: str, *flags: object) -> list[dict[str, Any]]:
        return self.fal("runners", "logs", runner, "--output", "json", *flags).json()["logs"]

    def log_text(self, runner: str) -> str:
        return "\n".join(line["message"] for line in self.logs(runner))

    def until_runner(self, app: str, state: str, *, seconds: float = 60) -> dict[str, Any]:
        """Waits for a runner of `app` in this state."""

        def found() -> str | None:
            return next((name for name, its in self.states(app).items() if its == state), None)

        runner = until(found, seconds=seconds, what=f"a runner of {app} in state {state}")
        return next((one for one in self.runners(app) if one["runner_id"] == runner), {"runner_id": runner})

    def states(self, app: str) -> dict[str, str]:
        """The states of an app's runners by their ids, asked for in this process: a command is too slow to watch with."""
        from fal.sdk import FalServerlessClient, FalServerlessKeyCredentials

        credentials = FalServerlessKeyCredentials(*self.key.split(":", 1))
        with FalServerlessClient(f"127.0.0.1:{self.server.port}", credentials).connect() as connection:
            return {one.runner_id: one.state.value for one in connection.list_alias_runners(app)}

    def until_gone(self, app: str, *, seconds: float = 60) -> None:
        until(lambda: not self.states(app), seconds=seconds, what=f"the runners of {app} to be gone")

    @contextmanager
    def running(self, *words: object, cwd: Path | None = None, **extra: str) -> Iterator[Foreground]:
        """`fal run …`, interrupted at the end as by Ctrl-C."""
        process = self.start("run", *words, cwd=cwd, **extra)
        foreground = Foreground(process)
        try:
            yield foreground
        finally:
            foreground.interrupt()


class Foreground:
    """A `fal run` that holds the terminal; its output is read as it comes."""

    def __init__(self, process: subprocess.Popen[str]):
        self.process, self.said = process, ""
        self.readers = [Thread(target=self._read, args=(stream,)) for stream in (process.stdout, process.stderr)]
        for reader in self.readers:
            reader.start()

    def _read(self, stream: TextIO) -> None:
        with stream:
            for line in stream:
                self.said += line

    def url(self, *, seconds: float = PATIENCE) -> str:
        """The first address that it prints for code to call."""
        return self.until(r"Sync\s+(http\S+)", seconds=seconds).group(1).rstrip("/")

    def until(self, pattern: str, *, seconds: float = 60) -> re.Match[str]:
        def found() -> re.Match[str] | None:
            ended = not any(reader.is_alive() for reader in self.readers)
            match = re.search(pattern, self.said)
            assert match or not ended, f"it ended before it said {pattern}:\n{self.said}"
            return match

        return until(found, seconds=seconds, what=f"{pattern} in:\n{self.said}")

    def interrupt(self, *, seconds: float = 30) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            for reader in self.readers:
                reader.join()


def as_url(app: Deployed | str) -> str:
    return app if isinstance(app, str) else app.url


def edited(source: str, folder: Path, **values: object) -> Path:
    """A copy of an app's file in which module constants have other values: what an edit of the code is."""
    text = (APPS / source).read_text()
    for name, value in values.items():
        text, count = re.subn(rf"^{name} = .*$", f"{name} = {value!r}", text, flags=re.MULTILINE)
        assert count == 1, f"{source} sets {name} {count} times"
    target = folder / source
    target.write_text(text)
    return target


def elapsed(since: float) -> float:
    return time.monotonic() - since
