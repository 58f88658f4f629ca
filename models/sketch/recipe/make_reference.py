"""Writes `reference/reference.safetensors`: what this model must give, for other engines to be compared with.

Computed in float32 from the float16 weights, on one thread, for two prompts of one batch each.
"""

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from export import HOME, load
from sampler import sample, seeded_noise
from words import encode

CASES = (
    {"prompt": "a red circle to the left of a blue square on a white background", "negative": "", "seed": 7, "guidance": 3.0},
    {"prompt": "three small yellow stars on a navy background", "negative": "gray background", "seed": 2024, "guidance": 2.0},
)
STEPS = 6


def case(number: int, given: dict, networks: tuple) -> dict[str, torch.Tensor]:
    """Every stage of one prompt, under the prefix of its number."""
    sketch, refine = networks
    noise, trace = seeded_noise(given["seed"]), []
    ids = torch.tensor([encode(given["prompt"])])
    words, pooled, _ = sketch.read(ids)
    final = sample(sketch, [given["prompt"]], noise, given["negative"], STEPS, given["guidance"], trace=trace)
    level = torch.tensor([0.75])
    stages = {
        "ids": ids, "negative_ids": torch.tensor([encode(given["negative"])]), "noise": noise, "words": words, "pooled": pooled,
        "clean_at_0.75": sketch(noise, level, ids), "trace": torch.cat(trace), "final": final,
    }
    if number == 0:  # One is enough to compare, and it is the largest by far.
        stages["refined"] = refine(final).clamp(-1, 1)
    return {f"{number}.{name}": value.contiguous() for name, value in stages.items()}


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, default=HOME)
    home = parser.parse_args().home
    torch.set_num_threads(1)
    networks = load(home / "weights.safetensors")
    out = {}
    for number, given in enumerate(CASES):
        out |= case(number, given, networks)
    metadata = {"steps": str(STEPS), "cases": json.dumps(CASES)}
    save_file(out, home / "reference" / "reference.safetensors", metadata=metadata)
    print({name: tuple(value.shape) for name, value in out.items()})


if __name__ == "__main__":
    main()
