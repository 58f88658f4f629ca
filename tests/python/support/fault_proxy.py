"""A recording proxy in front of the real server that can answer once in its stead.

It speaks just enough HTTP/1.1: one exchange per connection, bodies by length or in chunks, upgrades as raw bytes.
The `Host` header travels unchanged, so the URLs that the server mints lead back through the proxy.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Seen:
    """One request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        return self.target.split("?", 1)[0]

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Fault:
    """An answer to give in place of the server's, `times` times, where method and path match."""

    method: str
    pattern: str
    status: int
    body: Any = field(default_factory=lambda: {"detail": "injected"})
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1
    drop: bool = False

    def takes(self, seen: Seen) -> bool:
        return self.times > 0 and seen.method == self.method and re.search(self.pattern, seen.path) is not None

    def encode(self) -> bytes:
        text = self.body if isinstance(self.body, str) else json.dumps(self.body)
        kind = "text/plain" if isinstance(self.body, str) else "application/json"
        head = {"Content-Type": kind, "Content-Length": str(len(text.encode())), "Connection": "close"} | self.headers
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        return f"HTTP/1.1 {self.status} Injected\r\n{lines}\r\n{text}".encode()


class FaultProxy:
    """Use as a context manager; `seen` grows with every request."""

    def __init__(self, upstream_port: int):
        self.upstream_port = upstream_port
        self.seen: list[Seen] = []
        self.faults: list[Fault] = []
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self) -> FaultProxy:
        self.thread.start()
        opening = asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 20)
        self.server = asyncio.run_coroutine_threadsafe(opening, self.loop).result()
        self.port = self.server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    async def _close(self) -> None:
        self.server.close()
        exchanges = asyncio.all_tasks() - {asyncio.current_task()}
        for exchange in exchanges:
            exchange.cancel()
        await asyncio.gather(*exchanges, return_exceptions=True)

    def fail(self, method: str, pattern: str, status: int, **options: Any) -> None:
        self.faults.append(Fault(method, pattern, status, **options))

    def matching(self, method: str, pattern: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.method == method and re.search(pattern, seen.path)]

    def reset(self) -> None:
        self.seen.clear()
        self.faults.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            seen = _parse(head)
            upgrade = "upgrade" in seen.headers.get("connection", "").lower()
            framed = b"" if upgrade else await _read_body(reader, seen)
            self.seen.append(seen)
            fault = next((fault for fault in self.faults if fault.takes(seen)), None)
            if fault is not None:
                fault.times -= 1
                writer.write(b"" if fault.drop else fault.encode())
                await writer.drain()
            else:
                await self._forward(head if upgrade else _closing(head), framed, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _forward(self, head, framed, reader, writer) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.upstream_port)
        up_writer.write(head + framed)
        await up_writer.drain()
        up = asyncio.create_task(_pump(reader, up_writer))
        await _pump(up_reader, writer)
        up.cancel()
        up_writer.close()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
        # The client has gone: the server must be told at once, as it would be without a proxy.
        sink.close()
    except ConnectionError:
        sink.close()


def _parse(head: bytes) -> Seen:
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    return Seen(method, target, {name.strip().lower(): value.strip() for name, value in pairs})


def _closing(head: bytes) -> bytes:
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([lines[0], b"Connection: close", *lines[1:]])


async def _read_body(reader: asyncio.StreamReader, seen: Seen) -> bytes:
    """The body as framed on the wire, to be passed on; its content goes into `seen`."""
    if "content-length" in seen.headers:
        seen.body = await reader.readexactly(int(seen.headers["content-length"]))
        return seen.body
    framed = b""
    if "chunked" in seen.headers.get("transfer-encoding", "").lower():
        size = -1
        while size != 0:
            line = await reader.readuntil(b"\r\n")
            size = int(line.split(b";")[0], 16)
            chunk = await reader.readexactly(size + 2)
            seen.body += chunk[:-2]
            framed += line + chunk
    return framed
