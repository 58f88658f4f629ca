"""Fixtures: one server for the whole run, and clients that know nothing of it but its address."""

from __future__ import annotations

from typing import Iterator

import fal_client
import httpx
import pytest

from support.clients import pointed_at, sync_client
from support.fault_proxy import FaultProxy
from support.server import KEY, Server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def fal(server: Server) -> Iterator[fal_client.SyncClient]:
    """The released Python client, pointed at the server over plain HTTP."""
    with pointed_at(server.url):
        yield sync_client()


@pytest.fixture
def proxy(server: Server) -> Iterator[FaultProxy]:
    with FaultProxy(server.port) as running:
        yield running


@pytest.fixture
def proxied(proxy: FaultProxy) -> Iterator[fal_client.SyncClient]:
    """The same client, with the recording proxy in between."""
    with pointed_at(proxy.url):
        yield sync_client()


@pytest.fixture
def http(server: Server) -> Iterator[httpx.Client]:
    """Plain HTTP with the key, for tests in which the raw bytes matter."""
    with httpx.Client(base_url=server.url, headers={"Authorization": f"Key {KEY}"}, timeout=60) as client:
        yield client
