"""The same echo in FastAPI."""

from typing import Any

from fastapi import Body, FastAPI

app = FastAPI()


@app.post("/")
async def echo(values: dict[str, Any] = Body(...)) -> dict[str, Any]:
    return values
