"""An app that attacks whatever it runs on, on request.

Every attack is bounded and undone by itself, so that a wall that is missing is told and costs nothing.
"""

import ctypes
import mmap
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import fal
from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel


class Anything(BaseModel):
    value: Any = None


def outcome(attempt) -> str:
    try:
        return f"did: {attempt()}"
    except Exception as refusal:
        return f"refused: {type(refusal).__name__}: {refusal}"


def mount() -> str:
    """Over a folder of its own, and away again."""
    target = tempfile.mkdtemp()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"none", target.encode(), b"tmpfs", 0, None) != 0:
        raise OSError(ctypes.get_errno(), "mount")
    libc.umount(target.encode())
    return target


class Hostile(fal.App, keep_alive=300, max_concurrency=1, max_multiplexing=8):
    machine_type = "S"
    skip_retry_conditions = ["server_error", "connection_error", "timeout"]

    @fal.endpoint("/")
    def identity(self) -> dict:
        return {"pid": os.getpid(), "runner": os.environ["FAL_JOB_ID"]}

    @fal.endpoint("/read")
    def read(self, input: Anything) -> dict:
        """What of these paths can be read, listed or written."""
        found = {}
        for path in input.value:
            target = Path(path)
            if target.is_dir():
                found[path] = outcome(lambda: sorted(os.listdir(target))[:50])
            else:
                found[path] = outcome(lambda: target.read_bytes()[:200])
        return found

    @fal.endpoint("/write")
    def write(self, input: Anything) -> dict:
        def attempt(path: str) -> int:
            written = Path(path).write_text("mine")
            os.unlink(path)
            return written

        return {path: outcome(lambda path=path: attempt(path)) for path in input.value}

    @fal.endpoint("/processes")
    def processes(self) -> dict:
        """Every process that can be seen."""
        seen = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    seen[entry] = Path("/proc", entry, "cmdline").read_bytes().replace(b"\0", b" ").decode()
                except OSError:
                    seen[entry] = "?"
        return seen

    @fal.endpoint("/connect")
    def connect(self, input: Anything) -> dict:
        found = {}
        for host, port in input.value:
            def attempt(host=host, port=port):
                with socket.create_connection((host, port), timeout=3) as opened:
                    opened.sendall(b"GET / HTTP/1.0\r\n\r\n")
                    # What is behind it must answer: a way out may take a connection and find that it leads nowhere.
                    return opened.recv(100).decode() or 1 / 0
            found[f"{host}:{port}"] = outcome(attempt)
        return found

    @fal.endpoint("/fetch")
    def fetch(self, input: Anything) -> dict:
        """By the proxies that the environment names, if it names any."""
        def attempt(url):
            with urllib.request.urlopen(url, timeout=20) as answer:
                return answer.status
        return {url: outcome(lambda url=url: attempt(url)) for url in input.value}

    @fal.endpoint("/kill")
    def kill(self, input: Anything) -> dict:
        return {str(pid): outcome(lambda pid=pid: os.kill(pid, signal.SIGKILL)) for pid in input.value}

    @fal.endpoint("/privileges")
    def privileges(self) -> dict:
        status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines())
        return {
            "uid": os.getuid(),
            "capabilities": status["CapEff"].strip(),
            "no_new_privileges": status["NoNewPrivs"].strip(),
            "mount": outcome(mount),
            # To the name that it has: the right is what is asked about.
            "hostname": outcome(lambda: socket.sethostname(socket.gethostname())),
        }

    @fal.endpoint("/fork")
    def fork(self, input: Anything) -> dict:
        """Starts processes that start processes, until it is refused."""
        children, refusal = [], ""
        for _ in range(int(input.value)):
            try:
                children.append(subprocess.Popen(["sleep", "60"]))
            except OSError as error:
                refusal = str(error)
                break
        for child in children:
            child.kill()
        for child in children:
            child.wait()
        return {"started": len(children), "refusal": refusal}

    @fal.endpoint("/fill")
    def fill(self, input: Anything) -> dict:
        """Fills the temporary folder, until it is refused."""
        block, written, target = bytes(1 << 20), 0, Path(input.value["folder"]) / "filler"
        try:
            with target.open("wb", buffering=0) as file:
                while written < input.value["megabytes"]:
                    file.write(block)
                    written += 1
            return {"written": written, "refusal": ""}
        except OSError as error:
            return {"written": written, "refusal": str(error)}
        finally:
            target.unlink(missing_ok=True)

    @fal.endpoint("/allocate")
    def allocate(self, input: Anything) -> dict:
        """Takes megabytes of memory, until it is stopped."""
        kept = []
        for _ in range(int(input.value)):
            block = mmap.mmap(-1, 1 << 20)
            block.write(b"\1" * (1 << 20))
            kept.append(block)
        return {"megabytes": len(kept)}

    @fal.endpoint("/die")
    def die(self, input: Anything) -> dict:
        if input.value == "exit":
            os._exit(9)
        os.kill(os.getpid(), signal.Signals[input.value])
        time.sleep(60)
        return {}

    @fal.endpoint("/cut")
    async def cut(self) -> StreamingResponse:
        """Ends in the middle of an answer whose length it has told."""
        async def part():
            yield b"half"
            raise ConnectionError("the rest is lost")

        return StreamingResponse(part(), headers={"content-length": "100"}, media_type="application/json")

    @fal.endpoint("/garbage")
    def garbage(self) -> Response:
        return Response(b"\xff\xfe{not json", media_type="application/json")

    @fal.endpoint("/headers")
    def headers(self, input: Anything) -> Response:
        """As many kilobytes of headers as it is told."""
        return Response("{}", headers={f"x-filler-{n}": "f" * 1000 for n in range(int(input.value))})

    @fal.endpoint("/last")
    async def last(self, request: Request) -> Response:
        """One answer, and then the runner is to be stopped."""
        return Response("{}", headers={"x-fal-stop-runner": "1"})
