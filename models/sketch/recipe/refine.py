"""Trains the upscaler from 64x64 to 256x256: `python refine.py --minutes 8`.

Its input is a drawn scene, softened and slightly noised so that it resembles what the sampler gives.
"""

import argparse
import random
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

import scenes
from model import Refine

CROP = 32


def pair(rng: random.Random) -> tuple[np.ndarray, np.ndarray]:
    """A crop of a scene at 64x64 and the same crop at 256x256, around an object."""
    drawn = scenes.scene(rng)
    small, large = scenes.render(drawn), scenes.render(drawn, 256)
    one = rng.choice(drawn.things)
    x, y = (min(64 - CROP, max(0, int(c + rng.uniform(-12, 12)) - CROP // 2)) for c in (one.x, one.y))
    cut = lambda picture, k: picture[y * k : (y + CROP) * k, x * k : (x + CROP) * k].transpose(2, 0, 1)
    return cut(small, 1), cut(large, 4)


def worn(small: Tensor) -> Tensor:
    """Softens and noises each picture by a random, mostly small amount."""
    soft = F.avg_pool2d(F.pad(small, (1, 1, 1, 1), mode="replicate"), 3, 1)
    much = torch.rand(len(small), 1, 1, 1)
    return small.lerp(soft, 0.5 * much * torch.rand_like(much)) + torch.randn_like(small) * 0.06 * torch.rand_like(much) ** 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--to", type=Path, default=Path("run/refine.pt"))
    args = parser.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(1)
    rng, net, seconds, step = random.Random(1), Refine(), 0.0, 0
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.0)
    while seconds < args.minutes * 60:
        began = time.monotonic()
        optimizer.param_groups[0]["lr"] = 2e-3 * min(1.0, (step + 1) / 50) * (1 - seconds / args.minutes / 60)
        small, large = (torch.from_numpy(np.stack(side)).float() / 127.5 - 1 for side in zip(*(pair(rng) for _ in range(args.batch))))
        loss = (net(worn(small)) - large).abs().mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        seconds, step = seconds + time.monotonic() - began, step + 1
        if step % 50 == 0:
            print(f"step {step}, {seconds / 60:.1f} minutes, mean difference {loss.item():.4f}", flush=True)
    torch.save(net.state_dict(), args.to)


if __name__ == "__main__":
    main()
