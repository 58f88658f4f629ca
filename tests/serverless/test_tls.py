"""Row 20: configuration B, over TLS with the server's own authority."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloud import Cloud


class Encrypted(Cloud):
    """The client without its test mode: gRPC and REST by TLS, trusting one authority."""

    def environment(self, **extra: str) -> dict[str, str]:
        authority = str(self.authority)
        plain = super().environment(GRPC_DEFAULT_SSL_ROOTS_FILE_PATH=authority, SSL_CERT_FILE=authority)
        plain.pop("ISOLATE_TEST_MODE")
        return plain | extra

    @property
    def authority(self) -> Path:
        return self.server.data / "tls" / "authority.pem"


@pytest.fixture(scope="module")
def encrypted(server):
    pointed = Encrypted(server)
    yield pointed
    pointed.close()


def test_an_app_is_deployed_over_tls(encrypted):
    app = encrypted.deploy("greeter.py::Greeter", "--app-name", "sealed")
    assert encrypted.call(app, body={"name": "x"}).json()["version"] == "one"
    assert "https://" in encrypted.fal("deploy", "greeter.py::Greeter", "--app-name", "sealed").said


def test_files_runners_and_whoami_work_over_tls(encrypted, tmp_path):
    assert encrypted.owner in encrypted.fal("auth", "whoami").said
    (tmp_path / "sealed.txt").write_text("over tls")
    encrypted.fal("files", "upload", tmp_path / "sealed.txt", "/data/sealed.txt")
    encrypted.fal("files", "rm", "/data/sealed.txt")
    assert encrypted.fal("runners", "list", "--output", "json").json()["runners"] is not None


def test_a_client_that_does_not_trust_the_authority_is_told_so(encrypted):
    done = encrypted.try_fal("apps", "list", GRPC_DEFAULT_SSL_ROOTS_FILE_PATH="/dev/null")
    assert done.code == 1
