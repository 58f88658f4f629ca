"""Writes `weights.safetensors` (float16) and `vocabulary.json` from training checkpoints, and reads them back."""

import argparse
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

import words
from model import SHIFT, T_MIN, Refine, Shape, Sketch, numbers
from sampler import GUIDANCE, STEPS

FORMAT = "tintype-sketch-1"
HOME = Path(__file__).resolve().parent.parent


def settings() -> dict[str, str]:
    """The metadata: everything that fixes the network and its sampler, as strings."""
    table = {**numbers(Shape()), "steps": STEPS, "guidance": GUIDANCE, "shift": SHIFT, "t_min": T_MIN}
    return {"format": FORMAT, **{k: str(v) for k, v in table.items()}}


def tensors(sketch: dict, refine: dict) -> dict[str, torch.Tensor]:
    """Names are the state_dict names; the upscaler's carry the prefix `refine.`."""
    named = {**sketch, **{f"refine.{k}": v for k, v in refine.items()}}
    return {k: v.detach().cpu().half().contiguous() for k, v in named.items()}


def load(path: Path) -> tuple[Sketch, Refine]:
    """Both networks in float32 from the float16 file."""
    sketch, refine = Sketch(Shape()), Refine()
    with safe_open(path, "pt") as file:
        assert file.metadata()["format"] == FORMAT, "unknown format of weights"
        state = {k: file.get_tensor(k).float() for k in file.keys()}
    sketch.load_state_dict({k: v for k, v in state.items() if not k.startswith("refine.")})
    refine.load_state_dict({k.removeprefix("refine."): v for k, v in state.items() if k.startswith("refine.")})
    return sketch.eval(), refine.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=Path("run/checkpoint.pt"))
    parser.add_argument("--refine", type=Path, default=Path("run/refine.pt"))
    parser.add_argument("--to", type=Path, default=HOME)
    args = parser.parse_args()
    saved = torch.load(args.checkpoint, map_location="cpu")
    fine = torch.load(args.refine) if args.refine.exists() else Refine().state_dict()
    save_file(tensors(saved["average"], fine), args.to / "weights.safetensors", metadata=settings())
    words.save(args.to / "vocabulary.json")
    print(f"exported step {saved['step']}")


if __name__ == "__main__":
    main()
