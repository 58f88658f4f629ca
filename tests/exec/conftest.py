"""The same server fixture as the Python suite, from the same place."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))

from typing import Iterator  # noqa: E402

import pytest  # noqa: E402
from support.server import Server  # noqa: E402


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running
