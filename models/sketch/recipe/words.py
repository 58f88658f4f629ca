"""The closed vocabulary of the sketch model: which words it knows, and how a prompt becomes token ids.

The same rules are written to `vocabulary.json`, which is all an inference engine needs.
"""

import json
import re
from pathlib import Path

LENGTH = 24
PAD, START = 0, 1

COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "black", "white", "brown")
SHAPES = ("circle", "square", "triangle", "star", "heart", "ring", "cross", "moon")
PLURALS = {s: s + ("es" if s == "cross" else "s") for s in SHAPES}
SIZES = ("small", "medium", "large")
TEXTURES = ("plain", "striped", "dotted", "checkered")
COUNTS = ("one", "two", "three", "four")
BACKGROUNDS = ("white", "black", "gray", "light blue", "light green", "beige", "navy")

WORDS = (
    "<pad>", "<start>", *COLOURS, "gray", "light", "beige", "navy", *SHAPES, *PLURALS.values(), "shape", "shapes",
    *SIZES, *TEXTURES, *COUNTS, "left", "right", "top", "bottom", "center", "corner", "above", "below", "and", "of",
    "background", "gradient",
)

SYNONYMS = {
    "crimson": "red", "scarlet": "red", "ruby": "red", "tangerine": "orange", "golden": "yellow", "gold": "yellow",
    "lemon": "yellow", "emerald": "green", "lime": "green", "azure": "blue", "cobalt": "blue", "violet": "purple",
    "lilac": "purple", "magenta": "pink", "rose": "pink", "ebony": "black", "ivory": "white",
    "chocolate": "brown", "grey": "gray", "cream": "beige", "sand": "beige", "pale": "light",
    "disc": "circle", "disk": "circle", "ball": "circle", "dot": "circle", "discs": "circles",
    "disks": "circles", "balls": "circles", "box": "square", "boxes": "squares", "donut": "ring", "doughnut": "ring",
    "hoop": "ring", "donuts": "rings", "doughnuts": "rings", "hoops": "rings", "plus": "cross", "crescent": "moon",
    "crescents": "moons", "object": "shape", "figure": "shape", "objects": "shapes", "figures": "shapes",
    "tiny": "small", "little": "small", "big": "large", "huge": "large", "giant": "large",
    "solid": "plain", "stripy": "striped", "stripes": "striped", "lined": "striped", "spotted": "dotted",
    "dots": "dotted", "dotty": "dotted", "checked": "checkered", "chequered": "checkered", "checkerboard": "checkered",
    "single": "one", "1": "one", "2": "two", "pair": "two", "couple": "two", "3": "three", "trio": "three", "4": "four",
    "upper": "top", "lower": "bottom", "centre": "center", "middle": "center", "centered": "center",
    "over": "above", "under": "below", "beneath": "below", "underneath": "below", "beside": "and", "backdrop": "background",
}

INDEX = {word: i for i, word in enumerate(WORDS)}


def encode(prompt: str, index: dict[str, int] = INDEX, synonyms: dict[str, str] = SYNONYMS) -> list[int]:
    """Token ids of fixed length. Unknown words are dropped, so articles and small talk cost no room."""
    words = (synonyms.get(w, w) for w in re.findall(r"[a-z0-9]+", prompt.lower()))
    ids = [START] + [index[w] for w in words if w in index]
    return (ids + [PAD] * LENGTH)[:LENGTH]


def save(path: Path, words: tuple = WORDS, synonyms: dict[str, str] = SYNONYMS, **more: dict) -> None:
    """Writes the vocabulary with everything `encode` obeys."""
    table = {"length": LENGTH, "pad": PAD, "start": START, "split": "[a-z0-9]+", "words": words, "synonyms": synonyms, **more}
    path.write_text(json.dumps(table, indent=1) + "\n")
