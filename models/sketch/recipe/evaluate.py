"""Measures how often a picture holds what its prompt promises, per attribute.

    python evaluate.py                      draws every prompt with the reference and judges it
    python evaluate.py --pictures FOLDER    judges FOLDER/<id>.png, made by any engine
    python evaluate.py --truth              judges true renders, which measures the analyser itself
    python evaluate.py --write-prompts      writes the fixed list of prompts
"""

import argparse
import json
import random
from collections import defaultdict
from itertools import permutations
from pathlib import Path

import cv2
import numpy as np
import torch

import scenes
from analyse import Found, Seen, analyse
from captions import caption
from export import HOME, load
from sampler import GUIDANCE, STEPS, sample, seeded_noise

PROMPTS = Path(__file__).with_name("prompts.jsonl")
COUNTS = {"held_out": 320, "seen": 160}
# Of single objects, groups and pairs among the prompts.
SHARES = (0.45, 0.25, 0.3)
# A radius above the first number is medium, above the second large.
SIZES = {"single": (9.75, 14.5), "group": (8.25, 99.0), "pair": (9.0, 99.0)}
CENTRE = (27.0, 37.0)
APART = 4.0
Marks = dict[str, list[bool]]


def true_scene(row: dict) -> tuple[scenes.Scene, str]:
    """The scene that a prompt was written from."""
    rng = random.Random(f"{row['set']} {row['id']}")
    drawn = scenes.scene(rng, held_out=row["set"] == "held_out", shares=SHARES)
    return drawn, caption(rng, drawn)


def write_prompts() -> None:
    lines, number = [], 0
    for name, count in COUNTS.items():
        for _ in range(count):
            row = {"id": f"{number:03}", "set": name, "seed": 5000 + number}
            drawn, text = true_scene(row)
            lines.append(json.dumps({**row, "prompt": text, "expected": drawn.said}))
            number += 1
    PROMPTS.write_text("\n".join(lines) + "\n")


def size_of(kind: str, radius: float) -> str:
    return ("small", "medium", "large")[sum(radius > limit for limit in SIZES[kind])]


def judge_thing(found: Found | None, wanted: dict, kind: str) -> dict[str, bool]:
    """Which of the wanted attributes one object has; a missing object has none."""
    if found is None:
        return dict.fromkeys(wanted, False)
    has = {"shape": found.shape, "colour": found.colour, "texture": found.texture, "size": size_of(kind, found.radius)}
    return {name: has[name] == value for name, value in wanted.items()}


def in_place(found: Found, place: str) -> bool:
    """Whether an object's centre lies on the said side, or in the middle where no side is said."""
    side = lambda v: -1 if v < CENTRE[0] else 1 if v > CENTRE[1] else 0
    return (side(found.x), side(found.y)) == scenes.PLACES[place]


def related(a: Found | None, b: Found | None, relation: str) -> bool:
    if a is None or b is None:
        return False
    dx, dy = scenes.RELATIONS[relation]
    along, across = (a.x - b.x, a.y - b.y) if dx else (a.y - b.y, a.x - b.x)
    return along * (dx + dy) > APART and abs(along) > abs(across)


def paired(seen: Seen, wanted: list[dict], relation: str | None) -> list[Found | None]:
    """The objects in the order of the prompt, matched by their attributes; where they are only breaks a tie."""

    def score(order: tuple) -> float:
        tie = 0.5 if relation and related(*order, relation) else 0.0
        return tie + sum(sum(judge_thing(f, w, "pair").values()) for f, w in zip(order, wanted))

    return max(permutations([*seen.things, None, None], 2), key=score)


def judge(seen: Seen, expected: dict) -> Marks:
    """Right or wrong for each attribute that the prompt fixes."""
    marks: Marks = defaultdict(list)
    kind, wanted, things = expected["kind"], expected["objects"], seen.things
    marks["count"].append(len(things) == expected["count"])
    if kind == "pair":
        order = paired(seen, wanted, expected.get("relation"))
        for found, want in zip(order, wanted):
            for name, right in judge_thing(found, want, kind).items():
                marks[name].append(right)
        if "relation" in expected:
            marks["position"].append(related(*order, expected["relation"]))
    else:
        judged = [judge_thing(found, wanted[0], kind) for found in things] or [judge_thing(None, wanted[0], kind)]
        for name in wanted[0]:
            marks[name].append(all(one[name] for one in judged))
    if "place" in expected:
        marks["position"].append(bool(things) and in_place(max(things, key=lambda f: f.radius), expected["place"]))
    for name in ("background", "gradient"):
        if name in expected:
            marks[name].append(getattr(seen, name) == expected[name])
    return marks


def report(rows: list[dict], marks: list[Marks]) -> dict:
    """Shares right per attribute for each set and kind of scene; `all` is a picture without a fault."""
    table: dict = {}
    groups = {"held_out": "held_out", "seen": "seen"}
    groups |= {f"held_out {kind}": kind for kind in ("single", "group", "pair")}
    for title, wanted in groups.items():
        pooled: Marks = defaultdict(list)
        for row, mark in zip(rows, marks):
            if title.split()[0] == row["set"] and wanted in (row["set"], row["expected"]["kind"]):
                for name, values in mark.items():
                    pooled[name] += values
                pooled["all"].append(all(v for values in mark.values() for v in values))
        table[title] = {name: [round(100 * float(np.mean(v)), 1), len(v)] for name, v in sorted(pooled.items())}
    return table


def show(table: dict) -> None:
    for title, shares in table.items():
        print(f"{title:16}", "  ".join(f"{name} {share} % of {n}" for name, (share, n) in shares.items()))


@torch.no_grad()
def generate(rows: list[dict], args: argparse.Namespace) -> list[np.ndarray]:
    """Pictures by the reference at 256x256, as the shipped weights give them."""
    sketch, refine = load(args.weights)
    pictures = []
    for at in range(0, len(rows), 16):
        part = rows[at : at + 16]
        noise = torch.cat([seeded_noise(row["seed"]) for row in part])
        x = sample(sketch, [row["prompt"] for row in part], noise, steps=args.steps, guidance=args.guidance)
        x = refine(x) if args.refined else x
        pictures += list(((x.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy())
    return pictures


def pictures_of(rows: list[dict], args: argparse.Namespace) -> list[np.ndarray]:
    if args.truth:
        return [scenes.render(true_scene(row)[0], 256 if args.refined else 64) for row in rows]
    if args.pictures:
        paths = [args.pictures / f"{row['id']}.png" for row in rows]
        return [cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB) for path in paths]
    return generate(rows, args)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write-prompts", action="store_true")
    parser.add_argument("--truth", action="store_true")
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--prompts", type=Path, default=PROMPTS)
    parser.add_argument("--every", type=int, default=1, help="judge only every n-th prompt")
    parser.add_argument("--weights", type=Path, default=HOME / "weights.safetensors")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--guidance", type=float, default=GUIDANCE)
    parser.add_argument("--refined", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--save", type=Path, help="write the pictures here")
    parser.add_argument("--json", type=Path, help="write the table here")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.write_prompts:
        return write_prompts()
    rows = [json.loads(line) for line in args.prompts.read_text().splitlines()][:: args.every]
    pictures = pictures_of(rows, args)
    if args.save:
        args.save.mkdir(parents=True, exist_ok=True)
        for row, picture in zip(rows, pictures):
            cv2.imwrite(str(args.save / f"{row['id']}.png"), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    table = report(rows, [judge(analyse(p), row["expected"]) for p, row in zip(pictures, rows)])
    show(table)
    if args.json:
        args.json.write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
