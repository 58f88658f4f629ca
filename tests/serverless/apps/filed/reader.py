"""An app that reads files which travel with it, and imports a module out of them."""

import os
from pathlib import Path

import fal


class Reader(fal.App, keep_alive=120):
    app_files = ["words", "helper.py"]

    @fal.endpoint("/")
    def run(self) -> dict:
        import helper

        text = Path("words/greeting.txt").read_text()
        mode = oct(os.stat("words/tool.sh").st_mode & 0o777)
        return {"text": text, "helped": helper.shout(text), "mode": mode, "cwd": os.getcwd()}
