"""Uploads and downloads: rows 9, 10, 24, 25 and 36 to 38, and what a browser or a stranger may do with a file."""

from __future__ import annotations

import asyncio
import base64
import concurrent.futures
import io
import json
import os
from datetime import datetime

import fal_client
import httpx
import pytest
from fal_client.client import StorageACL, StorageACLRule, StorageSettings
from PIL import Image

from support import sketch
from support.clients import async_client, pointed_at, sync_client
from support.fault_proxy import FaultProxy
from support.server import Server
from support.wait import until

LIFECYCLE = {"X-Fal-Object-Lifecycle", "X-Fal-Object-Lifecycle-Preference"}
BIG = os.urandom(1 << 20) * 101 + b"tail"


def red_square() -> Image.Image:
    return Image.new("RGB", (64, 64), (255, 0, 0))


# --- the clients -----------------------------------------------------------------------------------------------------


def test_bytes_files_and_images_come_back_as_they_went_up(fal, tmp_path):
    data = os.urandom(70_000)
    path = tmp_path / "räd picture.bin"
    path.write_bytes(data)
    assert httpx.get(fal.upload(data, "application/octet-stream")).content == data
    assert httpx.get(fal.upload(data, "application/octet-stream", "plain.bin")).content == data
    assert httpx.get(fal.upload_file(path)).content == data
    answer = httpx.get(fal.upload_image(red_square(), format="png"))
    assert answer.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(answer.content)).getpixel((1, 1)) == (255, 0, 0)


def test_the_async_client_uploads_too(server):
    with pointed_at(server.url):
        url = asyncio.run(async_client().upload(b"abc", "text/plain", "a.txt"))
    assert httpx.get(url).content == b"abc" and url.endswith("/a.txt")


def test_a_data_uri_is_an_image_input_and_the_output_has_the_size_asked_for(fal):
    source = fal_client.encode_image(red_square(), "png")
    size = {"width": 320, "height": 256}
    result = fal.run(sketch.IMAGE_TO_IMAGE, sketch.picture(image_url=source, strength=0.5, image_size=size))
    image = result["images"][0]
    assert (image["width"], image["height"]) == (320, 256)
    assert Image.open(io.BytesIO(httpx.get(image["url"]).content)).size == (320, 256)


def test_an_uploaded_file_is_an_image_input(fal):
    source = fal.upload_image(red_square(), format="png")
    assert fal.run(sketch.IMAGE_TO_IMAGE, sketch.picture(image_url=source, strength=0.5))["images"]


def test_inpainting_takes_a_mask_and_sync_mode_gives_a_data_uri(fal):
    mask = Image.new("L", (64, 64), 0)
    mask.paste(255, (16, 16, 48, 48))
    inputs = {"image_url": fal.upload_image(red_square(), "png"), "mask_url": fal_client.encode_image(mask, "png")}
    result = fal.run(sketch.INPAINTING, sketch.picture(sync_mode=True, output_format="png", **inputs))
    kind, data = result["images"][0]["url"].split(";base64,")
    assert kind == "data:image/png" and Image.open(io.BytesIO(base64.b64decode(data))).size == (256, 256)


def test_the_upload_chain_falls_back_to_the_signed_upload(proxied, proxy):
    proxy.fail("POST", r"^/files/upload$", 500, times=99)
    url = proxied.upload(b"abc", "text/plain", "a.txt")
    assert proxy.matching("POST", r"^/storage/upload/initiate$")
    assert httpx.get(url).content == b"abc"


def test_a_name_that_no_header_can_carry_still_uploads(fal):
    assert httpx.get(fal.upload(b"abc", "text/plain", "żółw.txt")).content == b"abc"


def test_the_legacy_repository_name_and_an_explicit_order_work(proxied, proxy):
    with pytest.warns(DeprecationWarning):
        assert httpx.get(proxied.upload(b"1", "text/plain", repository="cdn")).content == b"1"
    proxy.reset()
    assert httpx.get(proxied.upload(b"2", "text/plain", repository="fal", fallback_repository=[])).content == b"2"
    assert proxy.matching("POST", r"^/files/upload$") == []
    with pytest.raises(ValueError):
        proxied.upload(b"3", "text/plain", repository="nowhere")


@pytest.mark.parametrize(
    ("preset", "seconds"),
    [("immediate", 60), ("1h", 3600), ("1d", 86400), ("7d", 604800), ("30d", 2592000), ("1y", 31536000), (5, 5)],
)
def test_lifecycle_presets_become_seconds_in_both_headers(proxied, proxy, preset, seconds):
    proxied.upload(b"abc", "text/plain", lifecycle=StorageSettings(expires_in=preset))
    (upload,) = proxy.matching("POST", r"^/files/upload$")
    for name in LIFECYCLE:
        assert json.loads(upload.headers[name.lower()]) == {"expiration_duration_seconds": seconds}


