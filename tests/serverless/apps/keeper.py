"""An app with something in memory that a new process would not have."""

import asyncio
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import fal
from fal.toolkit import File
from pydantic import BaseModel

KEEP_ALIVE = 300


class Seconds(BaseModel):
    seconds: float = 0
    name: str = "runs"


class Keeper(fal.App, keep_alive=KEEP_ALIVE, max_concurrency=1):
    machine_type = "S"

    def setup(self):
        self.born, self.count = uuid.uuid4().hex, 0

    @fal.endpoint("/")
    def tell(self) -> dict:
        self.count += 1
        print(f"call {self.count}")
        return {"born": self.born, "count": self.count}

    @fal.endpoint("/slow")
    async def slow(self, input: Seconds) -> dict:
        with Path("/data", input.name).open("a") as runs:
            runs.write(f"{self.born}\n")
        print(f"{input.name} has begun")
        await asyncio.sleep(input.seconds)
        return {"born": self.born}

    @fal.endpoint("/runs")
    def runs(self, input: Seconds) -> dict:
        return {"runs": Path("/data", input.name).read_text().split()}

    @fal.endpoint("/out")
    def out(self) -> dict:
        """By the way out to the server, whatever it answers, and through the socket for files."""
        try:
            with urllib.request.urlopen("https://queue.fal.run/no/such/app", timeout=30) as answer:
                status = answer.status
        except urllib.error.HTTPError as error:
            status = error.code
        return {"status": status, "file": File.from_bytes(b"kept", file_name="kept.txt").url}
