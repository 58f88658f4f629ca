"""A small app that is deployed many times under many names."""

import fal


class Member(fal.App, keep_alive=10, max_concurrency=1):
    requirements = ["pyjokes==0.5.0"]

    @fal.endpoint("/")
    def run(self) -> dict:
        return {"ok": True}
