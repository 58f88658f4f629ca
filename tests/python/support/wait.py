"""Waiting for a condition instead of for a time."""

from __future__ import annotations

import time
from typing import Callable, TypeVar

T = TypeVar("T")


def until(condition: Callable[[], T], *, seconds: float = 20, what: str = "") -> T:
    """The first true value of `condition`; fails with its last value when time is up."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"still waiting after {seconds} s for {what or condition}: last value {value!r}")
        time.sleep(0.01)
