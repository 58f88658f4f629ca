"""One real server, started as a user would start it, on a port of its own and a data folder of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
KEY = "test:secret"
READY_SECONDS = 30
# Less than the default: a server that a test kills often has no successor.
ADOPT_WITHIN = "15s"


def binary() -> Path:
    """The program under test: `TINTYPE_BIN`, or the release build."""
    return Path(os.environ.get("TINTYPE_BIN", ROOT / "target" / "release" / "tintype"))


def clean_environment(**extra: str) -> dict[str, str]:
    """The caller's environment without what would point a client elsewhere."""
    unwanted = ("FAL_", "TINTYPE_", "SSL_CERT", "REQUESTS_CA", "NODE_EXTRA", "NODE_OPTIONS")
    keep = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        keep.pop(name, None), keep.pop(name.lower(), None)
    return keep | extra


class Server:
    """A running `tintype serve`; `url` answers once the constructor returns."""

    def __init__(
        self,
        *arguments: str,
        data: Path | None = None,
        listen: str = "127.0.0.1:0",
        diagnostics: bool = True,
        environment: dict[str, str] | None = None,
    ):
        self.own_data = data is None
        self.data = data or Path(tempfile.mkdtemp(prefix="tintype-test-"))
        self.log_path = self.data.parent / f"{self.data.name}.log"
        self.log = self.log_path.open("ab")
        command = [str(binary()), "serve", "--data", str(self.data), "--listen", listen]
        command += ["--diagnostics"] if diagnostics else []
        self.announcement = self.data / "run" / "server.json"
        self.process = subprocess.Popen(
            [*command, *arguments],
            stdout=self.log,
            stderr=self.log,
            env=clean_environment(TINTYPE_ADMIN_KEY=KEY, TINTYPE_ADOPT_WITHIN=ADOPT_WITHIN) | (environment or {}),
            # As a service manager starts it: leading a session that has no terminal.
            start_new_session=True,
        )
        self.url = self._wait_until_announced()
        self.host = self.url.split("://", 1)[1]
        self.port = int(self.host.rsplit(":", 1)[1])

    def _wait_until_announced(self) -> str:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode}:\n{self.output()[-4000:]}")
            try:
                announced = json.loads(self.announcement.read_text())
                if announced["pid"] == self.process.pid:
                    return announced["local_url"].rstrip("/")
            except (FileNotFoundError, json.JSONDecodeError, KeyError):
                pass
            time.sleep(0.005)
        raise RuntimeError(f"the server was not ready in {READY_SECONDS} s:\n{self.output()[-4000:]}")

    def output(self) -> str:
        """All that the server has written so far."""
        return self.log_path.read_text(errors="replace")

    def children(self) -> list[int]:
        """Process ids of the server's children."""
        return _children(self.process.pid)

    def runner_pids(self) -> list[int]:
        """Process ids of the native runners, which are children of the server's children."""
        return [runner for shepherd in self.children() for runner in _children(shepherd)
                if b"\0runner\0" in _command_line(runner)]

    def kill(self) -> None:
        """What a power cut does, as far as a process can tell."""
        self.process.kill()
        self.process.wait()
        self.log.close()

    def stop(self, *, timeout: float = 30) -> int:
        """Asks it to stop, as Ctrl-C does, and gives its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        self.log.close()
        if self.own_data:
            shutil.rmtree(self.data, ignore_errors=True)
            self.log_path.unlink(missing_ok=True)
        return status

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]
    return []


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
