"""One picture of `tintype/sketch`, against the same network in PyTorch on the same cores.

`TORCH_PYTHON` names a Python that has the packages of `models/sketch/recipe/requirements.txt`.
"""

from __future__ import annotations

import json
import os
import subprocess
from typing import Iterator

from support.server import ROOT, Server

from .table import Row
from .tools import HERE, in_turns, warm

PROMPT = "a red circle on the left of a blue square"


def run() -> Iterator[Row]:
    python = os.environ.get("TORCH_PYTHON")
    if not python:
        raise RuntimeError("set TORCH_PYTHON to a Python with the packages of models/sketch/recipe/requirements.txt")
    words = [python, str(HERE / "peers" / "torch_sketch.py"), str(ROOT / "models" / "sketch"), PROMPT]
    torch = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with torch, Server() as server:
        body = {"prompt": PROMPT, "seed": 1, "sync_mode": True, "image_size": {"width": 256, "height": 256}}

        def ours() -> float:
            return warm(server, "tintype/sketch", body)["timings"]["inference"]

        def theirs() -> float:
            torch.stdin.write("draw\n")
            torch.stdin.flush()
            return json.loads(torch.stdout.readline())["seconds"]

        ours(), theirs()
        seconds = in_turns({"ours": ours, "torch": theirs})
        torch.stdin.close()
    yield Row("one picture, 256 x 256", seconds["ours"], "s", seconds["torch"], "PyTorch", ">= 1.0", less=True)
