"""FLUX with LoRAs, SD 3.5 and Z-Image with tiny random weights: installed and called as users do. What they draw is noise."""

from __future__ import annotations

import json

import pytest
from gallery import Gallery, data_uri, install, picture
from PIL import Image
from support.server import ROOT, Server

REFERENCES = ROOT / "crates" / "diffusion" / "reference"
MODELS = {
    "fal-ai/flux-lora": "flux",
    "fal-ai/stable-diffusion-v35-large": "sd3",
    "fal-ai/z-image/turbo": "z_image",
}
SMALL = {"prompt": "noise", "image_size": {"width": 96, "height": 64}, "num_inference_steps": 2, "seed": 7}


@pytest.fixture(scope="module")
def installed(server: Server) -> None:
    for model, folder in MODELS.items():
        install(server.data, model, REFERENCES / folder)


@pytest.mark.parametrize("endpoint", MODELS)
def test_a_picture_is_drawn_and_drawn_alike_again(installed: None, gallery: Gallery, endpoint: str):
    first = gallery.call(endpoint, **SMALL, output_format="png")
    assert gallery.image(first["images"][0]).size == (96, 64)
    assert (first["seed"], first["prompt"], first["has_nsfw_concepts"]) == (7, "noise", [False])
    again = gallery.call(endpoint, **SMALL, output_format="png", sync_mode=True)
    assert gallery.bytes(again["images"][0]) == gallery.bytes(first["images"][0])


def test_a_picture_is_drawn_anew(installed: None, gallery: Gallery):
    given = picture(Image.new("RGB", (80, 64), "teal"))
    answer = gallery.call("fal-ai/z-image/turbo/image-to-image", **{**SMALL, "image_size": "auto"}, image_url=given)
    assert gallery.image(answer["images"][0]).size == (80, 64)


def test_a_lora_is_laid_over_the_network(installed: None, gallery: Gallery):
    lora = data_uri((REFERENCES / "flux" / "lora.safetensors").read_bytes(), "application/octet-stream")
    plain = gallery.call("fal-ai/flux-lora", **SMALL, output_format="png")
    styled = gallery.call("fal-ai/flux-lora", **SMALL, output_format="png", loras=[{"path": lora, "scale": 2}])
    assert gallery.bytes(plain["images"][0]) != gallery.bytes(styled["images"][0])


def test_what_is_no_lora_is_named(installed: None, gallery: Gallery):
    [finding] = gallery.refused(
        "fal-ai/flux-lora", **SMALL, loras=[{"path": data_uri(b"nothing", "application/octet-stream")}]
    )
    assert finding["loc"] == ["body", "loras", 0, "path"]


def test_steps_are_told_as_they_come(installed: None, gallery: Gallery):
    with gallery.http.stream("POST", "/fal-ai/stable-diffusion-v35-large/stream", json=SMALL) as answer:
        assert answer.status_code == 200
        events = [json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: ")]
    assert len(events) >= 2 and "timings" in events[-1]
