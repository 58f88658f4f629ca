"""Calling models, and making and reading the files that they take and give."""

from __future__ import annotations

import base64
import io
import subprocess
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from support.server import binary, clean_environment


class Gallery:
    """The models of a server."""

    def __init__(self, http: httpx.Client):
        self.http = http

    def post(self, endpoint: str, **body: Any) -> httpx.Response:
        """A direct call, whatever comes of it."""
        return self.http.post(f"/{endpoint}", json=body)

    def call(self, endpoint: str, **body: Any) -> dict[str, Any]:
        """A direct call that has to work."""
        answer = self.post(endpoint, **body)
        assert answer.status_code == 200, f"{endpoint}: {answer.status_code} {answer.text}"
        return answer.json()

    def refused(self, endpoint: str, **body: Any) -> list[dict[str, Any]]:
        """What is wrong with the input of a call."""
        answer = self.post(endpoint, **body)
        assert answer.status_code == 422, f"{endpoint}: {answer.status_code} {answer.text}"
        return answer.json()["detail"]

    def bytes(self, file: dict[str, Any] | str) -> bytes:
        """What is at the address of a file of an answer."""
        url = file if isinstance(file, str) else file["url"]
        if url.startswith("data:"):
            return base64.b64decode(url.split(",", 1)[1])
        answer = self.http.get(url)
        assert answer.status_code == 200, f"{url}: {answer.status_code}"
        return answer.content

    def image(self, file: dict[str, Any] | str) -> Image.Image:
        """A picture of an answer, which has to be as large as it says."""
        opened = Image.open(io.BytesIO(self.bytes(file)))
        opened.load()
        if isinstance(file, dict):
            assert (file["width"], file["height"]) == opened.size, file
        return opened


def data_uri(content: bytes, content_type: str) -> str:
    return f"data:{content_type};base64,{base64.b64encode(content).decode()}"


def picture(image: Image.Image, format: str = "PNG", **options: Any) -> str:
    """A data URI of a picture."""
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return data_uri(buffer.getvalue(), Image.MIME[format])


def plain(width: int, height: int, colour: tuple[int, ...] | str) -> Image.Image:
    """A picture of one colour; transparent when the colour has four numbers."""
    return Image.new("RGBA" if isinstance(colour, tuple) and len(colour) == 4 else "RGB", (width, height), colour)


def models(data: Path, *arguments: str, works: bool = True) -> subprocess.CompletedProcess[str]:
    """`tintype models …` on a data folder, as a script runs it: nobody answers questions."""
    command = [str(binary()), "models", *arguments]
    environment = clean_environment(TINTYPE_DATA=str(data))
    done = subprocess.run(command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120)
    assert (done.returncode == 0) == works, f"{arguments}: {done.stdout}{done.stderr}"
    return done


def install(data: Path, model: str, source: Path) -> None:
    models(data, "install", model, "--from", str(source), "--accept-licence")
