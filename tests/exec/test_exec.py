"""`tintype exec -- CMD`: programs written for fal, unchanged, in whatever language, reach this server."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from support.server import KEY, ROOT, Server, binary, clean_environment

PYTHON = ROOT / "tests" / "python" / "programs"
NODE = ROOT / "tests" / "node" / "programs" / "everything.mjs"
PYTHON_ALL = ["run", "subscribe", "queue", "cancel", "stream", "realtime", "socket", "upload", "async"]
NODE_ALL = ["run", "queue", "status-stream", "cancel", "stream", "upload", "realtime"]

OTHERS = ROOT / "tests" / "node" / "node_modules"
NODES = ["node", *(str(OTHERS / f"node-{major}" / "bin" / "node") for major in (18, 22, 24))]

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


def under_exec(server: Server, *command: object, key: str | None = None, **environment: str):
    """Runs a command as a user would: by `tintype exec`, with the address in `TINTYPE_URL`."""
    own = clean_environment(TINTYPE_URL=server.url, TINTYPE_DATA=str(server.data), **environment)
    own |= {"FAL_KEY": key} if key else {}
    words = [str(binary()), "exec", "--", *map(str, command)]
    return subprocess.run(words, env=own, capture_output=True, text=True, timeout=120)


def worked(done: subprocess.CompletedProcess) -> list[str]:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split()


def test_a_python_program_runs_unchanged(server):
    assert worked(under_exec(server, sys.executable, PYTHON / "everything.py")) == PYTHON_ALL


def test_a_program_of_the_older_helper_runs_unchanged(server):
    assert worked(under_exec(server, sys.executable, PYTHON / "legacy_apps.py"))[-1] == "socket"


@needs_node
@pytest.mark.parametrize("node", NODES, ids=["installed", "18", "22", "24"])
def test_a_node_program_runs_unchanged_websocket_included(server, node):
    if shutil.which(node) is None:
        pytest.skip("this Node is not to be had on this kind of machine")
    assert worked(under_exec(server, node, NODE)) == NODE_ALL


@needs_curl
def test_curl_reaches_the_server_by_the_hosted_name(server):
    answer = "curl -sS --fail-with-body https://fal.run/tintype/noop -H \"Authorization: Key $FAL_KEY\" -d '{\"a\":1}' "
    answer += "-H 'Content-Type: application/json'"
    assert json.loads("".join(worked(under_exec(server, "sh", "-c", answer)))) == {"a": 1}


@needs_curl
def test_curl_over_http2_and_the_queues_name(server):
    line = "curl -sS --http2 -o /dev/null -w '%{http_code}' -X POST https://queue.fal.run/tintype/noop "
    line += '-H "Authorization: Key $FAL_KEY"'
    assert worked(under_exec(server, "sh", "-c", line)) == ["200"]


def test_the_key_of_the_caller_wins_over_the_local_one(server):
    assert worked(under_exec(server, "printenv", "FAL_KEY")) == [KEY]
    assert worked(under_exec(server, "printenv", "FAL_KEY", key="mine:own")) == ["mine:own"]


def test_other_hosts_are_reached_untouched(server):
    """Traffic that is not fal's is tunnelled to where it goes: a plain echo on this machine stands for it."""

    class Echo(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"elsewhere")

        def log_message(self, *_: object) -> None:
            pass

    other = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    Thread(target=other.serve_forever, daemon=True).start()
    script = (
        "import socket, urllib.parse, os, sys\n"
        "proxy = urllib.parse.urlsplit(os.environ['HTTPS_PROXY'])\n"
        "raw = socket.create_connection((proxy.hostname, proxy.port))\n"
        "raw.sendall(b'CONNECT 127.0.0.1:%d HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n' % int(sys.argv[1]))\n"
        "assert b' 200 ' in raw.recv(4096)\n"
        "raw.sendall(b'GET / HTTP/1.0\\r\\n\\r\\n')\n"
        "data = b''\n"
        "while part := raw.recv(4096): data += part\n"
        "print(data.split(b'\\r\\n\\r\\n')[1].decode())\n"
    )
    try:
        assert worked(under_exec(server, sys.executable, "-c", script, other.server_address[1])) == ["elsewhere"]
    finally:
        other.shutdown()


def test_the_status_and_the_signals_of_the_program_are_its_own(server):
    assert under_exec(server, "sh", "-c", "exit 7").returncode == 7
    ended = under_exec(server, "sh", "-c", "kill -TERM $$").returncode
    assert ended in {-signal.SIGTERM, 128 + signal.SIGTERM}


def test_a_command_that_does_not_exist_is_named(server):
    done = under_exec(server, "no-such-command-here")
    assert done.returncode in {126, 127} and "no-such-command-here" in done.stderr


def test_a_server_that_does_not_run_is_reported_with_what_to_do():
    environment = clean_environment(TINTYPE_URL="http://127.0.0.1:9")
    words = [str(binary()), "exec", "--", "true"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=30)
    assert done.returncode != 0 and "tintype serve" in done.stderr and "127.0.0.1:9" in done.stderr


@needs_node
@pytest.mark.parametrize("module", ["http", "https"])
def test_node_reaches_other_hosts_as_before(server, module):
    """The preload touches the fal names alone."""
    script = (
        f"const m=require('{module}');"
        f"m.get('{module}://127.0.0.1:9/',()=>{{}}).on('error',e=>console.log(e.code))"
    )
    assert worked(under_exec(server, "node", "-e", script)) == ["ECONNREFUSED"]


def test_programs_of_the_fal_command_line_see_the_server(server):
    script = "import fal.flags as f, os; print(f.FAL_RUN_HOST, os.environ['FAL_KEY'])"
    assert worked(under_exec(server, sys.executable, "-c", script)) == ["fal.run", KEY]


def test_the_working_directory_and_arguments_are_kept(server, tmp_path):
    script = Path(tmp_path / "show.sh")
    script.write_text('#!/bin/sh\nprintf "%s\\n" "$PWD" "$@"\n')
    script.chmod(0o755)
    own = clean_environment(TINTYPE_URL=server.url, TINTYPE_DATA=str(server.data))
    words = [str(binary()), "exec", "--", str(script), "a b", "--help", "--", "$HOME"]
    done = subprocess.run(words, env=own, cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert done.stdout.splitlines() == [str(tmp_path), "a b", "--help", "--", "$HOME"]
