"""Fixtures: one server for the whole run, and the models of its gallery behind plain HTTP."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))

from typing import Iterator  # noqa: E402

import httpx  # noqa: E402
import pytest  # noqa: E402
from support.server import KEY, Server  # noqa: E402

from gallery import Gallery  # noqa: E402


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture(scope="session")
def http(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=server.url, headers={"Authorization": f"Key {KEY}"}, timeout=120, trust_env=False
    ) as client:
        yield client


@pytest.fixture(scope="session")
def gallery(http: httpx.Client) -> Gallery:
    return Gallery(http)
