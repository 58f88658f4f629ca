"""The words of the video model: those of the picture model that it was taught with, and words of motion."""

import words
from words import BACKGROUNDS, COLOURS, PLURALS, SHAPES, SIZES

MOTIONS = ("left", "right", "up", "down", "growing", "shrinking", "still")
WORDS = (
    "<pad>", "<start>", *COLOURS, "gray", "light", "beige", "navy", *SHAPES, "shape",
    *SIZES, "one", "left", "right", "background", "gradient",
    "moving", "up", "down", "slowly", "fast", "growing", "shrinking", "still",
)
INDEX = {word: i for i, word in enumerate(WORDS)}
_MOTION = {
    "move": "moving", "moves": "moving", "going": "moving", "goes": "moving", "sliding": "moving", "slides": "moving",
    "gliding": "moving", "flying": "moving", "flies": "moving", "floating": "moving", "drifting": "moving",
    "travelling": "moving", "traveling": "moving", "upward": "up", "upwards": "up", "rising": "up", "rises": "up",
    "downward": "down", "downwards": "down", "falling": "down", "falls": "down", "sinking": "down",
    "leftward": "left", "leftwards": "left", "rightward": "right", "rightwards": "right",
    "slow": "slowly", "quickly": "fast", "quick": "fast", "rapidly": "fast", "swiftly": "fast",
    "grow": "growing", "grows": "growing", "expanding": "growing", "bigger": "growing", "larger": "growing",
    "shrink": "shrinking", "shrinks": "shrinking", "contracting": "shrinking", "smaller": "shrinking",
    "resting": "still", "motionless": "still", "static": "still",
}
# There is only ever one object.
_ONE = {plural: one for one, plural in PLURALS.items()} | {"shapes": "shape"}
_SAID = {said: _ONE.get(meant, meant) for said, meant in words.SYNONYMS.items()} | _ONE
SYNONYMS = {said: meant for said, meant in _SAID.items() if meant in INDEX} | _MOTION


def encode(prompt: str) -> list[int]:
    return words.encode(prompt, INDEX, SYNONYMS)
