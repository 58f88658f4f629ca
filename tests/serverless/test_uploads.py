"""Row 16: what an app makes is stored here, for its caller."""

from __future__ import annotations

import io
import json

import httpx
from PIL import Image

LIFECYCLE = {"X-Fal-Object-Lifecycle-Preference": json.dumps({"expiration_duration_seconds": 120})}


def test_a_picture_and_a_text_of_an_app_are_served_by_this_server(cloud, workshop):
    made = cloud.call(workshop, "/picture")
    assert made.status_code == 200, made.text
    url = made.json()["image"]["url"]
    picture = httpx.get(url, trust_env=False)
    assert picture.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(picture.content)).size == (8, 4)
    text = httpx.get(made.json()["text"]["url"], trust_env=False)
    assert text.content == b"made in a workshop" and "note" in made.json()["text"]["file_name"]


def test_the_callers_retention_goes_with_what_the_app_makes(cloud, workshop):
    made = cloud.call(workshop, "/picture", headers=LIFECYCLE).json()
    kept = httpx.head(made["image"]["url"], trust_env=False)
    assert kept.status_code == 200
    assert "expires" in kept.headers or "x-fal-expires-at" in kept.headers or "cache-control" in kept.headers


def test_a_runner_has_the_variables_that_it_is_promised(cloud, workshop):
    seen = cloud.call(workshop, "/environment").json()
    assert seen["IS_ISOLATE_AGENT"] == "1" and seen["PYTHONUNBUFFERED"] == "1"
    assert seen["FAL_APP_NAME"] == "workshop" and seen["FAL_APP_ID"] == workshop.revision
    assert seen["FAL_USER_NICKNAME"] == cloud.owner and seen["FAL_JOB_ID"]
    assert seen["FAL_USE_LOCAL_UPLOADER"] == "1" and seen["HF_HOME"] == "/data/.cache/huggingface"
    assert seen["FAL_KEY"] and seen["FAL_RUNNER_STATE"] == "RUNNING"
    assert "TINTYPE_ADMIN_KEY" not in seen and "secret" not in seen["FAL_KEY"]
    assert "NOMAD_ALLOC_PORT_grpc" not in seen
