"""The sketch model: a small convolutional U-Net around a transformer, and its sampler, in plain PyTorch.

This file is the reference that other engines are measured against. Flow matching: x_t = (1 - t) x_0 + t eps,
the network predicts x_0 (called clean below), and the velocity is (x_t - clean) / t.
"""

import math
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from words import LENGTH, PAD, WORDS

SIDE = 64
# Logits of t are shifted by log(SHIFT) in training and in the sampler's grid: on flat-coloured pictures
# the structure is decided where the noise is high.
SHIFT = 3.0
# The velocity divides by t; below this the divisor is held.
T_MIN = 0.05


@dataclass
class Shape:
    """The numbers that fix the architecture; stored in the weights' metadata."""

    words: int = len(WORDS)
    length: int = LENGTH
    high: int = 48
    middle: int = 128
    width: int = 256
    heads: int = 8
    layers: int = 5
    text_layers: int = 2
    text_hidden: int = 512
    hidden: int = 768
    frequencies: int = 128


def rms(x: Tensor) -> Tensor:
    """Root-mean-square normalisation over the last axis, without a weight."""
    return x * torch.rsqrt(x.float().square().mean(-1, keepdim=True) + 1e-6).to(x.dtype)


def sine_table(side: int, width: int) -> Tensor:
    """Two-dimensional sine positions (side * side, width): row half, then column half; each sines, then cosines."""
    rate = torch.exp(-math.log(100.0) * torch.arange(width // 4) / (width // 4))
    angle = torch.arange(side)[:, None] * rate[None]
    line = torch.cat([angle.sin(), angle.cos()], 1)
    rows = line[:, None].expand(side, side, -1)
    columns = line[None].expand(side, side, -1)
    return torch.cat([rows, columns], -1).reshape(side * side, width)


def time_features(t: Tensor, count: int) -> Tensor:
    """Sines, then cosines, of 1000 t at geometric rates."""
    rate = torch.exp(-math.log(10000.0) * torch.arange(count // 2, device=t.device) / (count // 2))
    angle = 1000.0 * t[:, None] * rate[None]
    return torch.cat([angle.sin(), angle.cos()], 1)


class Residual(nn.Module):
    """Two 3x3 convolutions around a residual; the condition scales and shifts the second normalisation."""

    def __init__(self, channels: int, width: int):
        super().__init__()
        self.norm1 = nn.GroupNorm(8, channels)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.modulate = nn.Linear(width, 2 * channels)
        self.norm2 = nn.GroupNorm(8, channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.modulate.weight)
        nn.init.zeros_(self.modulate.bias)
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        scale, shift = self.modulate(condition)[:, :, None, None].chunk(2, 1)
        h = self.conv1(F.silu(self.norm1(x)))
        h = self.norm2(h) * (1 + scale) + shift
        return x + self.conv2(F.silu(h))


class TextLayer(nn.Module):
    """Self-attention among the words, then a GELU layer, each before-normalised."""

    def __init__(self, width: int, heads: int, hidden: int):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.up = nn.Linear(width, hidden)
        self.down = nn.Linear(hidden, width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        q, k, v = split_heads(self.qkv(rms(x)), 3, self.heads)
        x = x + self.out(join_heads(attend(rms(q), rms(k), v, mask)))
        return x + self.down(F.gelu(self.up(rms(x)), approximate="tanh"))


class ImageLayer(nn.Module):
    """Image tokens attend to themselves and to the words; the words are read, never changed."""

    def __init__(self, width: int, heads: int, hidden: int):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.words = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)
        self.up = nn.Linear(width, hidden)
        self.down = nn.Linear(hidden, width)
        self.table = nn.Parameter(torch.zeros(6, width))

    def forward(self, x: Tensor, words: Tensor, modulation: Tensor, mask: Tensor, frames: int = 1) -> Tensor:
        scale1, shift1, gate1, scale2, shift2, gate2 = (modulation + self.table).unbind(1)
        q, k, v = split_heads(self.qkv(rms(x) * (1 + scale1[:, None]) + shift1[:, None]), 3, self.heads)
        word_k, word_v = split_heads(self.words(words), 2, self.heads)
        k, v = whole(rms(k), frames), whole(v, frames)
        k, v = torch.cat([k, rms(word_k)], 2), torch.cat([v, word_v], 2)
        h = join_heads(attend(rms(q), k, v, mask))
        x = x + gate1[:, None] * self.out(h)
        h = self.up(rms(x) * (1 + scale2[:, None]) + shift2[:, None])
        return x + gate2[:, None] * self.down(F.gelu(h, approximate="tanh"))


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """Softmax attention written out: on so few tokens it is faster on a CPU than the fused form."""
    scores = (q @ k.transpose(-1, -2)).float() / math.sqrt(q.shape[-1])
    return scores.masked_fill(~mask, -1e9).softmax(-1).to(v.dtype) @ v


def whole(x: Tensor, frames: int) -> Tensor:
    """For each frame the keys or values of its whole clip: (B * F, heads, N, d) to (B * F, heads, F * N, d)."""
    if frames == 1:
        return x
    clips = x.unflatten(0, (-1, frames)).transpose(1, 2).flatten(2, 3)
    return clips.repeat_interleave(frames, 0)


def split_heads(x: Tensor, parts: int, heads: int) -> tuple[Tensor, ...]:
    """(B, N, parts * width) to `parts` tensors (B, heads, N, width / heads)."""
    b, n, w = x.shape
    return x.view(b, n, parts, heads, w // parts // heads).permute(2, 0, 3, 1, 4).unbind(0)


def join_heads(x: Tensor) -> Tensor:
    return x.transpose(1, 2).flatten(2)


class Sketch(nn.Module):
    """Predicts the clean picture from a noisy one, the noise level and the words."""

    def __init__(self, shape: Shape = Shape()):
        super().__init__()
        self.shape = s = shape
        self.embed = nn.Embedding(s.words, s.width)
        self.word_positions = nn.Parameter(torch.randn(s.length, s.width) * 0.1)
        self.text = nn.ModuleList(TextLayer(s.width, s.heads, s.text_hidden) for _ in range(s.text_layers))
        self.pool = nn.Linear(s.width, s.width)
        self.time1 = nn.Linear(s.frequencies, s.width)
        self.time2 = nn.Linear(s.width, s.width)
        self.modulate = nn.Linear(s.width, 6 * s.width)
        self.enter = nn.Conv2d(12, s.high, 3, padding=1)
        self.down_high = Residual(s.high, s.width)
        self.to_middle = nn.Conv2d(4 * s.high, s.middle, 1)
        self.down_middle = Residual(s.middle, s.width)
        self.to_tokens = nn.Linear(4 * s.middle, s.width)
        self.positions = nn.Parameter(sine_table(SIDE // 8, s.width))
        self.layers = nn.ModuleList(ImageLayer(s.width, s.heads, s.hidden) for _ in range(s.layers))
        self.from_tokens = nn.Linear(s.width, 4 * s.middle)
        self.join_middle = nn.Conv2d(2 * s.middle, s.middle, 1)
        self.up_middle = nn.ModuleList(Residual(s.middle, s.width) for _ in range(2))
        self.from_middle = nn.Conv2d(s.middle, 4 * s.high, 1)
        self.join_high = nn.Conv2d(2 * s.high, s.high, 1)
        self.up_high = nn.ModuleList(Residual(s.high, s.width) for _ in range(2))
        self.leave_norm = nn.GroupNorm(8, s.high)
        self.leave = nn.Conv2d(s.high, 12, 3, padding=1)
        self._start()

    def _start(self) -> None:
        nn.init.normal_(self.embed.weight, std=0.5)
        for layer in (self.modulate, self.leave):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        for layer in self.layers:
            # Open gates: a layer whose gate starts at zero learns nothing in the first steps of a short run.
            layer.table.data[2], layer.table.data[5] = 0.5, 0.5

    def read(self, ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Words (B, n, width), their mean through a linear layer (B, width), and which are words (B, n)."""
        return self.understand(self.embed(ids), ids != PAD)

    def understand(self, x: Tensor, real: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mask = real[:, None, None, :]
        x = x + self.word_positions[: x.shape[1]]
        for layer in self.text:
            x = layer(x, mask)
        x = rms(x)
        share = real.to(x.dtype)[..., None]
        return x, self.pool((x * share).sum(1) / share.sum(1)), real

    def forward(self, noisy: Tensor, t: Tensor, ids: Tensor) -> Tensor:
        return self.denoise(noisy, t, *self.read(ids))[0]

    def denoise(
        self, noisy: Tensor, t: Tensor, words: Tensor, pooled: Tensor, real: Tensor, frames: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """The clean picture, and the image tokens after the third layer for the auxiliary loss.

        With `frames` (B, F, width), the pictures are B clips of F frames, clip by clip, and everything else is given per
        picture: image tokens then attend to those of their whole clip, and to their own words. See `video.py`.
        """
        level = self.time2(F.silu(self.time1(time_features(t, self.shape.frequencies))))
        condition = F.silu(level + pooled)
        modulation = self.modulate(condition).unflatten(1, (6, -1))
        high = self.down_high(self.enter(F.pixel_unshuffle(noisy, 2)), condition)
        middle = self.down_middle(self.to_middle(F.pixel_unshuffle(high, 2)), condition)
        tokens, seen = self._transform(F.pixel_unshuffle(middle, 2), words, modulation, real, frames)
        h = self.join_middle(torch.cat([F.pixel_shuffle(tokens, 2), middle], 1))
        for block in self.up_middle:
            h = block(h, condition)
        h = self.join_high(torch.cat([F.pixel_shuffle(self.from_middle(h), 2), high], 1))
        for block in self.up_high:
            h = block(h, condition)
        return F.pixel_shuffle(self.leave(F.silu(self.leave_norm(h))), 2), seen

    def _transform(
        self, cells: Tensor, words: Tensor, modulation: Tensor, real: Tensor, frames: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        side = cells.shape[-1]
        x = self.to_tokens(cells.flatten(2).transpose(1, 2)) + self.positions
        count = 1
        if frames is not None:
            x, count = x + frames.flatten(0, 1)[:, None], frames.shape[1]
        mask = F.pad(real, (count * x.shape[1], 0), value=True)[:, None, None, :]
        seen = x
        for number, layer in enumerate(self.layers):
            x = layer(x, words, modulation, mask, count)
            if number == 2:
                seen = x
        return self.from_tokens(rms(x)).transpose(1, 2).unflatten(2, (side, side)), seen


class Refine(nn.Module):
    """Four times finer: a few convolutions at 64x64 and a pixel shuffle, added to nearest-neighbour growth."""

    def __init__(self, channels: int = 40):
        super().__init__()
        self.first = nn.Conv2d(3, channels, 5, padding=2)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.third = nn.Conv2d(channels, channels, 3, padding=1)
        self.last = nn.Conv2d(channels, 48, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        h = F.silu(self.first(x))
        h = h + F.silu(self.second(h))
        h = h + F.silu(self.third(h))
        return F.pixel_shuffle(self.last(h), 4) + F.interpolate(x, scale_factor=4, mode="nearest")


def numbers(shape: Shape) -> dict[str, int]:
    return asdict(shape)
