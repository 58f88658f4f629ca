"""An app whose set-up takes its time, one request at a time."""

import asyncio
import os
import time

import fal
from pydantic import BaseModel

SETUP_SECONDS = 0


class Seconds(BaseModel):
    seconds: float = 0


class Sleeper(fal.App, keep_alive=120, max_concurrency=2, termination_grace_period_seconds=5):
    def setup(self):
        print("setting up")
        time.sleep(SETUP_SECONDS)

    def handle_exit(self):
        print("told to go")

    def teardown(self):
        print("torn down")

    @fal.endpoint("/")
    async def sleep(self, input: Seconds) -> dict:
        await asyncio.sleep(input.seconds)
        return {"slept": input.seconds, "runner": os.environ["FAL_JOB_ID"]}
