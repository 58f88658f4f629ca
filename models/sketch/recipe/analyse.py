"""Reads a picture back into attributes by classical image analysis, so that samples can be judged without a network.

Its thresholds come from how scenes are drawn and were set on true renders only, never on samples.
"""

from dataclasses import dataclass

import cv2
import numpy as np

import draw
from words import COLOURS, SHAPES

GRID = 128
UNIT = GRID / draw.SIDE
FOREGROUND = 14.0
LEAST_AREA = 14.0
LEAST_OVERLAP = 0.65
FARTHEST_COLOUR = 25.0


@dataclass
class Found:
    """One object as seen: centre and radius in pixels of the 64x64 picture."""

    shape: str
    overlap: float
    colour: str
    texture: str
    x: float
    y: float
    radius: float


@dataclass
class Seen:
    """What a picture holds."""

    background: str
    gradient: bool
    things: list[Found]


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE Lab of an array (..., 3) of values in 0..255."""
    flat = np.asarray(rgb, np.float32).reshape(1, -1, 3) / 255
    return cv2.cvtColor(flat, cv2.COLOR_RGB2LAB).reshape(np.shape(rgb))


def fitted(picture: np.ndarray) -> np.ndarray:
    """The background as a straight line per channel from top to bottom, from the outermost columns."""
    border = np.concatenate([picture[:, :3], picture[:, -3:]], 1)
    column = np.median(border, 1)
    rows = np.arange(GRID)
    keep = np.ones(GRID, bool)
    for _ in range(2):
        line = np.stack([np.polyval(np.polyfit(rows[keep], column[keep, c], 1), rows) for c in range(3)], 1)
        off = abs(line - column).max(1)
        keep = off <= max(4.0, np.quantile(off, 0.8))
    return np.clip(line, 0, 255)


def background(line: np.ndarray) -> tuple[str, bool]:
    """The nearest known background, and whether it changes from top to bottom."""
    ends = lab(line[[0, -1]])
    away = {name: np.linalg.norm(lab(np.array(rgb)) - ends[0]) for name, rgb in draw.GROUNDS.items()}
    name = min(away, key=away.get)
    return name if away[name] < FARTHEST_COLOUR else "none", bool(np.linalg.norm(ends[0] - ends[1]) > 14)


def colour_of(pixels: np.ndarray) -> str:
    """The colour whose base and texture ink together come nearest to the pixels."""
    seen, best = lab(pixels), ("none", FARTHEST_COLOUR)
    for name in COLOURS:
        base = np.array(draw.PALETTE[name], float)
        to_base = np.linalg.norm(seen - lab(base), axis=1)
        to_ink = np.linalg.norm(seen - lab(draw.ink_of(base)), axis=1)
        cost = np.minimum(to_base, to_ink).mean()
        if (to_base < to_ink).mean() > 0.3 and cost < best[1]:
            best = (name, cost)
    return best[0]


def texture_of(picture: np.ndarray, inside: np.ndarray, colour: str) -> str:
    """Plain, striped (rows differ), dotted (little ink) or checkered (as much ink as colour)."""
    if colour == "none":
        return "none"
    base = np.array(draw.PALETTE[colour], float)
    way = draw.ink_of(base) - base
    ink = np.where(inside, np.clip((picture - base) @ way / (way @ way), 0, 1), np.nan)
    if np.mean(ink[inside] > 0.4) < 0.07:
        return "plain"
    rows = inside.sum(1) >= 5
    means = np.nanmean(ink[rows], 1)
    if means.size and np.average((means - np.nanmean(ink)) ** 2, weights=inside[rows].sum(1)) > 0.65 * np.nanvar(ink):
        return "striped"
    return "dotted" if np.nanmean(ink) < 0.43 else "checkered"


def _unit(shape: str) -> tuple[float, float, float]:
    """Area and centroid of a shape of radius one."""
    y, x = np.mgrid[-1.5:1.5:300j, -1.5:1.5:300j]
    inside = draw.distance(shape, x, y, 1.0) < 0
    return inside.mean() * 9, x[inside].mean(), y[inside].mean()


UNITS = {shape: _unit(shape) for shape in SHAPES}


def overlap(shape: str, mask: np.ndarray, x: np.ndarray, y: np.ndarray, r: float) -> float:
    """Intersection over union of a mask and a shape."""
    drawn = draw.distance(shape, x, y, r) < 0
    return (mask & drawn).sum() / max(1, (mask | drawn).sum())


def shape_of(mask: np.ndarray) -> tuple[str, float, float, float, float]:
    """The shape that overlaps best at the same area and centroid, with its centre and radius in 64x64 pixels."""
    rows, columns = np.nonzero(mask)
    cx, cy, area = (columns.mean() + 0.5) / UNIT, (rows.mean() + 0.5) / UNIT, len(rows) / UNIT**2
    box = tuple(slice(max(0, at.min() - 4), min(GRID, at.max() + 5)) for at in (rows, columns))
    y, x = ((np.mgrid[box] + 0.5) / UNIT).astype(np.float32)
    best = ("none", 0.0, cx, cy, (area / np.pi) ** 0.5)
    for shape, (size, ox, oy) in UNITS.items():
        for grow in (0.94, 1.0, 1.06):
            r = grow * (area / size) ** 0.5
            sx, sy = cx - ox * r, cy - oy * r
            share = overlap(shape, mask[box], x - sx, y - sy, r)
            if share > best[1]:
                best = (shape, share, sx, sy, r)
    return best if best[1] >= LEAST_OVERLAP else ("none", *best[1:])


def thing(picture: np.ndarray, mask: np.ndarray) -> Found:
    """One connected region as an object; colours are read away from its softened edge."""
    shape, share, x, y, radius = shape_of(mask)
    inside = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=2).astype(bool)
    inside = inside if inside.sum() > 12 else mask
    colour = colour_of(picture[inside])
    return Found(shape, share, colour, texture_of(picture, inside, colour), x, y, radius)


def analyse(picture: np.ndarray) -> Seen:
    """Attributes of a uint8 picture of any square size."""
    way = cv2.INTER_AREA if picture.shape[0] > GRID else cv2.INTER_LINEAR
    picture = cv2.resize(picture, (GRID, GRID), interpolation=way).astype(np.float32)
    line = fitted(picture)
    away = np.linalg.norm(lab(picture) - lab(np.broadcast_to(line[:, None], picture.shape)), axis=2)
    mask = cv2.morphologyEx((away > FOREGROUND).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, regions, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    large = [n for n in range(1, count) if stats[n, cv2.CC_STAT_AREA] > LEAST_AREA * UNIT**2]
    return Seen(*background(line), [thing(picture, regions == n) for n in large])
