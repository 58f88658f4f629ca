"""Training the model in the box: through the queue, to a LoRA that draws, over a crash, and with archives of every kind."""

from __future__ import annotations

import io
import json
import os
import signal
import time
import zipfile
from pathlib import Path
from typing import Any, Callable

import httpx
import pytest
from PIL import Image
from support.server import Server

from gallery import Gallery, data_uri, plain

ENDPOINT = "tintype/sketch/train"
PROMPT = {"prompt": "a red zorp", "seed": 3, "num_inference_steps": 2}


def archive(files: dict[str, bytes]) -> str:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as writer:
        for name, content in files.items():
            writer.writestr(name, content)
    return data_uri(buffer.getvalue(), "application/zip")


def png(colour: str) -> bytes:
    buffer = io.BytesIO()
    plain(32, 32, colour).save(buffer, "PNG")
    return buffer.getvalue()


def pictures() -> dict[str, bytes]:
    files = {f"{colour}.png": png(colour) for colour in ("red", "green", "blue", "white")}
    return files | {"red.txt": "a red zorp".encode("utf-16"), "blue.txt": b"\xef\xbb\xbfa blue zorp"}


class Run:
    """A training in the queue."""

    def __init__(self, http: httpx.Client, **body: Any):
        self.http = http
        answer = http.post(f"/queue/{ENDPOINT}", json={"images_data_url": archive(pictures()), "seed": 5, **body})
        assert answer.status_code == 200, answer.text
        self.request = answer.json()["request_id"]

    def path(self, rest: str = "") -> str:
        return f"/queue/tintype/sketch/requests/{self.request}{rest}"

    def status(self) -> dict[str, Any]:
        return self.http.get(self.path("/status"), params={"logs": 1}).json()

    def until(self, wanted: Callable[[dict[str, Any]], bool], seconds: float = 180) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while not wanted(status := self.status()):
            assert time.monotonic() < end, status
            time.sleep(0.1)
        return status

    def ended(self) -> dict[str, Any]:
        return self.until(lambda status: status["status"] == "COMPLETED")


def told(status: dict[str, Any]) -> list[str]:
    return [line["message"] for line in status.get("logs") or []]


@pytest.fixture(scope="module")
def trained(http: httpx.Client) -> tuple[dict[str, Any], list[str]]:
    run = Run(http, trigger_word="zorp", steps=3, rank=4)
    lines = told(run.ended())
    answer = http.get(run.path())
    assert answer.status_code == 200, answer.text
    return answer.json(), lines


def test_a_training_tells_each_step_and_answers_with_two_files(trained, gallery: Gallery):
    answer, lines = trained
    assert any(line.startswith("step 3/3 loss=") for line in lines), lines
    assert list(answer) == ["diffusers_lora_file", "config_file"]
    config = json.loads(gallery.bytes(answer["config_file"]))
    assert (config["new_words"], config["images"], config["steps"], config["rank"]) == (["zorp"], 4, 3, 4)
    lora = gallery.bytes(answer["diffusers_lora_file"])
    header = json.loads(lora[8 : 8 + int.from_bytes(lora[:8], "little")])
    assert header["words.weight"]["shape"] == [1, 256] and "layers.0.qkv.lora_A.weight" in header


def test_a_lora_draws_at_once_by_its_address(trained, gallery: Gallery):
    path = trained[0]["diffusers_lora_file"]["url"]
    plainly = gallery.call("tintype/sketch", **PROMPT)
    worn = gallery.call("tintype/sketch", loras=[{"path": path}], **PROMPT)
    assert gallery.bytes(plainly["images"][0]) != gallery.bytes(worn["images"][0])
    source = data_uri(png("red"), "image/png")
    for endpoint, extra in (("image-to-image", {}), ("inpaint", {"mask_url": source})):
        body = {"image_url": source, "loras": [{"path": path, "scale": 0.5}], **PROMPT, **extra}
        assert isinstance(gallery.image(gallery.call(f"tintype/sketch/{endpoint}", **body)["images"][0]), Image.Image)


