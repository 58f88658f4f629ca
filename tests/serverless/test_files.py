"""Row 11: files that travel with an app; and the persistent files of an account."""

from __future__ import annotations

import hashlib
import os
import shutil

import pytest

from cloud import APPS


@pytest.fixture
def folder(tmp_path):
    """A copy of the app with files, to be changed."""
    return shutil.copytree(APPS / "filed", tmp_path / "filed", ignore=shutil.ignore_patterns("__pycache__"))


def test_files_of_an_app_are_where_the_app_looks_for_them(cloud, folder):
    app = cloud.deploy(folder / "reader.py", cwd=folder)
    assert cloud.call(app).json() == {"text": "good day", "helped": "GOOD DAY", "mode": "0o755", "cwd": "/app"}


def test_unchanged_files_are_not_sent_again_and_changed_ones_are(cloud, folder):
    app = cloud.deploy(folder / "reader.py", "--app-name", "rereader", cwd=folder)
    hashes = cloud.http.post("/files/missing_hashes", json={"hashes": [hash_of(folder / "words/greeting.txt")]})
    assert hashes.json() == []
    (folder / "words" / "greeting.txt").write_text("good night")
    again = [hash_of(folder / "words/greeting.txt"), hash_of(folder / "helper.py")]
    assert cloud.http.post("/files/missing_hashes", json={"hashes": again}).json() == again[:1]
    cloud.deploy(folder / "reader.py", "--app-name", "rereader", cwd=folder)
    assert cloud.call(app).json()["text"] == "good night"


def hash_of(path) -> str:
    return hashlib.sha256(path.read_bytes() + str(os.stat(path).st_mode).encode()).hexdigest()


def test_content_that_is_not_what_its_hash_says_is_refused(cloud):
    said = {"size": "3", "mtime": "0", "mode": "33188", "hash": "0" * 64}
    started = cloud.http.post(f"/files/app/multipart/{'0' * 64}/initiate", json=said).json()["upload_id"]
    part = cloud.http.put(f"/files/app/multipart/{'0' * 64}/{started}/1", files={"file_upload": b"abc"}).json()
    body = {"parts": [part], "metadata": said}
    done = cloud.http.post(f"/files/app/multipart/{'0' * 64}/{started}/complete", json=body)
    assert 400 <= done.status_code < 500 and "detail" in done.json()
    assert cloud.http.post("/files/missing_hashes", json={"hashes": ["0" * 64]}).json() == ["0" * 64]


def test_a_large_file_travels_in_parts(cloud, folder):
    blob = os.urandom(23 << 20)
    (folder / "words" / "large.bin").write_bytes(blob)
    app = cloud.deploy(folder / "reader.py", "--app-name", "heavy", cwd=folder)
    assert cloud.call(app).status_code == 200
    runner = cloud.until_runner("heavy", "IDLE")["runner_id"]
    said = cloud.fal("runners", "exec", runner, "--", "stat", "-c", "%s", "/app/words/large.bin").out
    assert said.strip() == str(len(blob))


def test_persistent_files_go_up_come_down_move_and_go(cloud, tmp_path):
    local = tmp_path / "notes.txt"
    local.write_text("written here")
    cloud.fal("files", "upload", local, "/data/notes.txt")
    assert "notes.txt" in cloud.fal("files", "list", "/data").said
    cloud.fal("files", "mv", "/data/notes.txt", "/data/deep/renamed.txt")
    cloud.fal("files", "download", "/data/deep/renamed.txt", tmp_path / "back.txt")
    assert (tmp_path / "back.txt").read_text() == "written here"
    cloud.fal("files", "rm", "/data/deep")
    assert "deep" not in cloud.fal("files", "list", "/data").said


def test_a_large_persistent_file_comes_back_as_it_went_up(cloud, tmp_path):
    blob = os.urandom(21 << 20)
    (tmp_path / "large.bin").write_bytes(blob)
    cloud.fal("files", "upload", tmp_path / "large.bin", "/data/large.bin")
    cloud.fal("files", "download", "/data/large.bin", tmp_path / "back.bin")
    assert (tmp_path / "back.bin").read_bytes() == blob
    cloud.fal("files", "rm", "/data/large.bin")


def test_persistent_files_are_those_that_apps_see(cloud, workshop, tmp_path):
    (tmp_path / "given.txt").write_text("to the app")
    cloud.fal("files", "upload", tmp_path / "given.txt", "/data/given.txt")
    seen = cloud.call(workshop, "/keep", body={"value": "by the app"}).json()
    assert {"given.txt", "kept.txt"} <= set(seen["data"]) and "given.txt" not in seen["tmp"]
    cloud.fal("files", "download", "/data/kept.txt", tmp_path / "kept.txt")
    assert (tmp_path / "kept.txt").read_text() == "by the app"


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "/data/../../secret", "/data/%2e%2e/%2e%2e/secret", "/dataset/x", "/data/./../x", "/"]
)
def test_paths_outside_the_volume_are_refused(cloud, path):
    answer = cloud.http.get(f"/files/file/{path}")
    assert 400 <= answer.status_code < 500, answer.text
    answer = cloud.http.post(f"/files/file/local/{path}", files={"file_upload": ("x", b"x")})
    assert 400 <= answer.status_code < 500, answer.text


def test_a_link_out_of_the_volume_is_not_followed(cloud, workshop):
    runner = cloud.until_runner("workshop", "IDLE")["runner_id"] if cloud.call(workshop).is_success else ""
    cloud.fal("runners", "exec", runner, "--", "ln", "-sfn", "/etc", "/data/link")
    answer = cloud.http.get("/files/file//data/link/passwd")
    assert 400 <= answer.status_code < 500, answer.text
    answer = cloud.http.post("/files/file/local//data/link/tintype", files={"file_upload": ("x", b"x")})
    assert 400 <= answer.status_code < 500 and not os.path.exists("/etc/tintype")
    cloud.fal("runners", "exec", runner, "--", "rm", "/data/link")
