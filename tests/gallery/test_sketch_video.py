"""tintype/sketch-video: videos that decode, measure what they say, and hold the motion that the prompt names."""

from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path
from typing import Any

import fal_client
import pytest
from PIL import Image
from support.clients import pointed_at, sync_client
from support.server import Server

from gallery import Gallery

MODEL = "tintype/sketch-video"
SIDE = 256
# Few frames and few steps, which is enough for a motion to show.
QUICK = {"num_frames": 6, "num_inference_steps": 12}


def probed(path: Path) -> dict[str, Any]:
    words = ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-show_format", "-of", "json", str(path)]
    told = json.loads(subprocess.run(words, check=True, capture_output=True).stdout)
    return {**told["streams"][0], "duration": float(told["format"]["duration"])}


def frames(path: Path) -> list[bytes]:
    """The frames as RGB."""
    words = ["ffmpeg", "-v", "error", "-i", str(path), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run(words, check=True, capture_output=True).stdout
    size = SIDE * SIDE * 3
    assert raw and len(raw) % size == 0
    return [raw[at : at + size] for at in range(0, len(raw), size)]


def shape(frame: bytes) -> tuple[float, float, int]:
    """The centre and the area of what differs from the upper left corner."""
    corner, inside = frame[:3], []
    for at in range(0, len(frame), 3):
        if sum(abs(frame[at + c] - corner[c]) for c in range(3)) > 150:
            inside.append(at // 3)
    assert inside, "the frame is empty"
    across, down = (sum(way(at) for at in inside) / len(inside) for way in (lambda at: at % SIDE, lambda at: at // SIDE))
    return across, down, len(inside)


def saved(gallery: Gallery, folder: Path, answer: dict[str, Any]) -> Path:
    path = folder / f"video.{answer['video']['content_type'].split('/')[1]}"
    path.write_bytes(gallery.bytes(answer["video"]))
    return path


def test_a_shape_moves_as_the_prompt_says(server: Server, gallery: Gallery, tmp_path: Path):
    lines: list[str] = []
    told = lambda update: lines.extend(line["message"] for line in getattr(update, "logs", None) or [])
    body = {"prompt": "a red circle moving right on a white background", "seed": 7, **QUICK}
    with pointed_at(server.url):
        answer = sync_client().subscribe("tintype/sketch/video", body, with_logs=True, on_queue_update=told)
    assert (answer["seed"], answer["prompt"]) == (7, body["prompt"])
    sizes = [f"a {size} red circle moving right on a white background" for size in ("small", "medium")]
    assert answer["actual_prompt"] in sizes
    video = answer["video"]
    assert video["content_type"] == "video/mp4" and video["file_name"].endswith(".mp4")
    told_of = {name: video[name] for name in ("width", "height", "fps", "duration", "num_frames")}
    assert told_of == {"width": 256, "height": 256, "fps": 10, "duration": 0.6, "num_frames": 6}
    path = saved(gallery, tmp_path, answer)
    found = probed(path)
    assert (found["codec_name"], found["pix_fmt"], found["r_frame_rate"]) == ("h264", "yuv420p", "10/1")
    assert (found["width"], found["height"], found["nb_read_frames"]) == (256, 256, "6")
    assert abs(found["duration"] - 0.6) < 0.02
    places = [shape(frame) for frame in frames(path)]
    across = [place[0] for place in places]
    assert across == sorted(across) and across[-1] - across[0] > 50, across
    assert max(down for _, down, _ in places) - min(down for _, down, _ in places) < 24
    assert any(line.startswith("step 12/12") for line in lines), lines


def test_a_shape_grows_as_the_prompt_says(gallery: Gallery, tmp_path: Path):
    answer = gallery.call(MODEL, prompt="a green square growing on a white background", seed=3, **QUICK)
    areas = [area for _, _, area in map(shape, frames(saved(gallery, tmp_path, answer)))]
    assert areas[-1] > 2 * areas[0], areas


def test_the_same_seed_gives_the_same_video_and_another_seed_another(gallery: Gallery):
    short = {"prompt": "a blue star moving up", "num_frames": 2, "num_inference_steps": 2}
    videos = [gallery.bytes(gallery.call(MODEL, seed=seed, **short)["video"]) for seed in (1, 1, 2)]
    assert videos[0] == videos[1] != videos[2]


@pytest.mark.parametrize("format", ["webp", "gif"])
def test_animated_pictures_are_given_inline(gallery: Gallery, format: str):
    body = {"prompt": "a pink ring shrinking", "num_frames": 4, "num_inference_steps": 2, "frames_per_second": 10}
    video = gallery.call(MODEL, output_format=format, sync_mode=True, **body)["video"]
    assert video["url"].startswith(f"data:image/{format};base64,")
    image = Image.open(io.BytesIO(gallery.bytes(video)))
    assert (image.format, image.size, image.n_frames) == (format.upper(), (256, 256), 4)
    image.seek(1)
    image.load()
    assert image.info["duration"] == 100 and image.info["loop"] == 0


def test_what_cannot_be_is_refused_field_by_field(gallery: Gallery):
    found = gallery.refused(MODEL, num_frames=25, frames_per_second=0, output_format="avi", guidance_scale="much")
    assert [one["loc"] for one in found] == [
        ["body", name] for name in ("prompt", "num_frames", "frames_per_second", "guidance_scale", "output_format")
    ]
    assert found[1]["ctx"] == {"le": 24} and found[4]["ctx"] == {"expected": ["mp4", "webp", "gif"]}


def test_words_that_mean_nothing_are_gone_without(gallery: Gallery):
    body = {"num_frames": 2, "num_inference_steps": 1, "seed": 1}
    for prompt, unknown in (("", []), ("\u2603 \u0000 two cats", ["two", "cats"]), ("moving " * 500, [])):
        answer = gallery.call(MODEL, prompt=prompt, **body)
        assert (answer["video"]["num_frames"], answer["not_understood"]) == (2, unknown)


def test_pictures_do_not_wait_for_a_video(server: Server, gallery: Gallery):
    with pointed_at(server.url):
        long = sync_client().submit(MODEL, {"prompt": "a red circle moving right", "num_inference_steps": 50, "num_frames": 24})
        gallery.call("tintype/sketch", prompt="a red circle", num_inference_steps=1)
        assert not isinstance(long.status(), fal_client.Completed)
        long.cancel()
