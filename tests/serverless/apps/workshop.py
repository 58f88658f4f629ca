"""One app with every kind of endpoint, so that one runner serves many tests."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any, AsyncIterator

import fal
from fal.toolkit import File, Image
from fastapi import Request, Response, WebSocket
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel

COLOURS = ["red", "green", "blue"]


class Anything(BaseModel):
    value: Any = None


class Seconds(BaseModel):
    seconds: float = 0
    mark: str = ""


class Spoken(BaseModel):
    word: str


class Answer(BaseModel):
    word: str
    length: int


class Picture(BaseModel):
    image: Image
    text: File


class Workshop(fal.App, keep_alive=300, max_multiplexing=20, max_concurrency=1):
    requirements = ["pillow"]

    def setup(self):
        self.cancelled: list[str] = []

    @fal.endpoint("/")
    def echo(self, input: Anything) -> dict:
        return {"value": input.value, "pid": os.getpid()}

    @fal.endpoint("/headers")
    def headers(self, request: Request) -> dict:
        return dict(request.headers)

    @fal.endpoint("/environment")
    def environment(self) -> dict:
        return dict(os.environ)

    @fal.endpoint("/sleep")
    async def sleep(self, input: Seconds) -> dict:
        print(f"sleeping {input.mark}")
        await asyncio.sleep(input.seconds)
        print(f"slept {input.mark}")
        return {"slept": input.seconds}

    @fal.endpoint("/say")
    def say(self, input: Seconds) -> dict:
        """Lines of one request, out of a thread, with time between them for those of another."""
        for number in range(3):
            print(f"{input.mark} says {number}")
            time.sleep(input.seconds)
        print(f"{input.mark} complains", file=sys.stderr)
        return {}

    @fal.endpoint("/stream")
    async def stream(self, input: Seconds) -> StreamingResponse:
        async def events() -> AsyncIterator[str]:
            for colour in COLOURS:
                yield f"data: {json.dumps({'colour': colour})}\n\n"
                await asyncio.sleep(input.seconds)

        return StreamingResponse(events(), media_type="text/event-stream")

    @fal.realtime("/realtime")
    def realtime(self, input: Spoken) -> Answer:
        return Answer(word=input.word.upper(), length=len(input.word))

    @fal.endpoint("/ws", is_websocket=True)
    async def socket(self, websocket: WebSocket) -> None:
        await websocket.accept()
        async for text in websocket.iter_text():
            await websocket.send_text(text[::-1])

    @fal.endpoint("/task")
    async def work(self, request: Request) -> JSONResponse:
        """Works until it is cancelled, and says so."""
        mine = request.headers["x-fal-request-id"]
        for _ in range(600):
            if mine in self.cancelled:
                return JSONResponse({"detail": "cancelled"}, 499)
            await asyncio.sleep(0.05)
        return JSONResponse({"finished": True})

    @fal.endpoint("/task/cancel")
    async def cancel(self, request: Request) -> dict:
        self.cancelled.append(request.headers["x-fal-request-id"])
        print(f"cancelling {self.cancelled[-1]}")
        return {}

    @fal.endpoint("/cancelled")
    def list_cancelled(self) -> list[str]:
        return self.cancelled

    @fal.endpoint("/answer")
    async def answer(self, request: Request) -> Response:
        """Answers with the status, headers and text that it is told."""
        told = await request.json()
        return Response(told.get("text", ""), told.get("status", 200), told.get("headers"))

    @fal.endpoint("/raise")
    def fail(self) -> dict:
        raise ValueError("the workshop burns")

    @fal.endpoint("/picture")
    def picture(self) -> Picture:
        from PIL import Image as Pillow

        drawn = Image.from_pil(Pillow.new("RGB", (8, 4), "red"), format="png")
        return Picture(image=drawn, text=File.from_bytes(b"made in a workshop", file_name="note.txt"))

    @fal.endpoint("/keep")
    def keep(self, input: Anything) -> dict:
        """Writes to the account's volume, to the app's folder and to the temporary one."""
        for folder in ("/data", "/tmp"):
            Path(folder, "kept.txt").write_text(str(input.value))
        return {"data": sorted(os.listdir("/data")), "tmp": sorted(os.listdir("/tmp"))}
