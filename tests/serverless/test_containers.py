"""Row 12: apps in images, images alone, and apps inside packages."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Iterator

import pytest
from support.server import KEY, binary, clean_environment

import images
from cloud import APPS

needs_podman = pytest.mark.skipif(not images.have_podman(), reason="podman is not installed")


def test_an_app_inside_a_package_is_deployed_by_its_name(cloud, tmp_path):
    """By `tintype exec`: the package goes up by HTTPS, whatever the rest goes by."""
    folder = shutil.copytree(APPS / "entry", tmp_path / "entry")
    address = {"TINTYPE_URL": cloud.server.url, "TINTYPE_DATA": str(cloud.server.data)}
    trusted = {name: os.environ[name] for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if name in os.environ}
    environment = clean_environment(**address, **trusted, FAL_KEY=KEY, COLUMNS="4000", FAL_HOME_DIR=cloud.home.name)
    words = [str(binary()), "exec", "--", str(cloud.binary), "deploy", "entry"]
    done = subprocess.run(words, env=environment, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert cloud.call(cloud.url("entry"), body={"word": "in"}).json() == {"word": "in", "from": "greetings"}
    metadata = cloud.http.get(f"/applications/{cloud.owner}/entry/metadata").json()
    assert metadata["openapi"]["paths"]["/"]["post"]


@pytest.mark.skipif(images.have_podman(), reason="podman is installed")
def test_without_podman_an_app_in_an_image_is_refused_and_told_what_to_install(cloud):
    done = cloud.try_fal("deploy", APPS / "contained" / "boxed.py", cwd=APPS / "contained")
    assert done.code == 1 and "podman" in done.said, done.said


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Iterator[None]:
    images.build(tmp_path_factory.mktemp("image"))
    yield
    images.remove()


@needs_podman
@pytest.mark.slow
def test_an_app_in_an_image_sees_what_was_copied_and_built_into_it(cloud, built):
    app = cloud.deploy(APPS / "contained" / "boxed.py", cwd=APPS / "contained")
    assert cloud.call(app).json() == {"box": "inside the box", "built": "built", "colour": "blue"}


@needs_podman
@pytest.mark.slow
def test_an_image_without_code_serves_its_own_port(cloud, built):
    cloud.deploy("plain-image", cwd=APPS / "contained")
    answer = cloud.http.get(f"{cloud.url('plain-image')}/")
    assert answer.status_code == 200 and "Directory listing" in answer.text
