"""Antialiased drawing of a scene at any resolution by signed distances, in numpy.

One unit is one pixel of the 64x64 picture; at 256x256 the same scene is drawn four times finer.
"""

import numpy as np

SIDE = 64
PALETTE = {
    "red": (220, 30, 35), "orange": (250, 140, 20), "yellow": (250, 222, 40), "green": (35, 155, 60),
    "blue": (40, 80, 220), "purple": (130, 45, 170), "pink": (250, 130, 190), "black": (20, 20, 20),
    "white": (250, 250, 250), "brown": (120, 70, 30),
}
GROUNDS = {
    "white": (250, 250, 250), "black": (18, 18, 18), "gray": (150, 150, 150), "light blue": (170, 215, 245),
    "light green": (190, 232, 190), "beige": (242, 228, 195), "navy": (25, 32, 85),
}


def _star() -> np.ndarray:
    angle = np.arange(10) * np.pi / 5 - np.pi / 2
    radius = np.where(np.arange(10) % 2 == 0, 1.18, 0.5)
    return np.stack([np.cos(angle) * radius, np.sin(angle) * radius + 0.06], 1)


def _heart() -> np.ndarray:
    t = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return np.stack([16 * np.sin(t) ** 3, -y - 2.5], 1) / 15.5


POLYGONS = {
    "triangle": np.array([[0.0, -1.08], [1.12, 0.86], [-1.12, 0.86]]),
    "star": _star(),
    "heart": _heart(),
}


def polygon_distance(x: np.ndarray, y: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Signed distance to a polygon, negative inside."""
    best = np.full(x.shape, 1e9, np.float32)
    sign = np.ones(x.shape, np.float32)
    for (ax, ay), (bx, by) in zip(np.roll(corners, 1, 0).tolist(), corners.tolist()):
        ex, ey, wx, wy = ax - bx, ay - by, x - bx, y - by
        h = np.clip((wx * ex + wy * ey) / (ex * ex + ey * ey), 0, 1)
        best = np.minimum(best, (wx - ex * h) ** 2 + (wy - ey * h) ** 2)
        crosses = (by > y) != (ay > y)
        if ey != 0:
            sign = np.where(crosses & (wx < ex * wy / ey), -sign, sign)
    return sign * np.sqrt(best)


def distance(shape: str, x: np.ndarray, y: np.ndarray, r: float) -> np.ndarray:
    """Signed distance in units from points relative to the centre of a shape of radius r."""
    if shape in POLYGONS:
        return polygon_distance(x, y, POLYGONS[shape] * r)
    if shape == "square":
        return np.maximum(abs(x), abs(y)) - 0.88 * r
    if shape == "cross":
        wide = np.maximum(abs(x) - 1.05 * r, abs(y) - 0.34 * r)
        return np.minimum(wide, np.maximum(abs(x) - 0.34 * r, abs(y) - 1.05 * r))
    length = np.hypot(x, y)
    if shape == "ring":
        return abs(length - 0.74 * r) - 0.28 * r
    if shape == "moon":
        return np.maximum(np.hypot(x + 0.12 * r, y) - 1.05 * r, 0.82 * r - np.hypot(x - 0.42 * r, y + 0.05 * r))
    return length - r


def ink_of(colour: np.ndarray) -> np.ndarray:
    """The second colour of a texture: lighter for dark colours, darker for light ones."""
    light = float(colour @ np.array([0.3, 0.59, 0.11])) > 150
    return colour * 0.62 if light else colour * 0.45 + 140.0


def inked(texture: str, x: np.ndarray, y: np.ndarray, scale: float) -> np.ndarray:
    """Share of ink at each point, in [0, 1]; periods are fixed so that textures read at 64x64."""
    if texture == "striped":
        d = abs((y / 6.0) % 1 - 0.5) * 6.0 - 1.5
    elif texture == "dotted":
        d = np.hypot((x + 3) % 6 - 3, (y + 3) % 6 - 3) - 1.7
    else:
        edge = lambda v: (abs((v / 8.0) % 1 - 0.5) - 0.25) * 8.0
        ex, ey = edge(x + 2), edge(y + 2)
        d = -np.sign(ex * ey) * np.minimum(abs(ex), abs(ey))
    return np.clip(0.5 - d * scale, 0, 1)


def ground(name: str, gradient: bool, size: int) -> np.ndarray:
    """The background; a gradient runs from the colour at the top to a shade of it at the bottom."""
    top = np.array(GROUNDS[name], np.float32)
    if not gradient:
        return np.broadcast_to(top, (size, size, 3)).copy()
    down = np.linspace(0, 1, size, dtype=np.float32)[:, None, None]
    return np.broadcast_to(top + (shade_of(top) - top) * down, (size, size, 3)).copy()


def shade_of(top: np.ndarray) -> np.ndarray:
    """The lower end of a gradient."""
    return top * 0.6 if top.mean() > 120 else top * 0.6 + 85.0


def paint(picture: np.ndarray, thing, size: int) -> tuple[slice, slice, np.ndarray]:
    """Draws one object into the picture and returns where, and how far it covers each pixel there."""
    scale, reach = size / SIDE, 1.25 * thing.radius + 1
    rows, columns = (slice(max(0, int((c - reach) * scale)), min(size, int((c + reach) * scale) + 2)) for c in (thing.y, thing.x))
    y = ((np.arange(rows.start, rows.stop, dtype=np.float32) + 0.5) / scale - thing.y)[:, None]
    x = ((np.arange(columns.start, columns.stop, dtype=np.float32) + 0.5) / scale - thing.x)[None]
    x, y = np.broadcast_arrays(x, y)
    cover = np.clip(0.5 - distance(thing.shape, x, y, thing.radius) * scale, 0, 1)
    colour = np.array(thing.rgb, np.float32)
    fill = colour
    if thing.texture != "plain":
        fill = colour + (ink_of(colour) - colour) * inked(thing.texture, x, y, scale)[..., None]
    picture[rows, columns] += (fill - picture[rows, columns]) * cover[..., None]
    return rows, columns, cover
