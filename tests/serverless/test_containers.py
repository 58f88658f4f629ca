"""Row 12: apps in images, images alone, and apps inside packages."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cloud import APPS

needs_podman = pytest.mark.skipif(shutil.which("podman") is None, reason="podman is not installed")


def test_an_app_inside_a_package_is_deployed_by_its_name(cloud, tmp_path):
    folder = shutil.copytree(APPS / "entry", tmp_path / "entry")
    app = cloud.deploy("entry", cwd=folder)
    assert cloud.call(app, body={"word": "in"}).json() == {"word": "in", "from": "greetings"}
    metadata = cloud.http.get(f"/applications/{cloud.owner}/entry/metadata").json()
    assert metadata["openapi"]["paths"]["/"]["post"]


@pytest.mark.skipif(shutil.which("podman") is not None, reason="podman is installed")
def test_without_podman_an_app_in_an_image_is_refused_and_told_what_to_install(cloud):
    done = cloud.try_fal("deploy", APPS / "contained" / "boxed.py", cwd=APPS / "contained")
    assert done.code == 1 and "podman" in done.said, done.said


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> None:
    """Two small images made of this machine's own Python: no registry is asked."""
    root = tmp_path_factory.mktemp("image")
    binary = Path(sys.base_prefix, "bin", f"python{sys.version_info[0]}.{sys.version_info[1]}").resolve()
    linked = subprocess.run(["ldd", str(binary)], capture_output=True, text=True, check=True).stdout
    libraries = [word for line in linked.splitlines() for word in line.split() if word.startswith("/")]
    archive = root / "root.tar"
    paths = ["/bin", "/lib", "/lib64", "/usr/bin", "/usr/lib/x86_64-linux-gnu", "/etc/ssl", sys.base_prefix, *libraries]
    paths = [path for path in dict.fromkeys(paths) if Path(path).exists()]
    subprocess.run(["tar", "-cf", str(archive), "--hard-dereference", *paths], check=True, capture_output=True)
    change = ["--change", f"ENV PATH={sys.base_prefix}/bin:/usr/bin:/bin"]
    subprocess.run(["podman", "import", *change, str(archive), "localhost/tintype-test/python:latest"], check=True)
    serve = f'CMD ["{binary}", "-m", "http.server", "9000"]'
    change += ["--change", serve]
    subprocess.run(["podman", "import", *change, str(archive), "localhost/tintype-test/server:latest"], check=True)


@needs_podman
@pytest.mark.slow
def test_an_app_in_an_image_sees_what_was_copied_and_built_into_it(cloud, images):
    app = cloud.deploy(APPS / "contained" / "boxed.py", cwd=APPS / "contained")
    assert cloud.call(app).json() == {"box": "inside the box", "built": "built", "colour": "blue"}


@needs_podman
@pytest.mark.slow
def test_an_image_without_code_serves_its_own_port(cloud, images):
    cloud.deploy("plain-image", cwd=APPS / "contained")
    answer = cloud.http.get(f"{cloud.url('plain-image')}/")
    assert answer.status_code == 200 and "Directory listing" in answer.text
