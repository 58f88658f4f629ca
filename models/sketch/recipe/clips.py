"""Random clips: one object that moves, grows, shrinks or stands still; and what is said of them.

Clips are written as paths over moments from 0 to 1, so a clip can be drawn in any number of frames.
"""

import random
import zlib
from dataclasses import dataclass, field, replace

import numpy as np

import draw
from video_words import MOTIONS
from scenes import CELLS, VISIBLE, Thing, thing
from words import BACKGROUNDS, COLOURS, SHAPES

WAYS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
SHARES = {"left": 3, "right": 3, "up": 3, "down": 3, "growing": 3, "shrinking": 3, "still": 2}
# Pixels of the 64x64 picture from the first frame to the last. The middle of the way is near the middle of the picture,
# so that words and moment fix where along it an object is.
SPEEDS = {"slowly": 14, "": 26, "fast": 37}
# Pixels that an object is off the middle, across its way. No word says where, so frames have to agree on it by themselves:
# over the whole height of the picture they were seen not to.
OFF = 8
# The share of a cell that an object covers where the cell is called after it.
SEEN = 0.15
RADII = {"small": (7, 8.5), "medium": (11, 13), "large": (16, 19)}


@dataclass
class Clip:
    """One object at moments 0 and 1; all between is linear."""

    motion: str
    speed: str
    start: Thing
    end: Thing
    background: str
    gradient: bool
    said: dict = field(default_factory=dict)

    def held_out(self) -> bool:
        one = self.start
        return zlib.crc32(f"clip {one.colour} {one.shape} {self.motion}".encode()) % 10 == 0

    def thing(self, moment: float) -> Thing:
        between = lambda name: (1 - moment) * getattr(self.start, name) + moment * getattr(self.end, name)
        return replace(self.start, **{name: between(name) for name in ("x", "y", "radius")})


def _edge(radius: float) -> float:
    """How far from the border the middle of an object stays."""
    return 1.15 * radius + 1.5


def _spot(rng: random.Random, edge: float, way: tuple, far: float) -> tuple | None:
    """Where an object starts that comes no nearer to the border than `edge`."""
    if edge > (draw.SIDE - far) / 2 - 2:
        return None
    off = min(OFF, draw.SIDE / 2 - edge)
    return tuple(32 + (rng.uniform(-2, 2) - step * far / 2 if step else rng.uniform(-off, off)) for step in way)


def _clip(rng: random.Random) -> Clip | None:
    motion = rng.choices(MOTIONS, [SHARES[m] for m in MOTIONS])[0]
    background = rng.choices(BACKGROUNDS, (4, 2, 2, 2, 2, 2, 2))[0]
    gradient = rng.random() < 0.1
    one = thing(rng, (background, gradient), RADII)
    one.texture = "plain"
    first, last = one.radius, one.radius
    if motion in ("growing", "shrinking"):
        near, distant = rng.uniform(6.5, 7.5), rng.uniform(17, 19)
        first, last = (near, distant) if motion == "growing" else (distant, near)
    speed = rng.choices(list(SPEEDS), (1, 2, 1))[0] if motion in WAYS else ""
    far = SPEEDS[speed] if motion in WAYS else 0.0
    way = WAYS.get(motion, (0, 0))
    spot = _spot(rng, _edge(max(first, last)), way, far)
    if spot is None:
        return None
    (x, y), (dx, dy) = spot, way
    start = replace(one, x=x, y=y, radius=first)
    end = replace(start, x=x + dx * far, y=y + dy * far, radius=last)
    return Clip(motion, speed, start, end, background, gradient)


def choices() -> dict:
    """What may be said where a prompt leaves it open: sizes by how an object moves, and backgrounds by its colour."""
    fits = lambda size, far: _edge(sum(RADII[size]) / 2) <= (draw.SIDE - far) / 2 - 2
    ways = {"still": 0, "moving": SPEEDS[""], "slowly": SPEEDS["slowly"], "fast": SPEEDS["fast"]}
    return {
        "shapes": SHAPES,
        "sizes": {way: [size for size in RADII if fits(size, far)] for way, far in ways.items()},
        "backgrounds": {c: [ground for ground in BACKGROUNDS if c in VISIBLE[ground, False]] for c in COLOURS},
    }


def clip(rng: random.Random, held_out: bool = False) -> Clip:
    """Draws clips until one is on the wanted side of the hold-out."""
    while True:
        drawn = _clip(rng)
        if drawn is not None and drawn.held_out() == held_out:
            return drawn


def frame(drawn: Clip, moment: float, size: int = draw.SIDE) -> tuple[np.ndarray, np.ndarray]:
    """One frame as uint8 (size, size, 3), and shape and colour number per 8x8 cell (0: background)."""
    picture = draw.ground(drawn.background, drawn.gradient, size)
    cells = np.zeros((2, CELLS, CELLS), np.uint8)
    one = drawn.thing(moment)
    rows, columns, part = draw.paint(picture, one, size)
    cover = np.zeros((size, size), np.float32)
    cover[rows, columns] = part
    seen = cover.reshape(CELLS, size // CELLS, CELLS, size // CELLS).mean((1, 3)) > SEEN
    cells[0][seen], cells[1][seen] = 1 + SHAPES.index(one.shape), 1 + COLOURS.index(one.colour)
    return np.clip(picture + 0.5, 0, 255).astype(np.uint8), cells


def _motion_phrase(rng: random.Random, drawn: Clip, said: dict) -> str:
    if drawn.motion not in WAYS:
        if drawn.motion == "still" and rng.random() < 0.5:
            return ""
        return drawn.motion
    words = [f"moving {drawn.motion}"]
    if drawn.motion in ("left", "right") and rng.random() < 0.12:
        words = [f"moving from {'right' if drawn.motion == 'left' else 'left'} to {drawn.motion}"]
    if drawn.speed:
        said["speed"] = drawn.speed
        words.insert(rng.randint(0, 1), drawn.speed)
    return " ".join(words)


def _name(rng: random.Random, drawn: Clip, said: dict) -> str:
    """A noun phrase; notes in `said` which attributes it fixes."""
    one, words = drawn.start, []
    if drawn.motion not in ("growing", "shrinking") and rng.random() < 0.6:
        words.append(one.size)
        said["size"] = one.size
    if rng.random() < 0.95:
        words.append(one.colour)
        said["colour"] = one.colour
    if rng.random() < 0.97:
        said["shape"] = one.shape
    return " ".join([*words, said.get("shape", "shape")])


def caption(rng: random.Random, drawn: Clip) -> str:
    """A caption of the clip; afterwards `drawn.said` holds what it promises."""
    said = drawn.said = {"motion": drawn.motion}
    name, motion = _name(rng, drawn, said), _motion_phrase(rng, drawn, said)
    article = rng.choice(("a ", "a ", "a ", "one ", ""))
    parts = [name, motion]
    if drawn.motion not in WAYS and rng.random() < 0.3:
        parts.reverse()
    text = article + " ".join(p for p in parts if p)
    if drawn.gradient and rng.random() < 0.8:
        said["gradient"] = True
    if rng.random() < 0.8:
        said["background"] = drawn.background
    ground = " ".join(p for p in (said.get("background", ""), "gradient" if said.get("gradient") else "") if p)
    if not ground:
        return text
    return f"{text} on a {ground} background" if rng.random() < 0.85 else f"on a {ground} background, {text}"
