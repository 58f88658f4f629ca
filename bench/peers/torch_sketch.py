"""Draws one picture for each line read, with the recipe's own network and sampler: torch_sketch.py HOME PROMPT"""

import json
import sys
import time
from pathlib import Path

import torch

home = Path(sys.argv[1])
sys.path.insert(0, str(home / "recipe"))

from export import load  # noqa: E402
from sampler import sample, seeded_noise  # noqa: E402

sketch, refine = load(home / "weights.safetensors")


@torch.inference_mode()
def draw() -> None:
    picture = sample(sketch, [sys.argv[2]], seeded_noise(1))
    refine(picture).clamp(-1, 1)


for _ in sys.stdin:
    began = time.perf_counter()
    draw()
    print(json.dumps({"seconds": time.perf_counter() - began}), flush=True)
