"""Fixtures: one server for the whole run, with the released `fal` command pointed at it."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
# Read when `fal` is imported: this process speaks plain text to loopback, like the commands that it starts.
os.environ["ISOLATE_TEST_MODE"] = "1"

from typing import Iterator  # noqa: E402

import pytest  # noqa: E402
from support.server import Server  # noqa: E402

from cloud import Cloud, Deployed, serve  # noqa: E402


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with serve() as running:
        yield running


@pytest.fixture(scope="session")
def cloud(server: Server) -> Iterator[Cloud]:
    pointed = Cloud(server)
    yield pointed
    pointed.close()


@pytest.fixture
def fresh() -> Iterator[Cloud]:
    """A server on which nothing has been deployed."""
    with serve() as running:
        pointed = Cloud(running)
        yield pointed
        pointed.close()


@pytest.fixture(scope="session")
def workshop(cloud: Cloud) -> Deployed:
    """The app that most tests call: every kind of endpoint in one."""
    return cloud.deploy("workshop.py::Workshop")
