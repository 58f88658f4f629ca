"""Trains the sketch model from nothing: `python train.py --minutes 105`. Run it again to resume.

The learning rate falls to zero at the end of `--minutes` (or `--steps`), whichever comes first.
"""

import argparse
import json
import math
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, IterableDataset

import scenes
from captions import caption
from model import Shape, Sketch
from muon import Muon
from words import COLOURS, LENGTH, PAD, SHAPES, START, encode

CAPTION_DROP = 0.1
AUXILIARY = 0.1
LOSS_T_MIN = 0.2
EMPTY = [START] + [PAD] * (LENGTH - 1)


class Drawn(IterableDataset):
    """Batches of (picture, token ids, cell labels), drawn without end in a worker process."""

    def __init__(self, batch: int, seed: int):
        self.batch, self.seed = batch, seed

    def __iter__(self):
        os.nice(5)
        worker = torch.utils.data.get_worker_info()
        rng = random.Random(self.seed * 1000 + (worker.id if worker else 0))
        while True:
            rows = [self._one(rng) for _ in range(self.batch)]
            yield tuple(torch.from_numpy(np.stack(column)) for column in zip(*rows))

    def _one(self, rng: random.Random) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        drawn = scenes.scene(rng)
        ids = encode(caption(rng, drawn)) if rng.random() > CAPTION_DROP else EMPTY
        return scenes.render(drawn).transpose(2, 0, 1), np.array(ids), scenes.labels(drawn)


class Trainee(nn.Module):
    """The model with the auxiliary head that names shape and colour per cell; the head is thrown away later.

    Naming what stands where gives the words a strong gradient long before it shows in the pixels.
    """

    def __init__(self) -> None:
        super().__init__()
        self.model = Sketch(Shape())
        self.head = nn.Linear(self.model.shape.width, len(SHAPES) + len(COLOURS) + 2)

    def forward(self, noisy: Tensor, t: Tensor, ids: Tensor) -> tuple[Tensor, Tensor]:
        clean, seen = self.model.denoise(noisy, t, *self.model.read(ids))
        return clean, self.head(seen)


def noise_levels(count: int, device: torch.device) -> Tensor:
    """Mostly logit-normal toward noise; one in six next to pure noise, where words alone fix the background."""
    t = torch.sigmoid(1.4 + 1.3 * torch.randn(count, device=device))
    top = 1 - 0.08 * torch.rand(count, device=device)
    return torch.where(torch.rand(count, device=device) < 1 / 6, top, t)


