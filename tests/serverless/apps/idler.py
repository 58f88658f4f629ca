"""An app that is not kept for long."""

import os

import fal


class Idler(fal.App, keep_alive=2, max_concurrency=2):
    @fal.endpoint("/")
    def run(self) -> dict:
        return {"pid": os.getpid(), "runner": os.environ["FAL_JOB_ID"]}
