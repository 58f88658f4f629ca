"""The same unmodified program through every way of leading it here: row 31, ways P1 to P4."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support import names
from support.server import KEY, Server, binary, clean_environment

PROGRAM = Path(__file__).parent / "programs" / "everything.py"
ALL = ["run", "subscribe", "queue", "cancel", "stream", "realtime", "socket", "upload", "async"]


def outcome(command: list[str], **environment: str) -> list[str]:
    environment = clean_environment(FAL_KEY=KEY, **environment)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split()


def exec_environment(server: Server) -> dict[str, str]:
    """What `tintype exec` gives to the program that it runs."""
    command = [str(binary()), "exec", "--", "env", "-0"]
    environment = clean_environment(TINTYPE_URL=server.url, FAL_KEY=KEY)
    environment["TINTYPE_DATA"] = str(server.data)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return dict(pair.split("=", 1) for pair in done.stdout.split("\0") if "=" in pair)


def test_p1_host_variables_and_a_private_authority(server):
    authority = exec_environment(server)["SSL_CERT_FILE"]
    hosts = {"FAL_RUN_HOST": f"localhost:{server.port}", "FAL_QUEUE_RUN_HOST": f"localhost:{server.port}/queue"}
    options = ["--without-rest", "--without-tokens"]
    worked = outcome([sys.executable, str(PROGRAM), *options], SSL_CERT_FILE=authority, **hosts)
    assert worked == [one for one in ALL if one != "upload"]


def test_p2_a_proxy_variable_and_a_private_authority(server):
    authority = exec_environment(server)["SSL_CERT_FILE"]
    assert outcome([sys.executable, str(PROGRAM)], HTTPS_PROXY=server.url, SSL_CERT_FILE=authority) == ALL


@pytest.mark.skipif(not names.available(), reason="needs the right to make a network namespace")
def test_p3_names_that_lead_here(tmp_path):
    own = f"{binary()} exec -- printenv SSL_CERT_FILE"
    find = f"export SSL_CERT_FILE=$(TINTYPE_DATA={tmp_path}/data {own})"
    command = names.script(tmp_path, f"{binary()} serve", f"{find}; {sys.executable} {PROGRAM}")
    assert outcome(command, TINTYPE_ADMIN_KEY=KEY) == ALL


def test_p4_constants_set_by_a_start_up_hook(server):
    hook = Path(__file__).parent / "programs" / "plain_http"
    assert outcome([sys.executable, str(PROGRAM)], PYTHONPATH=str(hook), PLAIN_HTTP_URL=server.url) == ALL


def test_the_older_names_and_the_backup_names_lead_here_too(server):
    authority = exec_environment(server)["SSL_CERT_FILE"]
    program = (
        "import httpx, sys\n"
        "for host in sys.argv[1:]:\n"
        "    answer = httpx.get(f'https://{host}/.well-known/jwks.json' if 'rest' in host else f'https://{host}/health')\n"
        "    print(host, answer.status_code)\n"
    )
    hosts = ["rest.alpha.fal.ai", "rest.fal.ai", "falrun.com", "queue.falrun.com", "fal.run"]
    command = [sys.executable, "-c", program, *hosts]
    lines = outcome(command, HTTPS_PROXY=server.url, SSL_CERT_FILE=authority)
    assert lines[::2] == hosts and set(lines[1:4:2]) == {"200"}


def test_the_authority_vouches_for_nothing_but_the_fal_names(server):
    from cryptography import x509

    # The server's own authority comes last, behind those of the system.
    last = Path(exec_environment(server)["SSL_CERT_FILE"]).read_bytes().rsplit(b"-----BEGIN", 1)[1]
    authority = x509.load_pem_x509_certificate(b"-----BEGIN" + last)
    assert b"intype" in authority.subject.public_bytes()
    constraints = authority.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    permitted = {name.value for name in constraints.value.permitted_subtrees if isinstance(name, x509.DNSName)}
    assert {"fal.run", "fal.ai", "fal.media"} & {name.lstrip(".") for name in permitted}
    assert not {"", ".", "com", "ai", "run"} & permitted
