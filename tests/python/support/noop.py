"""The diagnostic app's input, in one place: what `tintype/noop` can be told to do."""

from __future__ import annotations

from typing import Any

APP = "tintype/noop"
OTHER_PATH = "tintype/noop/sub"


def echo(**values: Any) -> dict[str, Any]:
    """An input that does nothing but come back."""
    return values


def slow(seconds: float, **values: Any) -> dict[str, Any]:
    return {"sleep_ms": int(seconds * 1000), **values}


def failing(status: int, body: Any = None, **values: Any) -> dict[str, Any]:
    return {"status": status, **({"body": body} if body is not None else {}), **values}


def logging(*lines: str, **values: Any) -> dict[str, Any]:
    return {"logs": list(lines), **values}


def events(*values: Any, delay: float = 0, **options: Any) -> dict[str, Any]:
    return {"events": list(values), "event_delay_ms": int(delay * 1000), **options}


def crashing(**values: Any) -> dict[str, Any]:
    return {"crash": True, **values}
