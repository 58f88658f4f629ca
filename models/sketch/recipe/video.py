"""The sketch model grown a time axis: the same network, whose image tokens attend to all frames of a clip.

A clip is the whole of a motion, from moment 0 to moment 1, in however many frames. Each frame is told its moment by what
the words mean then, and by a row that is added to its tokens; both are interpolated from tables.
"""

import math

import torch
from torch import Tensor, nn

import video_words
from model import SIDE, T_MIN, Shape, Sketch
from words import PAD

MOMENTS, KNOTS = 16, 5
SHIFT = 4.0
STEPS, GUIDANCE, FRAMES, RATE = 24, 2.2, 16, 8
SHAPE = Shape(words=len(video_words.WORDS))


class Video(Sketch):
    """Predicts the clean frames of clips (B, F, 3, 64, 64) at moments (B, F)."""

    def __init__(self) -> None:
        super().__init__(SHAPE)
        # What a word means changes over a clip: "right" begins on the left. One table of words for each knot of time.
        self.embed_paths = nn.Parameter(torch.randn(KNOTS, SHAPE.words, SHAPE.width) * 0.5)
        del self.embed
        at = torch.arange(MOMENTS)[:, None] * math.pi / (MOMENTS - 1)
        angle = at * (1 + torch.arange(SHAPE.width // 2) % 8)[None]
        self.frame_table = nn.Parameter(0.2 * torch.cat([angle.cos(), angle.sin()], 1))

    def tell(self, ids: Tensor, moments: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What the words (B, n) mean at moments (B, F), as `read` for B * F pictures, and the rows of the frames."""
        low, share = between(moments, KNOTS)
        at = lambda knot: self.embed_paths[knot[:, :, None], ids[:, None]]
        spelled = torch.lerp(at(low), at(low + 1), share[..., None, None])
        real = (ids != PAD).repeat_interleave(moments.shape[1], 0)
        return *self.understand(spelled.flatten(0, 1), real), self.rows(moments)

    def rows(self, moments: Tensor) -> Tensor:
        """What is added to the tokens of frames at these moments: (B, F, width)."""
        low, share = between(moments, MOMENTS)
        return torch.lerp(self.frame_table[low], self.frame_table[low + 1], share[..., None])

    def forward(self, noisy: Tensor, t: Tensor, ids: Tensor, moments: Tensor) -> tuple[Tensor, Tensor]:
        return self.frames(noisy, t, *self.tell(ids, moments))

    def frames(
        self, noisy: Tensor, t: Tensor, words: Tensor, pooled: Tensor, real: Tensor, rows: Tensor
    ) -> tuple[Tensor, Tensor]:
        each = t.repeat_interleave(noisy.shape[1], 0)
        clean, seen = self.denoise(noisy.flatten(0, 1), each, words, pooled, real, rows)
        return clean.unflatten(0, noisy.shape[:2]), seen


def between(moments: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The entry of a table before each moment, and how far it is to the next."""
    at = moments * (count - 1)
    low = at.floor().clamp(0, count - 2)
    return low.long(), at - low


def evenly(frames: int) -> Tensor:
    """The moments of so many frames."""
    return torch.arange(frames) / max(1, frames - 1)


def seeded_noise(seed: int, frames: int) -> Tensor:
    """(1, F, 3, 64, 64), the same for all frames: with noise of its own, each would decide alone where its object is."""
    noise = torch.randn(1, 1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
    return noise.expand(-1, frames, -1, -1, -1)


def grid(steps: int) -> list[float]:
    even = [1 - i / steps for i in range(steps + 1)]
    return [SHIFT * u / (1 + (SHIFT - 1) * u) for u in even]


@torch.no_grad()
def sample(
    video: Video, prompts: list[str], noise: Tensor, negative: str = "", steps: int = STEPS, guidance: float = GUIDANCE,
    trace: list | None = None,
) -> Tensor:
    """Clips (B, F, 3, 64, 64) in [-1, 1] by guided Euler steps."""
    moments = evenly(noise.shape[1]).expand(len(prompts), -1)
    words = video.tell(torch.tensor([video_words.encode(p) for p in prompts]), moments)
    other = video.tell(torch.tensor([video_words.encode(negative)] * len(prompts)), moments)
    levels, x = grid(steps), noise
    for t, following in zip(levels, levels[1:]):
        level = torch.full((len(x),), t)
        clean = video.frames(x, level, *words)[0]
        if guidance != 1.0:
            away = video.frames(x, level, *other)[0]
            clean = away + guidance * (clean - away)
        clean = clean.clamp(-1.2, 1.2)
        x = x + (following - t) * (x - clean) / max(t, T_MIN)
        if trace is not None:
            trace.append(x.clone())
    return x.clamp(-1, 1)