@pytest.mark.parametrize("settings", [StorageSettings(expires_in="never"), StorageSettings(initial_acl=StorageACL())])
def test_never_and_an_empty_acl_send_no_lifecycle(proxied, proxy, settings):
    proxied.upload(b"abc", "text/plain", lifecycle=settings)
    (upload,) = proxy.matching("POST", r"^/files/upload$")
    assert not {name.lower() for name in LIFECYCLE} & upload.headers.keys()


def test_a_file_expires(fal):
    url = fal.upload(b"abc", "text/plain", lifecycle=StorageSettings(expires_in=1))
    assert httpx.get(url).status_code == 200
    until(lambda: httpx.get(url).status_code == 404, what="the file to expire")


@pytest.mark.parametrize(("decision", "status"), [("forbid", 403), ("hide", 404), ("allow", 200)])
def test_access_control_decides_for_strangers(fal, decision, status):
    url = fal.upload(b"abc", "text/plain", lifecycle=StorageSettings(initial_acl=StorageACL(default=decision)))
    assert httpx.get(url).status_code == status


def test_a_rule_for_an_unknown_user_is_dropped(fal):
    acl = StorageACL(default="allow", rules=[StorageACLRule(user="nobody-here", decision="forbid")])
    url = fal.upload(b"abc", "text/plain", lifecycle=StorageSettings(initial_acl=acl))
    assert httpx.get(url).status_code == 200


def test_multipart_uploads_parts_in_parallel_and_completes_them_in_any_order():
    # Addresses of files begin with the public URL, so that is where a recorder has to be.
    with FaultProxy(0) as proxy, Server("--public-url", proxy.url) as server, pointed_at(proxy.url):
        proxy.upstream_port = server.port
        url = sync_client().upload(BIG, "application/octet-stream", "big.bin")
        assert url.startswith(proxy.url)
        assert httpx.get(url, timeout=60).content == BIG
    assert len(proxy.matching("PUT", r"/multipart/")) == 11
    (complete,) = proxy.matching("POST", r"/complete$")
    assert {part["partNumber"] for part in complete.json()["parts"]} == set(range(1, 12))


def test_a_big_file_from_disk_and_through_the_async_client(server, fal, tmp_path):
    path = tmp_path / "big.bin"
    path.write_bytes(BIG)
    assert httpx.get(fal.upload_file(path), timeout=60).content == BIG
    with pointed_at(server.url):
        url = asyncio.run(async_client().upload_file(path))
    assert httpx.get(url, timeout=60).content == BIG


# --- the bytes on the wire -------------------------------------------------------------------------------------------


def cdn_token(http: httpx.Client) -> dict:
    answer = http.post("/storage/auth/token?storage_type=fal-cdn-v3", json={})
    assert answer.is_success, answer.text
    return answer.json()


def uploaded(http: httpx.Client, data: bytes, kind: str = "text/plain", name: str = "file.txt", **headers: str) -> str:
    token = cdn_token(http)
    headers = {"Authorization": f"{token['token_type']} {token['token']}", "Content-Type": kind, **headers}
    answer = httpx.post(f"{http.base_url}/files/upload", content=data, headers={"X-Fal-File-Name": name, **headers})
    assert answer.is_success, answer.text
    return answer.json()["access_url"]


def initiate(http: httpx.Client, route: str = "initiate", storage: str = "fal-cdn-v3", **body: str) -> dict:
    body = {"file_name": "a.txt", "content_type": "text/plain", **body}
    answer = http.post(f"/storage/upload/{route}?storage_type={storage}", json=body)
    assert answer.is_success, answer.text
    return answer.json()


def test_a_cdn_token_expires_at_a_time_that_every_python_can_read(http):
    token = cdn_token(http)
    assert token["expires_at"].endswith("+00:00")
    assert datetime.fromisoformat(token["expires_at"]).tzinfo is not None
    assert token["token_type"] == "Bearer" and token["base_url"].startswith("http")


@pytest.mark.parametrize("storage", ["fal-cdn-v3", "gcs"])
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Key test:secret"}], ids=["bare", "with-key"])
def test_a_signed_url_takes_a_put_with_or_without_a_key(http, storage, headers):
    signed = initiate(http, storage=storage)
    put = httpx.put(signed["upload_url"], content=b"abc", headers={"Content-Type": "text/plain", **headers})
    assert put.is_success
    answer = httpx.get(signed["file_url"])
    assert answer.content == b"abc" and answer.headers["content-type"].startswith("text/plain")


def test_a_tampered_signature_is_refused(http):
    url = initiate(http)["upload_url"]
    at = url.rindex("=") + 1
    changed = url[:at] + ("0" if url[at] != "0" else "1") + url[at + 1 :]
    assert httpx.put(changed, content=b"abc").status_code in {401, 403}


