"""Installing weights: from nothing to a picture and back, with the command line and a server that keeps running."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from gallery import Gallery, install, models
from support.server import ROOT, Server

# Networks of the right shape and no size, with random numbers in them: what they draw is noise.
REFERENCE = ROOT / "crates" / "diffusion" / "reference" / "flux"
MODEL = "fal-ai/flux"
ENDPOINT = f"{MODEL}/dev"


def listed(gallery: Gallery) -> bool:
    answer = gallery.http.get("/v1/models", params={"endpoint_id": ENDPOINT}).json()
    return answer["models"][0]["metadata"]["installed"]


def test_a_model_is_installed_used_and_removed_while_the_server_runs(server: Server, gallery: Gallery):
    small = {"prompt": "noise", "image_size": {"width": 256, "height": 256}, "num_inference_steps": 1, "seed": 1}
    refusal = gallery.post(ENDPOINT, **small)
    assert refusal.status_code == 424, refusal.text
    assert f"tintype models install {MODEL}" in refusal.text
    assert not listed(gallery)

    install(server.data, ENDPOINT, REFERENCE)
    assert listed(gallery)
    answer = gallery.call(ENDPOINT, **small)
    assert gallery.image(answer["images"][0]).size == (256, 256)
    assert answer["seed"] == 1

    models(server.data, "remove", MODEL)
    assert not listed(gallery)
    assert gallery.post(ENDPOINT, **small).status_code == 424


def copied(folder: Path) -> Path:
    """The reference, to be changed."""
    shutil.copytree(REFERENCE, folder)
    return folder


def test_weights_that_take_the_place_of_broken_ones_are_used_at_once(server: Server, gallery: Gallery, tmp_path: Path):
    small = {"prompt": "noise", "image_size": {"width": 64, "height": 64}, "num_inference_steps": 1, "seed": 1}
    broken = copied(tmp_path / "broken")
    config = broken / "transformer" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"num_layers": 7}))
    install(server.data, ENDPOINT, broken)
    refusal = gallery.post(ENDPOINT, **small)
    assert refusal.status_code >= 500 and "no runner" in refusal.text, refusal.text
    # Whoever calls now is told the same without another try: the next start is a while away.
    assert gallery.post(ENDPOINT, **small).status_code >= 500
    install(server.data, ENDPOINT, REFERENCE)
    assert gallery.call(ENDPOINT, **small)["seed"] == 1
    models(server.data, "remove", MODEL)


def test_a_licence_that_nobody_accepted_installs_nothing(tmp_path: Path):
    done = models(tmp_path, "install", ENDPOINT, "--from", str(REFERENCE), works=False)
    assert "Non-Commercial" in done.stderr and "--accept-licence" in done.stderr
    assert "fal-ai" not in models(tmp_path, "--installed").stdout


def test_a_bundle_carries_a_model_to_a_machine_without_a_network(tmp_path: Path):
    here, there, bundle = tmp_path / "here", tmp_path / "there", tmp_path / "flux.tar"
    install(here, ENDPOINT, REFERENCE)
    models(here, "export", MODEL, "-o", str(bundle))
    assert "Non-Commercial" in models(there, "import", "--accept-licence", str(bundle)).stderr
    [record] = json.loads(models(there, "--installed", "--json").stdout)["models"]
    assert record["app"] == MODEL and record["set"] == "dev" and record["licence"]["accepted_at"]
    for file in record["files"]:
        copy = there / "weights" / "apps" / MODEL / "dev" / file["path"]
        assert copy.read_bytes() == (REFERENCE / file["path"]).read_bytes()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x80\x04\x95 a pickle", "may hold code"),
        (b"\xff" * 64, "is not the safetensors file"),
        (b"", "is not the safetensors file"),
    ],
)
def test_files_that_are_not_what_they_say_are_refused_by_name(tmp_path: Path, content: bytes, words: str):
    source = copied(tmp_path / "source")
    (source / "vae" / "diffusion_pytorch_model.safetensors").write_bytes(content)
    done = models(tmp_path / "data", "install", ENDPOINT, "--from", str(source), "--accept-licence", works=False)
    assert words in done.stderr and "vae/diffusion_pytorch_model.safetensors" in done.stderr


@pytest.mark.parametrize(
    ("model", "words"),
    [("fal-ai/flux/devv", "name one of them"), ("fal-ai/nothing", "tintype models"), ("tintype/sketch", "nothing to install")],
)
def test_a_model_that_cannot_be_meant_is_explained(tmp_path: Path, model: str, words: str):
    assert words in models(tmp_path, "install", model, works=False).stderr