def test_a_lora_that_cannot_be_worn_is_named(gallery: Gallery):
    header = json.dumps({"layers.0.qkv.lora_A.weight": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}}).encode()
    half = len(header).to_bytes(8, "little") + header + bytes(16)
    for content, word in ((b"\x80\x02}q\x00.", "pickle"), (half, "lora_B"), (b"\xff" * 40, "safetensors")):
        (found,) = gallery.refused("tintype/sketch", loras=[{"path": data_uri(content, "application/octet-stream")}], **PROMPT)
        assert found["loc"] == ["body", "loras", 0, "path"] and word in found["msg"], found


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"a.png": png("red")}, "archive_file_count_below_minimum"),
        (pictures() | {"../up.png": png("red")}, "invalid_archive"),
        (pictures() | {"bomb.png": bytes(40 << 20)}, "invalid_archive"),
        (pictures() | {"broken.png": png("red")[:30]}, "image_load_error"),
        (pictures() | {"green.txt": b"\x00\x01\x02\x00\x00\x00"}, "invalid_archive"),
    ],
)
def test_archives_that_do_not_serve_are_told_apart(gallery: Gallery, files: dict[str, bytes], kind: str):
    (found,) = gallery.refused(ENDPOINT, images_data_url=archive(files), trigger_word="zorp", steps=1)
    assert (found["type"], found["loc"]) == (kind, ["body", "images_data_url"])
    if "archive" in kind:
        assert found["ctx"]["supported_extensions"] == [".zip"]


def test_what_is_no_archive_and_what_has_no_captions_is_refused(gallery: Gallery):
    (found,) = gallery.refused(ENDPOINT, images_data_url=data_uri(b"Rar!", "application/zip"), trigger_word="x")
    assert found["type"] == "invalid_archive"
    (found,) = gallery.refused(ENDPOINT, images_data_url=archive(pictures()))
    assert (found["type"], found["loc"]) == ("missing", ["body", "trigger_word"])


def test_a_stream_tells_the_loss_as_it_falls(http: httpx.Client):
    body = {"images_data_url": archive(pictures()), "trigger_word": "zorp", "steps": 2, "rank": 2}
    with http.stream("POST", f"/{ENDPOINT}/stream", json=body) as answer:
        events = [json.loads(line[5:]) for line in answer.iter_lines() if line.startswith("data:")]
    assert (events[0]["step"], events[0]["total_steps"]) == (1, 2) and events[0]["loss"] > 0
    assert "diffusers_lora_file" in events[-1]


def test_a_training_can_be_cancelled_and_leaves_nothing(http: httpx.Client, server: Server):
    run = Run(http, trigger_word="zorp", steps=5000)
    run.until(lambda status: any("step 1/" in line for line in told(status)))
    assert http.put(run.path("/cancel")).status_code == 202
    run.ended()
    assert not (server.data / "checkpoints" / "tintype" / "sketch-train" / run.request).exists()


def trainer(server: Server) -> int:
    """The process that trains."""
    line = lambda pid: Path(f"/proc/{pid}/cmdline").read_bytes()
    (found,) = [pid for pid in server.runner_pids() if b"tintype/sketch-train" in line(pid)]
    return found


def test_a_training_goes_on_after_a_crash(http: httpx.Client, server: Server):
    run = Run(http, trigger_word="zorp", steps=60, rank=2)
    folder = server.data / "checkpoints" / "tintype" / "sketch-train" / run.request
    run.until(lambda _: (folder / "checkpoint.safetensors").exists())
    os.kill(trainer(server), signal.SIGKILL)
    lines = told(run.ended())
    assert any("going on after step" in line for line in lines), lines[-5:]
    assert http.get(run.path()).status_code == 200
    assert not folder.exists()
