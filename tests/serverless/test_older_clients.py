"""Clients of last year and of the year before: they say less, and deploy all the same."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from support.server import ROOT

from cloud import Cloud

FOLDER = ROOT / "target" / "clients"


def installed(version: str) -> Path:
    """The `fal` command of one version, in an environment of its own."""
    home = FOLDER / f"fal-{version}-{hashlib.sha256(sys.version.encode()).hexdigest()[:8]}"
    if not (home / ".complete").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
        pip = [str(home / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
        done = subprocess.run([*pip, f"fal=={version}"], capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"fal {version} does not install here: {done.stderr.splitlines()[-1:]}")
        (home / ".complete").touch()
    return home / "bin" / "fal"


class Older(Cloud):
    def environment(self, **extra: str) -> dict[str, str]:
        own = super().environment(**extra)
        # The oldest one knows one name for the host alone.
        return own | {"FAL_HOST": own["FAL_GRPC_HOST"], "FAL_RUN_HOST": own["FAL_GRPC_HOST"]}


@pytest.mark.slow
@pytest.mark.parametrize("version", ["1.60.0", "1.20.0"])
def test_an_older_client_deploys_an_app_that_answers(server, version, tmp_path):
    older = Older(server, fal=installed(version))
    name = f"from-{version.replace('.', '-')}"
    source = tmp_path / "elder.py"
    source.write_text(
        "import fal\nfrom pydantic import BaseModel\n\n\nclass Word(BaseModel):\n    word: str\n\n\n"
        "class Elder(fal.App, keep_alive=30):\n    @fal.endpoint('/')\n"
        "    def run(self, input: Word) -> dict:\n        return {'word': input.word}\n"
    )
    done = older.fal("deploy", f"{source}::Elder", "--app-name", name, cwd=tmp_path)
    assert name in done.said
    answer = older.call(older.url(name), body={"word": "old"})
    assert answer.status_code == 200 and answer.json() == {"word": "old"}, answer.text
    assert name in older.fal("apps", "list").said
    older.fal("apps", "delete", name)
    older.close()
