"""Download of a file of 100 MB, against nginx serving the same bytes."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

import httpx
from support.server import Server

from .table import Row
from .tools import HEADERS, answers, free_port, in_turns, peer, running

SIZE = 100_000_000
NGINX = """
daemon off; pid {folder}/nginx.pid; error_log /dev/null; worker_processes auto;
events {{ worker_connections 256; }}
http {{
    access_log off; sendfile on; tcp_nopush on; client_body_temp_path {folder}; proxy_temp_path {folder};
    fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
    server {{ listen 127.0.0.1:{port}; root {folder}/files; }}
}}
"""


@contextmanager
def nginx(data: bytes) -> Iterator[str]:
    port = free_port()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # Its workers run as another user.
        folder.chmod(0o755)
        (folder / "files").mkdir()
        (folder / "files" / "big.bin").write_bytes(data)
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port))
        path = "/usr/sbin/nginx"
        with running(path, "-c", folder / "nginx.conf", "-p", folder, ready=lambda: answers(port)):
            yield f"http://127.0.0.1:{port}/big.bin"


def upload(server: Server, data: bytes) -> str:
    token = httpx.post(f"{server.url}/storage/auth/token?storage_type=fal-cdn-v3", json={}, headers=HEADERS).json()
    headers = {"Authorization": f"Bearer {token['token']}", "Content-Type": "application/octet-stream"}
    return httpx.post(f"{server.url}/files/upload", content=data, headers=headers, timeout=60).json()["access_url"]


def run() -> Iterator[Row]:
    data = os.urandom(SIZE)
    with Server() as server, nginx(data) as theirs:
        ours = upload(server, data)
        for connections in (1, 4):
            def rate(url: str) -> float:
                options = ["--times", 12 // connections, "--connections", connections]
                return peer("fetch", "--url", url, *options)["megabytes_per_second"]

            rates = in_turns({"ours": lambda: rate(ours), "nginx": lambda: rate(theirs)})
            what = f"100 MB download, {connections} at a time"
            yield Row(what, rates["ours"], "MB/s", rates["nginx"], "nginx", ">= 0.9")
