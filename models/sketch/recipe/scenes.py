"""Random scenes: the pictures that the sketch model learns from, drawn without end.

Some combinations are held out by a hash and never drawn for training.
"""

import random
import zlib
from dataclasses import dataclass, field

import numpy as np

import draw
from words import BACKGROUNDS, COLOURS, SHAPES, TEXTURES

PLACES = {
    "left": (-1, 0), "right": (1, 0), "top": (0, -1), "bottom": (0, 1), "center": (0, 0),
    "top left": (-1, -1), "top right": (1, -1), "bottom left": (-1, 1), "bottom right": (1, 1),
}
RELATIONS = {"left": (-1, 0), "right": (1, 0), "above": (0, -1), "below": (0, 1)}
CELLS = 8
# Of single objects, groups and pairs among what is trained on: the last two are harder to learn.
SHARES = (0.25, 0.35, 0.4)


@dataclass
class Thing:
    """One drawn object; x, y and radius in pixels of the 64x64 picture."""

    shape: str
    colour: str
    texture: str
    size: str
    radius: float
    x: float = 0.0
    y: float = 0.0
    rgb: tuple = (0, 0, 0)


@dataclass
class Scene:
    """A scene is single (one object in a place), group (equal objects) or pair (two objects in relation)."""

    kind: str
    things: list[Thing]
    background: str
    gradient: bool
    place: str = ""
    relation: str = ""
    said: dict = field(default_factory=dict)

    def key(self) -> str:
        """What the hold-out hash sees: never the caption, so leaving a word out does not leak a held-out scene."""
        names = " ".join(f"{t.colour} {t.shape}" for t in self.things[: 2 if self.kind == "pair" else 1])
        extra = {"single": self.place, "group": str(len(self.things)), "pair": self.relation}[self.kind]
        return f"{self.kind} {names} {extra}"

    def held_out(self) -> bool:
        return zlib.crc32(self.key().encode()) % 10 == 0


def _lab(rgb: tuple) -> np.ndarray:
    linear = (np.array(rgb, float) / 255) ** 2.2
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear
    f = np.cbrt(xyz / np.array([0.9505, 1.0, 1.089]))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def _visible(rgb: tuple, background: str, gradient: bool, least: float) -> bool:
    top = np.array(draw.GROUNDS[background], float)
    bottom = draw.shade_of(top) if gradient else top
    return all(np.linalg.norm(_lab(end) - _lab(rgb)) > least for end in (top, (top + bottom) / 2, bottom))


GROUNDS = [(b, g) for b in BACKGROUNDS for g in (False, True)]
# Per background, the colours that stand out from it, and those whose texture's second colour does too.
VISIBLE = {at: [c for c in COLOURS if _visible(draw.PALETTE[c], *at, 34)] for at in GROUNDS}
TEXTURED = {at: [c for c in VISIBLE[at] if _visible(draw.ink_of(np.array(draw.PALETTE[c], float)), *at, 24)] for at in GROUNDS}


def thing(rng: random.Random, ground: tuple[str, bool], radii: dict[str, tuple[float, float]]) -> Thing:
    """One object with every attribute drawn but its place."""
    size = rng.choice(list(radii))
    colour = rng.choice(VISIBLE[ground])
    rgb = tuple(min(255, max(0, c + rng.randint(-5, 5))) for c in draw.PALETTE[colour])
    radius = rng.uniform(*radii[size])
    # A texture's period is fixed, and on a small object too few periods fit to be told apart.
    texture = rng.choices(TEXTURES, (0.6, 0.14, 0.13, 0.13))[0] if radius > 8.9 and colour in TEXTURED[ground] else "plain"
    return Thing(rng.choice(SHAPES), colour, texture, size, radius, rgb=rgb)


