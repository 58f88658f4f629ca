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


def events(*values: Any, delay: float = 0, **last: Any) -> dict[str, Any]:
    """Streams `values`, and then the input itself, of which `last` is a part."""
    return {"events": list(values), "interval_ms": int(delay * 1000), **last}


def text(content: str, content_type: str = "text/plain") -> dict[str, Any]:
    """An answer with exactly this content."""
    return {"text": content, "headers": {"content-type": content_type}}


def crashing(how: str = "abort") -> dict[str, Any]:
    """`exit`, `abort`, `memory`, `hang` or `disconnect`."""
    return {"crash": how}