def losses(trainee: nn.Module, batch: list[Tensor], half: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Velocity loss per picture, and the two auxiliary losses."""
    pictures, ids, cells = batch
    x0 = pictures.float() / 127.5 - 1
    ids = ids[:, : int((ids != PAD).sum(1).max())]  # Padding is masked, so cutting it only saves time.
    t = noise_levels(len(x0), x0.device)
    noisy = x0 + t[:, None, None, None] * (torch.randn_like(x0) - x0)
    with torch.autocast(x0.device.type, torch.bfloat16, enabled=half):
        clean, names = trainee(noisy, t, ids)
    velocity = (clean.float() - x0).square().mean((1, 2, 3)) / t.clamp(min=LOSS_T_MIN).square()
    shape, colour = names.float().flatten(0, 1).split([len(SHAPES) + 1, len(COLOURS) + 1], 1)
    cells = cells.long().flatten(2)
    return velocity, named(shape, cells[:, 0]), named(colour, cells[:, 1])


def named(logits: Tensor, wanted: Tensor) -> Tensor:
    """Cross entropy with the background counted less, for most cells are background."""
    weight = torch.ones(logits.shape[1], device=logits.device)
    weight[0] = 0.3
    return F.cross_entropy(logits, wanted.flatten(), weight)


def optimizers(trainee: Trainee, rate: float) -> list[torch.optim.Optimizer]:
    """Muon for the inner matrices and kernels, AdamW for everything else."""
    outer = ("embed", "positions", "table", "enter", "leave", "time1", "modulate", "head")
    inner, rest = [], []
    for name, p in trainee.named_parameters():
        matrix = p.ndim >= 2 and not any(word in name for word in outer)
        (inner if matrix else rest).append(p)
    return [Muon(inner, lr=0.02 * rate), torch.optim.AdamW(rest, lr=0.002 * rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True)]


def schedule(progress: float, step: int) -> float:
    """A short warm-up, then a level stretch, then a cosine to zero over the last two thirds."""
    fall = max(0.0, (progress - 0.33) / 0.67)
    return min(1.0, (step + 1) / 100) * 0.5 * (1 + math.cos(math.pi * min(1.0, fall)))


class Run:
    """One training run with its running average, its log and its checkpoint."""

    losses = staticmethod(losses)
    auxiliary = AUXILIARY

    def trainee_at_start(self) -> Trainee:
        return Trainee()

    def batches(self) -> Iterator:
        data = Drawn(self.args.batch, self.args.seed + self.step)
        return iter(DataLoader(data, None, num_workers=self.args.workers, prefetch_factor=8))

    def __init__(self, args: argparse.Namespace):
        self.args = args
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        torch.manual_seed(args.seed)
        self.trainee = self.trainee_at_start().to(self.device, memory_format=torch.channels_last)
        self.average = {k: v.clone() for k, v in self.trainee.model.state_dict().items()}
        self.optimizers = optimizers(self.trainee, args.rate)
        self.rates = [o.param_groups[0]["lr"] for o in self.optimizers]
        self.step, self.seconds = 0, 0.0
        self.folder = Path(args.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        if (self.folder / "checkpoint.pt").exists():
            self._resume()

    def _resume(self) -> None:
        saved = torch.load(self.folder / "checkpoint.pt", map_location=self.device)
        self.trainee.load_state_dict(saved["trainee"])
        self.average = saved["average"]
        for optimizer, state in zip(self.optimizers, saved["optimizers"]):
            optimizer.load_state_dict(state)
        self.step, self.seconds = saved["step"], saved["seconds"]
        torch.manual_seed(self.args.seed + self.step)

    def save(self) -> None:
        states = [o.state_dict() for o in self.optimizers]
        saved = {"trainee": self.trainee.state_dict(), "average": self.average, "optimizers": states}
        torch.save({**saved, "step": self.step, "seconds": self.seconds}, self.folder / "checkpoint.new")
        os.replace(self.folder / "checkpoint.new", self.folder / "checkpoint.pt")

    def progress(self) -> float:
        by_steps = self.step / self.args.steps if self.args.steps else 0.0
        return max(by_steps, self.seconds / 60 / self.args.minutes)

    def go(self) -> None:
        batches = self.batches()
        forward = torch.compile(self.trainee) if self.args.compile else self.trainee
        last_save, since, window = time.monotonic(), time.monotonic(), []
        while self.progress() < 1:
            began = time.monotonic()
            window.append(self._update(forward, [x.to(self.device) for x in next(batches)]))
            self.seconds += time.monotonic() - began
            if self.step % 50 == 0:
                self._log(window, time.monotonic() - since)
                since, window = time.monotonic(), []
            if time.monotonic() - last_save > 180:
                self.save()
                last_save = time.monotonic()
        self.save()

    def _update(self, forward: nn.Module, batch: list[Tensor]) -> list[float]:
        factor = schedule(self.progress(), self.step)
        for optimizer, rate in zip(self.optimizers, self.rates):
            optimizer.param_groups[0]["lr"] = rate * factor
        velocity, shape, colour = self.losses(forward, batch, self.args.half)
        (velocity.mean() + self.auxiliary * (shape + colour)).backward()
        nn.utils.clip_grad_norm_(self.trainee.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad()
        self.step += 1
        self._follow()
        return [velocity.mean().item(), shape.item(), colour.item()]

    @torch.no_grad()
    def _follow(self) -> None:
        keep = min(0.998, (self.step + 1) / (self.step + 10))
        for name, p in self.trainee.model.state_dict().items():
            self.average[name].lerp_(p, 1 - keep)

    def _log(self, window: list[list[float]], seconds: float) -> None:
        velocity, shape, colour = np.mean(window, 0).round(4).tolist()
        row = {
            "step": self.step, "samples": self.step * self.args.batch, "minutes": round(self.seconds / 60, 2),
            "loss": velocity, "shape_loss": shape, "colour_loss": colour,
            "images_per_second": round(len(window) * self.args.batch / seconds, 1),
        }
        with (self.folder / "log.jsonl").open("a") as log:
            log.write(json.dumps(row) + "\n")
        print(row, flush=True)


def options(about: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--minutes", type=float, default=105, help="training time; the learning rate ends at zero")
    parser.add_argument("--steps", type=int, default=0, help="stop after this many steps, if sooner")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=1.0, help="factor on both learning rates")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1, help="processes that draw scenes")
    parser.add_argument("--folder", default="run")
    parser.add_argument("--half", action=argparse.BooleanOptionalAction, default=True, help="bfloat16 autocast")
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, default=True)
    return parser


def main() -> None:
    args = options(__doc__).parse_args()
    torch.set_num_threads(args.threads)
    Run(args).go()


if __name__ == "__main__":
    main()
