"""Pointing the released Python client at a server inside this process (way P4 of the contract)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Iterator

import fal_client
from fal_client import client as constants

from .server import KEY

NAMES = ("RUN_URL_FORMAT", "QUEUE_URL_FORMAT", "REALTIME_URL_FORMAT", "REST_URL", "CDN_URL")


@contextmanager
def pointed_at(url: str) -> Iterator[None]:
    """Sets the five module constants for the duration of the block."""
    before = {name: getattr(constants, name) for name in NAMES}
    constants.RUN_URL_FORMAT = f"{url}/"
    constants.QUEUE_URL_FORMAT = f"{url}/queue/"
    constants.REALTIME_URL_FORMAT = f"{url.replace('http', 'ws', 1)}/"
    constants.REST_URL = url
    constants.CDN_URL = url
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(constants, name, value)


def sync_client(key: str = KEY) -> fal_client.SyncClient:
    return fal_client.SyncClient(key=key)


def async_client(key: str = KEY) -> fal_client.AsyncClient:
    return fal_client.AsyncClient(key=key)
