"""Apps that may see all default secrets, some, or none."""

import os

import fal


def seen() -> dict:
    return {name: value for name, value in os.environ.items() if name.startswith("TT_")}


class SeesDefaults(fal.App, keep_alive=120):
    @fal.endpoint("/")
    def run(self) -> dict:
        return seen()


class SeesOne(fal.App, keep_alive=120):
    secrets = ["TT_HIDDEN"]

    @fal.endpoint("/")
    def run(self) -> dict:
        return seen()


class SeesNone(fal.App, keep_alive=120):
    secrets = []

    @fal.endpoint("/")
    def run(self) -> dict:
        return seen()
