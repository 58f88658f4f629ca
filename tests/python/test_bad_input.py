"""What hostile, broken or mistaken callers get: the fal error shape, and words that say what to do."""

from __future__ import annotations

import base64
import concurrent.futures
import io
import json
import os
import re
import socket
import struct
import subprocess
import time
import zlib
from pathlib import Path

import httpx
import pytest
from PIL import Image

from support import noop, sketch
from support.receiver import Delivery, Receiver, reply
from support.server import KEY, Server
from support.wait import until

AUTHORIZATION = f"Authorization: Key {KEY}\r\n"
DEEP = "[" * 20_000 + "]" * 20_000


def explained(answer: httpx.Response, *statuses: int) -> str:
    """Checks the shape that every error has, and gives its words."""
    assert answer.status_code in statuses, f"{answer.status_code}: {answer.text[:500]}"
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["x-fal-request-id"]
    body = answer.json()
    assert isinstance(body, dict) and body["detail"]
    text = body["detail"] if isinstance(body["detail"], str) else json.dumps(body["detail"])
    assert text.strip().lower() != "unprocessable entity" and len(text) > 15
    return text


def still_answers(http: httpx.Client) -> None:
    assert http.post(f"/{noop.APP}", json=noop.echo()).status_code == 200


# --- bodies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("route", [f"/{noop.APP}", f"/queue/{noop.APP}"])
@pytest.mark.parametrize("body", ["{", '{"a": }', "nonsense", '{"a": "\ud800"}'.encode("utf-8", "surrogatepass"), b"\xff"])
def test_a_body_that_is_no_json_is_refused_with_the_place_of_the_fault(http, route, body):
    answer = http.post(route, content=body, headers={"Content-Type": "application/json"})
    assert "JSON" in explained(answer, 400, 422)


@pytest.mark.parametrize("route", [f"/{noop.APP}", f"/queue/{noop.APP}", "/tokens/", "/storage/upload/initiate"])
def test_deep_json_is_refused_and_names_the_limit(http, route):
    answer = http.post(route, content=f'{{"a": {DEEP}}}', headers={"Content-Type": "application/json"})
    assert re.search("deep|recursion", explained(answer, 400, 413, 422))
    still_answers(http)


