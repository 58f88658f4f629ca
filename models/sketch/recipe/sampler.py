"""The sampler of the sketch model: guided Euler steps from noise, from a picture, or around a masked region."""

import torch
from torch import Tensor

from model import SHIFT, SIDE, T_MIN, Sketch
from words import encode

STEPS = 24
GUIDANCE = 2.2


def grid(steps: int) -> list[float]:
    """Noise levels from 1 to 0: even steps u, shifted toward noise by s u / (1 + (s - 1) u)."""
    even = [1 - i / steps for i in range(steps + 1)]
    return [SHIFT * u / (1 + (SHIFT - 1) * u) for u in even]


def seeded_noise(seed: int, count: int = 1) -> Tensor:
    """Picture i of a batch draws from seed + i, so a picture does not depend on how many are asked for."""
    draw = lambda n: torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(n))
    return torch.cat([draw(seed + i) for i in range(count)])


def guided(model: Sketch, x: Tensor, t: float, words: tuple, negative: tuple, guidance: float) -> Tensor:
    """The clean picture, pushed away from what the negative prompt would give."""
    level = torch.full((len(x),), t, device=x.device)
    clean = model.denoise(x, level, *words)[0]
    if guidance == 1.0:
        return clean
    other = model.denoise(x, level, *negative)[0]
    return other + guidance * (clean - other)


@torch.no_grad()
def sample(
    model: Sketch, prompts: list[str], noise: Tensor, negative: str = "", steps: int = STEPS, guidance: float = GUIDANCE,
    start: Tensor | None = None, strength: float = 1.0, mask: Tensor | None = None, trace: list | None = None,
) -> Tensor:
    """Pictures in [-1, 1].

    With `start`, the walk begins at the first level of the grid that is not above `strength`; with `mask` too
    (1: paint, 0: keep), the kept region is put back at its noise level after each step.
    """
    words = model.read(torch.tensor([encode(p) for p in prompts]))
    other = model.read(torch.tensor([encode(negative)] * len(prompts)))
    levels = grid(steps)
    if start is not None:
        levels = [t for t in levels if t <= strength + 1e-6]
    at = lambda t: (1 - t) * start + t * noise
    x = noise if start is None else at(levels[0])
    for t, following in zip(levels, levels[1:]):
        clean = guided(model, x, t, words, other, guidance).clamp(-1.2, 1.2)
        x = x + (following - t) * (x - clean) / max(t, T_MIN)
        if mask is not None:
            x = mask * x + (1 - mask) * at(following)
        if trace is not None:
            trace.append(x.clone())
    return x.clamp(-1, 1)
