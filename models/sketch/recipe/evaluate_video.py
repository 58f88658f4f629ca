"""Measures how often a video holds what its prompt promises, per attribute, by classical image analysis.

    python evaluate_video.py --videos FOLDER   judges FOLDER/<id>.mp4, made by the engine's example `video`
    python evaluate_video.py --truth           judges true renders, which measures the analyser itself
    python evaluate_video.py --write-prompts   writes the fixed list of prompts

An attribute is right if it is right in three of four frames. The motion is read from the path of the centroid and
of the area over all frames.
"""

import argparse
import json
import random
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np

import clips
from analyse import Seen, analyse
from evaluate import size_of
from video_words import MOTIONS

PROMPTS = Path(__file__).with_name("video_prompts.jsonl")
COUNTS = {"held_out": 64, "seen": 32}
FRAMES = 16
# Pixels of the 64x64 picture: less is standing still.
MOVED = 6.0
SPEEDS = {"slowly": (MOVED, 20.0), "": (18.0, 33.0), "fast": (30.0, 60.0)}
GREW = np.log(1.4)
# Pixels that an object may be off the straight way through all frames, on average.
JOLT = 2.0
# How far its size may be off an even growth, on average, as a share.
WAVER = 0.06
OFTEN = 0.75


def true_clip(row: dict) -> tuple[clips.Clip, str]:
    rng = random.Random(f"clip {row['set']} {row['id']}")
    drawn = clips.clip(rng, held_out=row["set"] == "held_out")
    return drawn, clips.caption(rng, drawn)


def write_prompts() -> None:
    lines, number = [], 0
    for name, count in COUNTS.items():
        for _ in range(count):
            row = {"id": f"{number:03}", "set": name, "seed": 9000 + number}
            drawn, text = true_clip(row)
            lines.append(json.dumps({**row, "prompt": text, "expected": drawn.said}))
            number += 1
    PROMPTS.write_text("\n".join(lines) + "\n")


def slope(values: list[float]) -> float:
    """The change from the first frame to the last on the straight line through all."""
    return float(np.polyfit(np.arange(len(values)), values, 1)[0] * (len(values) - 1)) if len(values) > 3 else 0.0


def steady(seen: list[Seen]) -> bool:
    """Whether objects keep to a straight way at one speed, or to their place."""
    full = [one.things for one in seen if one.things]
    if len(full) < 4:
        return False
    paths = np.array([[np.mean([getattr(f, axis) for f in things]) for axis in "xy"] for things in full])
    at = np.arange(len(paths))
    off = paths - np.stack([np.polyval(np.polyfit(at, path, 1), at) for path in paths.T], 1)
    return float(np.hypot(*off.T).mean()) < JOLT


def even(seen: list[Seen]) -> bool:
    """Whether objects keep their size, or change it at one pace."""
    sizes = np.array([np.mean([f.radius for f in one.things]) for one in seen if one.things])
    if len(sizes) < 4:
        return False
    at = np.arange(len(sizes))
    return float(np.abs(sizes - np.polyval(np.polyfit(at, sizes, 1), at)).mean() / sizes.mean()) < WAVER


def motion_of(seen: list[Seen]) -> tuple[str, float]:
    """The motion, and the way in pixels."""
    full = [one.things for one in seen if one.things]
    dx, dy = (slope([np.mean([getattr(f, axis) for f in things]) for things in full]) for axis in "xy")
    grew = slope([np.log(np.mean([f.radius for f in things])) for things in full])
    far = max(abs(dx), abs(dy))
    if abs(grew) > GREW:
        return ("growing" if grew > 0 else "shrinking") if far < 2 * MOVED else "none", far
    if far > MOVED:
        if abs(dx) > abs(dy):
            return ("right" if dx > 0 else "left"), far
        return ("down" if dy > 0 else "up"), far
    return "still", far


def often(values: list[bool]) -> bool:
    return float(np.mean(values)) >= OFTEN


def judge(frames: list[np.ndarray], expected: dict) -> dict[str, bool]:
    """Right or wrong for each attribute that the prompt fixes."""
    seen = [analyse(frame) for frame in frames]
    every = lambda test: often([bool(one.things) and all(test(f) for f in one.things) for one in seen])
    motion, far = motion_of(seen)
    marks = {
        "motion": motion == expected["motion"],
        "steady": steady(seen),
        "even size": even(seen),
        "one object": often([len(one.things) == 1 for one in seen]),
        "one background": len({one.background for one in seen}) == 1,
    }
    if "colour" in expected:
        marks["colour"] = every(lambda f: f.colour == expected["colour"])
    if "shape" in expected:
        marks["shape"] = every(lambda f: f.shape == expected["shape"])
    if "size" in expected and any(one.things for one in seen):
        radius = float(np.median([f.radius for one in seen for f in one.things]))
        marks["size"] = size_of("single", radius) == expected["size"]
    if expected["motion"] in clips.WAYS:
        low, high = SPEEDS[expected.get("speed", "")]
        marks["speed"] = marks["motion"] and low < far < high
    if "background" in expected:
        marks["background"] = often([one.background == expected["background"] for one in seen])
    if "gradient" in expected:
        marks["gradient"] = often([one.gradient for one in seen])
    return marks


def report(rows: list[dict], marks: list[dict]) -> dict:
    """Shares right per attribute for each set and per motion; `all` is without a fault."""
    table: dict = {}
    titles = ["held_out", "seen", *MOTIONS]
    for title in titles:
        pooled = defaultdict(list)
        for row, mark in zip(rows, marks):
            expected = row["expected"]
            if title in (row["set"], expected["motion"]):
                for name, right in mark.items():
                    pooled[name].append(right)
                pooled["all"].append(all(mark.values()))
        table[title] = {name: [round(100 * float(np.mean(v)), 1), len(v)] for name, v in sorted(pooled.items())}
    return table


def frames_of(path: Path) -> list[np.ndarray]:
    video, frames = cv2.VideoCapture(str(path)), []
    while (read := video.read())[0]:
        frames.append(cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB))
    return frames


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write-prompts", action="store_true")
    parser.add_argument("--truth", action="store_true")
    parser.add_argument("--videos", type=Path)
    parser.add_argument("--every", type=int, default=1, help="judge only every n-th prompt")
    parser.add_argument("--json", type=Path, help="write the table here")
    parser.add_argument("--show", action="store_true", help="print the prompts with faults")
    args = parser.parse_args()
    if args.write_prompts:
        return write_prompts()
    rows = [json.loads(line) for line in PROMPTS.read_text().splitlines()][:: args.every]
    if args.truth:
        moments = [n / (FRAMES - 1) for n in range(FRAMES)]
        videos = [[clips.frame(true_clip(row)[0], moment, 256)[0] for moment in moments] for row in rows]
    else:
        rows = [row for row in rows if (args.videos / f"{row['id']}.mp4").exists()]
        videos = [frames_of(args.videos / f"{row['id']}.mp4") for row in rows]
    marks = [judge(frames, row["expected"]) for frames, row in zip(videos, rows)]
    if args.show:
        for row, mark in zip(rows, marks):
            if wrong := [name for name, right in mark.items() if not right]:
                print(row["id"], row["prompt"], "--", ", ".join(wrong))
    table = report(rows, marks)
    for title, shares in table.items():
        print(f"{title:10}", "  ".join(f"{name} {share} % of {n}" for name, (share, n) in shares.items()))
    if args.json:
        args.json.write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