@pytest.mark.parametrize("kind", ["text/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_wrong_content_type_is_refused_by_name(http, kind):
    answer = http.post(f"/{noop.APP}", content=b"a=b", headers={"Content-Type": kind})
    text = explained(answer, 400, 415, 422)
    assert kind.split(";")[0] in text and "application/json" in text


def test_an_oversized_body_is_refused_and_names_the_limit(http):
    def endless():
        while True:
            yield b" " * (1 << 20)

    answer = http.post(f"/queue/{noop.APP}", content=endless(), headers={"Content-Type": "application/json"})
    assert "MiB" in explained(answer, 413) or "bytes" in answer.text
    still_answers(http)


def test_a_declared_oversize_is_refused_before_it_is_sent(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
        head = f"POST /{noop.APP} HTTP/1.1\r\nHost: x\r\n{AUTHORIZATION}Content-Type: application/json\r\n"
        raw.sendall(f"{head}Content-Length: 99999999999\r\n\r\n".encode())
        assert raw.recv(64).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("route", [f"/{noop.APP}", f"/queue/{noop.APP}"])
def test_a_truncated_body_submits_nothing(server, http, route):
    before = len(http.get("/v1/requests", params={"limit": 1000}).json()["requests"])
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
        head = f"POST {route} HTTP/1.1\r\nHost: x\r\n{AUTHORIZATION}Content-Type: application/json\r\n"
        raw.sendall(f'{head}Content-Length: 1000\r\n\r\n{{"a": 1'.encode())
        raw.shutdown(socket.SHUT_WR)
        raw.recv(4096)
    still_answers(http)
    after = http.get("/v1/requests", params={"limit": 1000}).json()["requests"]
    assert len([one for one in after if one.get("queued", True)]) <= before + 1


@pytest.mark.parametrize(
    "bytes_sent",
    [
        b"\x00" * 100,
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 1_000_000 + b"\r\n\r\n",
        b"\x16\x03\x01\xff\xff" + b"\x00" * 50,
        b"CONNECT example.com HTTP/1.1\r\n\r\n",
        b"CONNECT :443 HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 100,
    ],
)
def test_bytes_that_are_no_request_do_no_harm(server, http, bytes_sent):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
        try:
            raw.sendall(bytes_sent)
            raw.shutdown(socket.SHUT_WR)
            while raw.recv(65536):
                pass
        except OSError:
            pass
    still_answers(http)


# --- endpoints and inputs --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["", "/queue", "/run"])
def test_an_unknown_endpoint_is_404_with_the_nearest_names(http, prefix):
    text = explained(http.post(f"{prefix}/tintype/skech", json={}), 404)
    assert "tintype/sketch" in text


@pytest.mark.parametrize("name", ["nothing-like-it", "a", "x/%2e%2e/y", "x//y", "tintype/noop/no/such/path"])
def test_other_unknown_endpoints_are_404_or_400(http, name):
    explained(http.post(f"/{name}", json={}), 400, 404)


@pytest.mark.parametrize(
    ("values", "field", "limit"),
    [
        ({"prompt": None}, "prompt", ""),
        ({"prompt": 3}, "prompt", ""),
        ({"prompt": "word " * 100_000}, "prompt", ""),
        ({"image_size": "enormous"}, "image_size", "square_hd"),
        ({"image_size": {"width": 100_000, "height": 256}}, "width", ""),
        ({"image_size": {"width": -1, "height": 256}}, "width", ""),
        ({"image_size": {"width": 256}}, "height", ""),
        ({"num_inference_steps": 0}, "num_inference_steps", "1"),
        ({"num_inference_steps": 100_000}, "num_inference_steps", ""),
        ({"num_images": 0}, "num_images", "1"),
        ({"num_images": 1000}, "num_images", ""),
        ({"guidance_scale": "high"}, "guidance_scale", ""),
        ({"guidance_scale": 1e9}, "guidance_scale", ""),
        ({"seed": "lucky"}, "seed", ""),
        ({"output_format": "bmp"}, "output_format", "png"),
    ],
)
def test_a_bad_value_is_refused_by_its_field_with_what_is_allowed(http, values, field, limit):
    answer = http.post(f"/{sketch.APP}", json=sketch.picture(**values))
    text = explained(answer, 422)
    assert answer.headers["x-fal-billable-units"] == "0"
    entry = answer.json()["detail"][0]
    assert entry["loc"][0] == "body" and field in map(str, entry["loc"])
    assert {"msg", "type"} <= entry.keys() and limit in text


def png_header_only(width: int, height: int) -> bytes:
    """A file of a hundred bytes that claims to be a huge picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


def data_uri(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def real_bomb() -> bytes:
    buffer = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(buffer, "png")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("source", "kinds"),
    [
        (data_uri(png_header_only(60_000, 60_000)), {"image_too_large", "image_load_error", "file_too_large"}),
        (data_uri(real_bomb()), {"image_too_large", "file_too_large"}),
        (data_uri(b"not a picture at all"), {"image_load_error", "unsupported_image_format"}),
        (data_uri(b""), {"image_load_error", "unsupported_image_format"}),
        ("data:image/png;base64,!!!!", {"image_load_error", "file_download_error"}),
        ("data:", {"image_load_error", "file_download_error", "unsupported_image_format"}),
        ("not a url", {"file_download_error", "url_parsing", "image_load_error"}),
        ("ftp://example.com/a.png", {"file_download_error", "url_scheme"}),
        ("file:///etc/passwd", {"file_download_error", "url_scheme"}),
        ("http://127.0.0.1:1/a.png", {"file_download_error"}),
        ("http://localhost/a.png", {"file_download_error"}),
        ("http://[::1]/a.png", {"file_download_error"}),
        ("http://169.254.169.254/latest/meta-data/", {"file_download_error"}),
        ("http://10.0.0.1/a.png", {"file_download_error"}),
        ("http://0x7f000001/a.png", {"file_download_error"}),
        ("http://[::ffff:127.0.0.1]/a.png", {"file_download_error"}),
        ("http://0.0.0.0/a.png", {"file_download_error"}),
    ],
)
def test_a_hostile_picture_is_refused_with_its_reason(http, source, kinds):
    started = time.monotonic()
    answer = http.post(f"/{sketch.IMAGE_TO_IMAGE}", json=sketch.picture(image_url=source, strength=0.5))
    explained(answer, 422)
    entry = answer.json()["detail"][0]
    assert entry["type"] in kinds, entry
    assert "image_url" in entry["loc"] and time.monotonic() - started < 20


def test_a_picture_of_another_account_is_not_read(http):
    """A file that a stranger may not read is not readable through an input either."""
    token = http.post("/storage/auth/token?storage_type=fal-cdn-v3", json={}).json()["token"]
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "image/png",
        "X-Fal-Object-Lifecycle": '{"initial_acl": {"default": "forbid"}}',
    }
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64)).save(buffer, "png")
    url = httpx.post(f"{http.base_url}/files/upload", content=buffer.getvalue(), headers=headers).json()["access_url"]
    assert httpx.get(url).status_code == 403
    own = http.post(f"/{sketch.IMAGE_TO_IMAGE}", json=sketch.picture(image_url=url, strength=0.5))
    assert own.status_code == 200, "the owner reads the file as an input"


# --- downloads, with a server that may read from this machine ----------------------------------------------------------


@pytest.fixture(scope="module")
def open_server():
    """Its policy lets inputs come from this machine, so that hostile sources can be played here."""
    with Server("--downloads", "public,loopback") as running:
        yield running


def download(server: Server, url: str) -> httpx.Response:
    body = sketch.picture(image_url=url, strength=0.5)
    headers = {"Authorization": f"Key {KEY}"}
    return httpx.post(f"{server.url}/{sketch.IMAGE_TO_IMAGE}", json=body, headers=headers, timeout=120)


def picture_bytes() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), (0, 0, 255)).save(buffer, "png")
    return buffer.getvalue()


def test_the_policy_of_the_operator_lets_an_address_in(open_server):
    with Receiver(lambda _, handler: reply(handler, 200, picture_bytes(), Content_Type="image/png")) as source:
        assert download(open_server, f"{source.url}/a.png").status_code == 200


def test_a_redirect_to_an_internal_address_is_refused(open_server):
    def redirect(_: Delivery, handler) -> None:
        reply(handler, 302, Location="http://169.254.169.254/latest/meta-data/")

    with Receiver(redirect) as source:
        answer = download(open_server, f"{source.url}/a.png")
    explained(answer, 422)
    assert answer.json()["detail"][0]["type"] == "file_download_error" and "169.254" in answer.text


def test_redirects_without_end_are_refused(open_server):
    def redirect(delivery: Delivery, handler) -> None:
        reply(handler, 302, Location=f"{source.url}{delivery.path}x")

    with Receiver(redirect) as source:
        explained(download(open_server, f"{source.url}/a"), 422)
        assert len(source.deliveries) < 25


def test_an_endless_download_is_cut_at_its_limit(open_server):
    def pour(_: Delivery, handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b"\0" * (1 << 20))

    with Receiver(pour) as source:
        answer = download(open_server, f"{source.url}/a.png")
    explained(answer, 422)
    assert answer.json()["detail"][0]["type"] == "file_too_large"


@pytest.mark.slow
def test_a_download_that_trickles_is_given_up(open_server):
    def trickle(_: Delivery, handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        handler.wfile.write(b"\x89PNG")
        handler.rfile.read(1)

    with Receiver(trickle) as source:
        answer = download(open_server, f"{source.url}/a.png")
    explained(answer, 422)
    assert answer.json()["detail"][0]["type"] == "file_download_error"


# --- callers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", [None, "Key", "Key :", "Key nonsense", "Key test:wrong", "Bearer x", "Basic dGVzdDpz"])
@pytest.mark.parametrize("route", [f"/{noop.APP}", f"/queue/{noop.APP}", "/tokens/"])
def test_a_missing_or_wrong_key_is_401_and_says_what_to_do(server, header, route):
    headers = {"Authorization": header} if header else {}
    answer = httpx.post(f"{server.url}{route}", json={}, headers=headers)
    assert "key" in explained(answer, 401).lower()


@pytest.mark.parametrize("seconds", ["soon", "-1", "nan", "1e400", ""])
def test_a_malformed_start_timeout_is_400_and_names_the_header(http, seconds):
    answer = http.post(f"/queue/{noop.APP}", json={}, headers={"X-Fal-Request-Timeout": seconds})
    assert "x-fal-request-timeout" in explained(answer, 400).lower()


def test_callers_that_vanish_give_their_slots_back(http, server):
    def vanish(_: int) -> None:
        with socket.create_connection(("127.0.0.1", server.port)) as raw:
            body = json.dumps(noop.slow(60)).encode()
            head = f"POST /{noop.APP} HTTP/1.1\r\nHost: x\r\n{AUTHORIZATION}Content-Type: application/json\r\n"
            raw.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        list(pool.map(vanish, range(200)))
    until(lambda: http.post(f"/{noop.APP}", json=noop.echo(), timeout=20).status_code == 200, seconds=30)


def test_a_request_that_keeps_killing_its_runner_is_set_aside(http):
    answer = http.post(f"/queue/{noop.APP}", json=noop.crashing())
    url = f"/queue/{noop.APP}/requests/{answer.json()['request_id']}"
    status = until(
        lambda: (one := http.get(f"{url}/status")).status_code == 200 and one.json(), seconds=90, what="the poison to end"
    )
    assert status["outcome"] == "failed" and status["error_type"].startswith("runner_") and status["error"]
    until(lambda: http.post(f"/{noop.APP}", json=noop.echo(), timeout=60).status_code == 200, seconds=60)


# --- the machine -----------------------------------------------------------------------------------------------------


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of a few megabytes."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", folder], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: Path) -> Path:
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 65536)
        except OSError:
            pass
        try:
            while True:
                file.write(b"\0" * 512)
        except OSError:
            return ballast


def test_a_full_disk_refuses_new_work_and_keeps_the_old(tiny_disk):
    with Server(data=tiny_disk / "data") as server:
        with httpx.Client(base_url=server.url, headers={"Authorization": f"Key {KEY}"}, timeout=30) as http:
            kept = http.post(f"/queue/{noop.APP}", json=noop.echo(seed=77)).json()["request_id"]
            url = f"/queue/{noop.APP}/requests/{kept}"
            until(lambda: http.get(f"{url}/status").status_code == 200, what="the first request")
            ballast = fill(tiny_disk)
            refused = until(
                lambda: (one := http.post(f"/queue/{noop.APP}", json={"x": os.urandom(99_000).hex()})).status_code != 200
                and one,
                what="a refusal",
            )
            text = explained(refused, 503, 507)
            assert "disk" in text or "space" in text
            assert http.get(url).status_code == 200
            ballast.unlink()
            until(lambda: http.post(f"/queue/{noop.APP}", json={}).status_code == 200, what="work to be accepted again")
            assert http.get(url).status_code == 200


def test_a_data_folder_that_cannot_be_written_is_named(tmp_path):
    folder = tmp_path / "readonly"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,size=1m", "tmpfs", folder], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("mounting a read-only file system needs root")
    try:
        with pytest.raises((RuntimeError, OSError)) as raised:
            Server(data=folder / "data")
        assert str(folder) in str(raised.value)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_second_server_on_one_data_folder_says_so_and_ends(tmp_path):
    with Server(data=tmp_path / "data") as first:
        with pytest.raises(RuntimeError) as raised:
            Server(data=tmp_path / "data")
        assert str(first.process.pid) in str(raised.value)
        assert httpx.get(f"{first.url}/health").status_code == 200


def test_an_address_that_others_can_reach_is_refused_without_tls(tmp_path):
    with pytest.raises(RuntimeError) as raised:
        Server(data=tmp_path / "data", listen="0.0.0.0:0")
    assert "0.0.0.0" in str(raised.value)