def _single(rng: random.Random, ground: tuple[str, bool]) -> tuple[list[Thing], str, str]:
    one = thing(rng, ground, {"small": (7, 8.5), "medium": (11, 13), "large": (16, 19)})
    place = rng.choice(list(PLACES) + ["center"])
    edge, slack = one.radius * 1.15 + 2, rng.uniform
    where = []
    for way in PLACES[place]:
        near = slack(edge, max(edge + 1, 21))
        where.append({-1: near, 0: slack(29, 35), 1: draw.SIDE - near}[way])
    one.x, one.y = where
    return [one], place, ""


def _group(rng: random.Random, ground: tuple[str, bool]) -> tuple[list[Thing], str, str]:
    first = thing(rng, ground, {"small": (6, 7.5), "medium": (9, 10.5)})
    count = rng.choice((2, 2, 3, 3, 4, 4))
    edge, gap = first.radius * 1.15 + 1.5, 2.3 * first.radius + 2.5
    while True:
        spots = []
        for _ in range(60):
            x, y = rng.uniform(edge, draw.SIDE - edge), rng.uniform(edge, draw.SIDE - edge)
            if all((x - a) ** 2 + (y - b) ** 2 > gap * gap for a, b in spots):
                spots.append((x, y))
            if len(spots) == count:
                return [Thing(**{**vars(first), "x": x, "y": y}) for x, y in spots], "", ""


def _pair(rng: random.Random, ground: tuple[str, bool]) -> tuple[list[Thing], str, str]:
    radii = {"small": (6.5, 8), "medium": (10, 12)}
    a, b = thing(rng, ground, radii), thing(rng, ground, radii)
    relation = rng.choice(list(RELATIONS))
    dx, dy = RELATIONS[relation]
    apart = (a.radius + b.radius) * 1.15 + 2.5
    middle, across = 32 + rng.uniform(-2, 2), 32 + rng.uniform(-9, 9)
    room = min(middle, draw.SIDE - middle) - 1.15 * max(a.radius, b.radius) - 1
    half = rng.uniform(apart / 2, max(apart / 2, room))
    for one, sign in ((a, 1), (b, -1)):
        drift = rng.uniform(-4, 4)
        one.x = middle + sign * dx * half if dx else across + drift
        one.y = middle + sign * dy * half if dy else across + drift
    return [a, b], "", relation


def scene(rng: random.Random, held_out: bool = False, shares: tuple = SHARES) -> Scene:
    """Draws scenes until one is on the wanted side of the hold-out."""
    while True:
        kind, make = rng.choices((("single", _single), ("group", _group), ("pair", _pair)), shares)[0]
        background = rng.choices(BACKGROUNDS, (4, 2, 2, 2, 2, 2, 2))[0]
        gradient = rng.random() < 0.15
        things, place, relation = make(rng, (background, gradient))
        drawn = Scene(kind, things, background, gradient, place, relation)
        if drawn.held_out() == held_out:
            return drawn


def render(drawn: Scene, size: int = draw.SIDE) -> np.ndarray:
    """The picture as uint8 (size, size, 3)."""
    picture = draw.ground(drawn.background, drawn.gradient, size)
    for one in drawn.things:
        draw.paint(picture, one, size)
    return np.clip(picture + 0.5, 0, 255).astype(np.uint8)


def labels(drawn: Scene) -> np.ndarray:
    """Shape and colour number per 8x8 cell (0: background), for the auxiliary loss; uint8 (2, 8, 8)."""
    best = np.full((CELLS, CELLS), 0.15, np.float32)
    out = np.zeros((2, CELLS, CELLS), np.uint8)
    for one in drawn.things:
        cover = np.zeros((draw.SIDE, draw.SIDE), np.float32)
        rows, columns, part = draw.paint(np.zeros((draw.SIDE, draw.SIDE, 3), np.float32), one, draw.SIDE)
        cover[rows, columns] = part
        share = cover.reshape(CELLS, 8, CELLS, 8).mean((1, 3))
        wins = share > best
        best = np.maximum(best, share)
        out[0][wins] = 1 + SHAPES.index(one.shape)
        out[1][wins] = 1 + COLOURS.index(one.colour)
    return out
