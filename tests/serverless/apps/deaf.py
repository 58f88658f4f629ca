"""An app whose server listens where nobody asks: it never opens its port."""

import asyncio

import fal


class Deaf(fal.App, startup_timeout=4):
    async def serve(self, **_):
        print("listening to nobody")
        await asyncio.sleep(3600)

    @fal.endpoint("/")
    def run(self) -> dict:
        return {}
