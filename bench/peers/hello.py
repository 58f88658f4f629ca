"""The smallest app."""

import fal
from pydantic import BaseModel


class Words(BaseModel):
    prompt: str = ""
    seed: int = 0


class Hello(fal.App, keep_alive=600, max_concurrency=1, max_multiplexing=64):
    @fal.endpoint("/")
    async def run(self, input: Words) -> Words:
        return input
