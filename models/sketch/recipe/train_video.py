"""Trains the video model from the picture model's weights: `python train_video.py`. Run it again to resume.

Clips have five frames at jittered moments, and ten towards the end, because twice as many frames are harder to tell
apart than half as many clips are to learn from.
"""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, IterableDataset

import clips
import video_words
import train
import words
from video import Video
from model import SIDE
from train import CAPTION_DROP, EMPTY, LOSS_T_MIN, Trainee, named
from words import COLOURS, SHAPES

HOME = Path(__file__).resolve().parent.parent
WAYS = {
    "right": ("left", "right"), "left": ("right", "left"), "up": ("bottom", "top"), "down": ("top", "bottom"),
    "growing": ("small", "large"), "shrinking": ("large", "small"),
}
# Captions have no more words.
LONGEST = 14
DRIFT = 0.3


class Drawn(IterableDataset):
    """Batches of (frames, token ids, cell labels, moments), drawn without end in a worker process."""

    def __init__(self, batch: int, frames: int, seed: int):
        self.batch, self.frames, self.seed = batch, frames, seed

    def __iter__(self):
        os.nice(5)
        rng = random.Random(self.seed)
        while True:
            rows = [self._one(rng) for _ in range(self.batch)]
            yield tuple(torch.from_numpy(np.stack(column)) for column in zip(*rows))

    def _one(self, rng: random.Random) -> tuple[np.ndarray, ...]:
        drawn = clips.clip(rng)
        ids = video_words.encode(clips.caption(rng, drawn)) if rng.random() > CAPTION_DROP else EMPTY
        if rng.random() < 0.4:
            moments = [i / (self.frames - 1) for i in range(self.frames)]
        else:
            moments = [(i + rng.random()) / self.frames for i in range(self.frames)]
        pictures, cells = zip(*(clips.frame(drawn, moment) for moment in moments))
        pictures = np.stack(pictures).transpose(0, 3, 1, 2)
        return pictures, np.array(ids[:LONGEST]), np.stack(cells, 1), np.array(moments, np.float32)


class VideoTrainee(Trainee):
    """The model with the auxiliary head, from the weights of the picture model."""

    def __init__(self, weights: Path) -> None:
        super().__init__()
        self.model = Video()
        state = {k: v.float() for k, v in load_file(weights).items() if not k.startswith("refine.")}
        rows = state.pop("embed.weight")
        self.model.load_state_dict(state, strict=False)
        with torch.no_grad():
            for word, at in video_words.INDEX.items():
                self._spell(self.model.embed_paths, rows, word, at)

    @staticmethod
    def _spell(paths: Tensor, rows: Tensor, word: str, at: int) -> None:
        """A word of motion begins as the way between two words of the picture model; other words stay what they are."""
        first, last = WAYS.get(word, (word, word))
        if first in words.INDEX:
            share = torch.linspace(0, 1, len(paths))[:, None]
            paths[:, at] = torch.lerp(rows[words.INDEX[first]], rows[words.INDEX[last]], share)
        else:
            paths[:, at] *= 0.2

    def forward(self, noisy: Tensor, t: Tensor, ids: Tensor, moments: Tensor) -> tuple[Tensor, Tensor]:
        clean, seen = self.model(noisy, t, ids, moments)
        return clean, self.head(seen)


def noise_levels(count: int) -> Tensor:
    """As for pictures, and a third of them next to pure noise, where words and moment alone decide."""
    t = torch.sigmoid(1.4 + 1.3 * torch.randn(count))
    top = 1 - 0.12 * torch.rand(count)
    return torch.where(torch.rand(count) < 1 / 3, top, t)


def drift(frames: Tensor) -> Tensor:
    """Slow noise of each frame's own, for most clips: as far apart as frames come to be while they are drawn.

    The noise that all frames share tells each as much of the background as it tells the others. Nothing but this teaches a
    frame to agree with them where the words leave a choice.
    """
    clips, count = frames.shape[:2]
    slow = F.interpolate(torch.randn(clips * count, 3, 4, 4), SIDE, mode="bilinear") + torch.randn(clips * count, 3, 1, 1)
    amount = DRIFT * torch.rand(clips, 1, 1, 1, 1) * (torch.rand(clips, 1, 1, 1, 1) < 0.7)
    return (amount * slow.unflatten(0, (clips, count))).to(frames.device)


def losses(trainee: nn.Module, batch: list[Tensor], half: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Velocity loss per clip, and the two auxiliary losses."""
    frames, ids, cells, moments = batch
    x0 = frames.float() / 127.5 - 1
    t = noise_levels(len(x0))
    noise = torch.randn_like(x0[:, :1]) + drift(x0)
    noisy = x0 + t[:, None, None, None, None] * (noise - x0)
    with torch.autocast(x0.device.type, torch.bfloat16, enabled=half):
        clean, names = trainee(noisy, t, ids, moments)
    velocity = (clean.float() - x0).square().mean((1, 2, 3, 4)) / t.clamp(min=LOSS_T_MIN).square()
    shape, colour = names.float().flatten(0, 1).split([len(SHAPES) + 1, len(COLOURS) + 1], 1)
    cells = cells.long().flatten(2)
    return velocity, named(shape, cells[:, 0]), named(colour, cells[:, 1])


class Run(train.Run):
    auxiliary = 0.2
    losses = staticmethod(losses)

    def trainee_at_start(self) -> VideoTrainee:
        return VideoTrainee(self.args.weights)

    def batches(self) -> Iterator:
        """Few frames first; many for the last part of the time."""
        make = lambda batch, frames: iter(
            DataLoader(Drawn(batch, frames, self.args.seed + self.step), None, num_workers=self.args.workers, prefetch_factor=8)
        )
        short, batch = make(self.args.batch, self.args.frames), self.args.batch
        while self.progress() < self.args.short:
            yield next(short)
        del short
        yield from make(batch // 2, 2 * self.args.frames)


def main() -> None:
    parser = train.options(__doc__)
    parser.set_defaults(batch=6, rate=0.5, minutes=150, folder="run-video")
    parser.add_argument("--frames", type=int, default=5)
    parser.add_argument("--short", type=float, default=0.8, help="share of the time with so few frames")
    parser.add_argument("--weights", type=Path, default=HOME / "weights.safetensors")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    Run(args).go()


if __name__ == "__main__":
    main()
