"""Captions of scenes, in varied words and order.

A caption says only some of what a scene holds; what it does not say was drawn at random, so the model
learns which words fix what.
"""

import random

from scenes import Scene, Thing
from words import COUNTS, PLURALS

OPPOSITE = {"left": "right", "right": "left", "above": "below", "below": "above"}


def _name(rng: random.Random, one: Thing, said: dict, plural: bool = False) -> str:
    """A noun phrase for an object; notes in `said` which attributes it fixes."""
    words = []
    if rng.random() < 0.4:
        words.append(one.size)
        said["size"] = one.size
    adjectives = []
    if rng.random() < (0.12 if one.texture == "plain" else 0.9):
        adjectives.append(one.texture)
        said["texture"] = one.texture
    if rng.random() < 0.93:
        adjectives.append(one.colour)
        said["colour"] = one.colour
    if rng.random() < 0.25:
        adjectives.reverse()
    if rng.random() < 0.96:
        said["shape"] = one.shape
        noun = PLURALS[one.shape] if plural else one.shape
    else:
        noun = "shapes" if plural else "shape"
    return " ".join(words + adjectives + [noun])


def _place_phrase(rng: random.Random, place: str) -> str:
    if place == "center":
        return rng.choice(("in the center", "in the middle"))
    if " " in place:
        return rng.choice((f"in the {place} corner", f"at the {place}"))
    return rng.choice((f"on the {place}", f"at the {place}")) if place in ("left", "right") else f"at the {place}"


def _core(rng: random.Random, drawn: Scene, said: dict) -> str:
    """The caption without its background."""
    if drawn.kind == "single":
        said["objects"] = [{}]
        name = _name(rng, drawn.things[0], said["objects"][0])
        name = rng.choice(("a ", "a ", "a ", "one ", "")) + name
        if rng.random() < 0.4:
            return name
        said["place"] = drawn.place
        where = _place_phrase(rng, drawn.place)
        return f"{name} {where}" if rng.random() < 0.8 else f"{where}, {name}"
    if drawn.kind == "group":
        said["objects"] = [{}]
        return f"{COUNTS[len(drawn.things) - 1]} {_name(rng, drawn.things[0], said['objects'][0], plural=True)}"
    said["objects"] = [{}, {}]
    a, b = (_name(rng, one, note) for one, note in zip(drawn.things, said["objects"]))
    return _pair_phrase(rng, a, b, drawn.relation, said)


def _pair_phrase(rng: random.Random, a: str, b: str, relation: str, said: dict) -> str:
    if rng.random() < 0.25:
        return f"a {a} and a {b}" if rng.random() < 0.5 else f"a {b} and a {a}"
    said["relation"] = relation
    if rng.random() < 0.5:
        a, b, relation = b, a, OPPOSITE[relation]
    if relation in ("left", "right"):
        if rng.random() < 0.3:
            return f"a {a} on the {relation} and a {b} on the {OPPOSITE[relation]}"
        return f"a {a} to the {relation} of a {b}" if rng.random() < 0.5 else f"a {a} {relation} of a {b}"
    return f"a {a} {relation} a {b}"


def caption(rng: random.Random, drawn: Scene) -> str:
    """A caption of the scene; afterwards `drawn.said` holds what it promises."""
    said: dict = {"kind": drawn.kind, "count": len(drawn.things)}
    text = _core(rng, drawn, said).replace("a orange", "an orange")
    drawn.said = said
    if drawn.gradient and rng.random() < 0.8:
        said["gradient"] = True
    if rng.random() < 0.55:
        said["background"] = drawn.background
    parts = [said.get("background", ""), "gradient" if said.get("gradient") else ""]
    ground = " ".join(p for p in parts if p)
    if not ground:
        return text
    return f"{text} on a {ground} background" if rng.random() < 0.85 else f"on a {ground} background, {text}"
