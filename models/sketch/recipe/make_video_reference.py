"""Writes `sketch-video/reference/reference.safetensors`: what the video model must give, for other engines to be compared with.

Computed in float32 from the float16 weights, on one thread: a clip of four frames and one of two.
"""

import json

import torch
from safetensors.torch import save_file

from export_video import HOME, load
from video import evenly, sample, seeded_noise
from video_words import encode

CASES = (
    {"prompt": "a red circle moving right on a white background", "negative": "", "seed": 7, "guidance": 2.5, "frames": 4, "steps": 2},
    {"prompt": "on a navy gradient background, a small yellow star growing", "negative": "gray background, still", "seed": 2024, "guidance": 2.0, "frames": 2, "steps": 3},
)


def case(number: int, given: dict, video) -> dict[str, torch.Tensor]:
    """Every stage of one prompt, under the prefix of its number."""
    noise, trace = seeded_noise(given["seed"], given["frames"]), []
    ids, moments = torch.tensor([encode(given["prompt"])]), evenly(given["frames"])[None]
    final = sample(video, [given["prompt"]], noise, given["negative"], given["steps"], given["guidance"], trace)
    clean, _ = video(noise, torch.tensor([0.75]), ids, moments)
    stages = {
        "ids": ids, "noise": noise[0, :1],
        "clean_at_0.75": clean[0], "trace": torch.cat(trace), "final": final[0],
    }
    return {f"{number}.{name}": value.contiguous() for name, value in stages.items()}


@torch.no_grad()
def main() -> None:
    torch.set_num_threads(1)
    video, out = load()[0], {}
    for number, given in enumerate(CASES):
        out |= case(number, given, video)
    (HOME / "reference").mkdir(exist_ok=True)
    save_file(out, HOME / "reference" / "reference.safetensors", metadata={"cases": json.dumps(CASES)})
    print({name: tuple(value.shape) for name, value in out.items()})


if __name__ == "__main__":
    main()