def test_a_part_answers_with_both_an_etag_header_and_a_json_body(http):
    signed = initiate(http, "initiate-multipart")
    base, _, query = signed["upload_url"].partition("?")
    query = f"?{query}" if query else ""
    parts = []
    for number, data in ((2, b"world"), (1, b"hello ")):
        answer = httpx.put(f"{base}/{number}{query}", content=data)
        assert answer.is_success and answer.headers["content-type"].startswith("application/json")
        assert answer.json()["partNumber"] == number and answer.json()["etag"]
        assert answer.headers["etag"].strip('"') == answer.json()["etag"].strip('"')
        parts.append(answer.json())
    done = httpx.post(f"{base}/complete{query}", json={"parts": parts})
    assert done.is_success, done.text
    assert httpx.get(signed["file_url"]).content == b"hello world"


def test_completing_with_a_wrong_etag_or_a_missing_part_is_refused_and_says_which(http):
    signed = initiate(http, "initiate-multipart")
    base, _, query = signed["upload_url"].partition("?")
    query = f"?{query}" if query else ""
    httpx.put(f"{base}/1{query}", content=b"x")
    for parts in ([{"partNumber": 1, "etag": "wrong"}], [{"partNumber": 7, "etag": "x"}], [], "nonsense"):
        answer = httpx.post(f"{base}/complete{query}", json={"parts": parts})
        assert 400 <= answer.status_code < 500 and answer.json()["detail"], parts


def test_head_ranges_and_conditions(http):
    url = uploaded(http, b"0123456789")
    head = httpx.head(url)
    assert head.status_code == 200 and head.headers["content-length"] == "10" and head.content == b""
    assert head.headers["accept-ranges"] == "bytes"
    for spec, content, where in (("bytes=2-4", b"234", "2-4"), ("bytes=7-", b"789", "7-9"), ("bytes=-2", b"89", "8-9")):
        part = httpx.get(url, headers={"Range": spec})
        assert (part.status_code, part.content) == (206, content)
        assert part.headers["content-range"] == f"bytes {where}/10"
    beyond = httpx.get(url, headers={"Range": "bytes=20-"})
    assert beyond.status_code == 416 and beyond.headers["content-range"] == "bytes */10"
    etag = head.headers["etag"]
    assert httpx.get(url, headers={"If-None-Match": etag}).status_code == 304
    assert httpx.get(url, headers={"If-None-Match": '"other"'}).status_code == 200
    stale = httpx.get(url, headers={"If-Range": '"other"', "Range": "bytes=2-4"})
    assert (stale.status_code, stale.content) == (200, b"0123456789")
    fresh = httpx.get(url, headers={"If-Range": etag, "Range": "bytes=2-4"})
    assert (fresh.status_code, fresh.content) == (206, b"234")


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b\\c.txt", "a b#?.txt", "x" * 400, "..", "%2e%2e%2f"])
def test_a_file_name_cannot_leave_its_place(http, name):
    url = uploaded(http, b"abc", name=name)
    tail = url.split("/files/", 1)[1]
    assert ".." not in tail.split("/") and "\\" not in tail and len(tail) < 300
    assert httpx.get(url).content == b"abc"


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "application/xhtml+xml"])
def test_a_stored_page_cannot_script_the_origin(http, kind):
    answer = httpx.get(uploaded(http, b"<script>1</script>", kind, "a.html"))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


def test_ids_are_not_guessable_and_nothing_is_listed(http):
    urls = {uploaded(http, b"abc") for _ in range(3)}
    assert len(urls) == 3
    folder = next(iter(urls)).rsplit("/", 1)[0]
    assert httpx.get(folder).status_code == 404 and httpx.get(f"{http.base_url}/files/").status_code == 404


def test_a_truncated_upload_leaves_nothing_behind(http, server):
    token = cdn_token(http)
    before = _stored_bytes(server)
    import socket

    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        head = f"POST /files/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token['token']}\r\n"
        raw.sendall(f"{head}Content-Type: text/plain\r\nContent-Length: 5000000\r\n\r\n".encode() + b"x" * 1_000_000)
    until(lambda: _stored_bytes(server) <= before, what="the partial upload to be removed")


def _stored_bytes(server) -> int:
    blobs = [path for path in server.data.rglob("*") if path.is_file() and "blob" in str(path) or "file" in path.parent.name]
    return sum(path.stat().st_size for path in blobs if path.is_file())


def test_parallel_uploads_do_not_mix(http):
    bodies = [os.urandom(100_000) for _ in range(16)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        urls = list(pool.map(lambda body: uploaded(http, body, "application/octet-stream"), bodies))
    assert [httpx.get(url).content for url in urls] == bodies


@pytest.mark.parametrize("preference", ["{", "[]", '{"expiration_duration_seconds": "soon"}', '{"initial_acl": 3}'])
def test_a_malformed_lifecycle_is_refused_by_name(http, preference):
    token = cdn_token(http)
    headers = {"Authorization": f"Bearer {token['token']}", "X-Fal-Object-Lifecycle": preference}
    answer = httpx.post(f"{http.base_url}/files/upload", content=b"abc", headers=headers)
    assert answer.status_code == 400 and "X-Fal-Object-Lifecycle" in answer.json()["detail"]
