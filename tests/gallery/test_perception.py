"""What hears and sees, with tiny random weights: installed and called as users do, all the way to the answer."""

from __future__ import annotations

import io
import math
import struct
import subprocess
import wave
from pathlib import Path

import pytest
from PIL import Image
from support.server import ROOT, Server

from gallery import Gallery, data_uri, install, picture, plain

REFERENCES = ROOT / "crates" / "perception" / "reference"
MODELS = {
    "fal-ai/whisper": "whisper",
    "fal-ai/wizper": "whisper",
    "fal-ai/image-preprocessors": "depth",
    "fal-ai/sam2": "sam2",
    "facebook/mms-tts/eng": "vits/eng",
}


@pytest.fixture(scope="module")
def installed(server: Server) -> None:
    for model, folder in MODELS.items():
        install(server.data, model, REFERENCES / folder)


def sound(seconds: float, rate: int = 16000) -> bytes:
    samples = [int(8000 * math.sin(2 * math.pi * 330 * n / rate)) for n in range(int(seconds * rate))]
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1), file.setsampwidth(2), file.setframerate(rate)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return buffer.getvalue()


def heard(content: bytes) -> str:
    return data_uri(content, "audio/wav")


@pytest.mark.parametrize("level", ["none", "segment", "word"])
def test_speech_is_written_down_with_times(installed: None, gallery: Gallery, level: str):
    answer = gallery.call("fal-ai/whisper", audio_url=heard(sound(2)), chunk_level=level, language="de")
    assert set(answer) == {"text", "chunks", "inferred_languages", "diarization_segments"}
    assert answer["inferred_languages"] == ["de"] and isinstance(answer["text"], str)
    for chunk in answer["chunks"]:
        begin, end = chunk["timestamp"]
        assert 0 <= begin <= end and chunk["text"] == chunk["text"].strip()
    if level == "none":
        assert [chunk["text"] for chunk in answer["chunks"]] == [answer["text"]]


def test_the_other_name_of_the_model_has_its_own_fields(installed: None, gallery: Gallery):
    answer = gallery.call("fal-ai/wizper", audio_url=heard(sound(1, 44100)), language=None)
    assert set(answer) == {"text", "chunks", "languages"} and answer["languages"][0] in ("en", "de", "ja")


@pytest.mark.parametrize("name", ["tone.ogg", "tone.webm"])
def test_opus_is_heard_as_the_rest_is(installed: None, gallery: Gallery, tmp_path: Path, name: str):
    tone = ["-f", "lavfi", "-i", "sine=frequency=330:duration=1.5", "-c:a", "libopus"]
    subprocess.run(["ffmpeg", "-v", "error", *tone, str(tmp_path / name)], check=True)
    sound = data_uri((tmp_path / name).read_bytes(), "audio/ogg")
    answer = gallery.call("fal-ai/whisper", audio_url=sound, language="de", chunk_level="none")
    [chunk] = answer["chunks"]
    assert chunk["timestamp"] == pytest.approx([0, 1.5], abs=0.05)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"this is no sound at all", "unsupported_audio_format"),
        (sound(0.1)[:20], "unsupported_audio_format"),
        (sound(0), "audio_duration_too_short"),
    ],
)
def test_what_is_no_sound_is_named(installed: None, gallery: Gallery, content: bytes, kind: str):
    [finding] = gallery.refused("fal-ai/whisper", audio_url=heard(content))
    assert (finding["loc"], finding["type"]) == (["body", "audio_url"], kind)


def test_what_the_model_cannot_do_is_named(installed: None, gallery: Gallery):
    findings = gallery.refused("fal-ai/whisper", audio_url=heard(sound(1)), diarize=True, language="tlh")
    assert [finding["loc"][1] for finding in findings] == ["language", "diarize"]


def test_depth_is_a_picture_of_the_same_size(installed: None, gallery: Gallery):
    image = Image.linear_gradient("L").resize((90, 50)).convert("RGB")
    answer = gallery.call("fal-ai/image-preprocessors/depth-anything/v2", image_url=picture(image))
    assert gallery.image(answer["image"]).size == (90, 50)
    [finding] = gallery.refused("fal-ai/image-preprocessors/depth-anything/v2", image_url=data_uri(b"no", "image/png"))
    assert finding["loc"] == ["body", "image_url"]


def test_a_mask_is_black_and_white_and_cuts_the_picture(installed: None, gallery: Gallery):
    image = plain(80, 60, "navy")
    image.paste((255, 160, 0), (20, 10, 60, 50))
    prompts = [{"x": 40, "y": 30, "label": 1}, {"x": 2, "y": 2, "label": "0"}]
    mask = gallery.call("fal-ai/sam2/image", image_url=picture(image), prompts=prompts)["image"]
    shown = gallery.image(mask).convert("L")
    assert shown.size == (80, 60) and {value for _, value in shown.getcolors()} <= {0, 255}
    cut = gallery.call("fal-ai/sam2/image", image_url=picture(image), prompts=prompts, apply_mask=True, sync_mode=True)
    assert gallery.image(cut["image"]).convert("RGBA").getchannel("A").tobytes() == shown.tobytes()


def test_a_prompt_beside_the_picture_is_named(installed: None, gallery: Gallery):
    body = {"image_url": picture(plain(80, 60, "navy"))}
    [finding] = gallery.refused("fal-ai/sam2/image", **body, prompts=[{"x": 40, "y": 30}, {"x": 90, "y": 3}])
    assert finding["loc"] == ["body", "prompts", 1, "x"]
    assert gallery.refused("fal-ai/sam2/image", **body)[0]["loc"] == ["body", "prompts"]


def test_everything_in_a_picture_is_found(installed: None, gallery: Gallery):
    body = {"image_url": picture(plain(80, 60, "navy")), "points_per_side": 2, "pred_iou_thresh": 0}
    answer = gallery.call("fal-ai/sam2/auto-segment", **body, stability_score_thresh=0)
    assert len(answer["individual_masks"]) >= 1
    for mask in [answer["combined_mask"], *answer["individual_masks"]]:
        assert gallery.image(mask).size == (80, 60)


def test_text_is_said_and_the_same_seed_says_it_the_same_way(installed: None, gallery: Gallery):
    answers = [gallery.call("facebook/mms-tts/eng", text="Hello, you!", seed=seed) for seed in (7, 7, 8)]
    sounds = [gallery.bytes(answer["audio"]) for answer in answers]
    assert sounds[0] == sounds[1] != sounds[2]
    with wave.open(io.BytesIO(sounds[0])) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 16000)
        assert abs(file.getnframes() / 16000 - answers[0]["audio"]["duration"]) < 1e-6
    [finding] = gallery.refused("facebook/mms-tts/eng", text="好")
    assert finding["loc"] == ["body", "text"]


def test_a_voice_that_is_not_installed_names_the_command(installed: None, gallery: Gallery):
    answer = gallery.post("facebook/mms-tts/deu", text="Guten Tag")
    assert answer.status_code == 424 and "tintype models install facebook/mms-tts" in answer.text and "deu" in answer.text
