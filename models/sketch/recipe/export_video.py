"""Writes `sketch-video/weights.safetensors` (float16) and `sketch-video/vocabulary.json` from a checkpoint, and reads them back.

The upscaler is that of the picture model, and stays in its file.
"""

import argparse
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

import clips
import export
import video_words
import words
from video import GUIDANCE, MOMENTS, SHAPE, SHIFT, STEPS, Video
from model import T_MIN, Refine, numbers

FORMAT = "tintype-sketch-video-1"
HOME = export.HOME.parent / "sketch-video"


def settings() -> dict[str, str]:
    """The metadata: everything that fixes the network and its sampler, as strings."""
    table = {**numbers(SHAPE), "moments": MOMENTS, "steps": STEPS, "guidance": GUIDANCE, "shift": SHIFT, "t_min": T_MIN}
    return {"format": FORMAT, **{k: str(v) for k, v in table.items()}}


def load(path: Path = HOME / "weights.safetensors") -> tuple[Video, Refine]:
    """The network in float32 from the float16 file, and the upscaler."""
    video = Video()
    with safe_open(path, "pt") as file:
        assert file.metadata()["format"] == FORMAT, "unknown format of weights"
        video.load_state_dict({k: file.get_tensor(k).float() for k in file.keys()})
    return video.eval(), export.load(export.HOME / "weights.safetensors")[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=Path("run-video/checkpoint.pt"))
    parser.add_argument("--to", type=Path, default=HOME)
    args = parser.parse_args()
    saved = torch.load(args.checkpoint, map_location="cpu")
    args.to.mkdir(exist_ok=True)
    save_file(export.tensors(saved["average"], {}), args.to / "weights.safetensors", metadata=settings())
    words.save(args.to / "vocabulary.json", video_words.WORDS, video_words.SYNONYMS, open=clips.choices())
    print(f"exported step {saved['step']}")


if __name__ == "__main__":
    main()
