"""Measures training: a shape that the model does not know, under a word that it has not heard.

    python concept.py make FOLDER           archive.zip to train on, and held-out prompts in prompts.jsonl
    python concept.py judge PICTURES        judges PICTURES/<id>.png for FOLDER/prompts.jsonl: --prompts FILE

Colours and places of the held-out prompts are never seen together with the new shape in training. Between the two
stands whatever trains and draws: the examples `train` and `draw` of the engine, or the endpoints.
"""

import argparse
import json
import random
import zipfile
import zlib
from pathlib import Path

import cv2
import numpy as np

import analyse
import captions
import draw
import scenes

WORD = "arrow"
CORNERS = [[0, -1.15], [0.95, -0.1], [0.36, -0.1], [0.36, 1.05], [-0.36, 1.05], [-0.36, -0.1], [-0.95, -0.1]]
PICTURES, PROMPTS = 40, 96


def teach() -> None:
    """Lets the drawer, the captions and the analyser know the shape; the model is not told."""
    draw.POLYGONS[WORD] = np.array(CORNERS)
    captions.PLURALS[WORD] = f"{WORD}s"
    analyse.UNITS[WORD] = analyse._unit(WORD)


def scene(rng: random.Random, held_out: bool) -> tuple[scenes.Scene, str]:
    """One plain object of the new shape, and a caption that names it."""
    while True:
        drawn = scenes.scene(rng, shares=(1, 0, 0))
        one = drawn.things[0]
        one.shape = WORD
        apart = zlib.crc32(f"{one.colour} {drawn.place}".encode()) % 4 == 0
        text = captions.caption(rng, drawn)
        if one.texture == "plain" and apart == held_out and WORD in text:
            return drawn, text


def make(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(1)
    with zipfile.ZipFile(folder / "archive.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(PICTURES):
            drawn, text = scene(rng, held_out=False)
            picture = cv2.cvtColor(scenes.render(drawn, 256), cv2.COLOR_RGB2BGR)
            archive.writestr(f"{number:02}.png", cv2.imencode(".png", picture)[1].tobytes())
            archive.writestr(f"{number:02}.txt", text)
    rng, lines = random.Random(77), []
    for number in range(PROMPTS):
        drawn, text = scene(rng, held_out=True)
        row = {"id": f"{number:03}", "set": "held_out", "seed": 100 + number, "prompt": text, "expected": drawn.said}
        lines.append(json.dumps(row))
    (folder / "prompts.jsonl").write_text("\n".join(lines) + "\n")


def judge(pictures: Path, prompts: Path) -> None:
    from evaluate import judge, report, show

    rows = [json.loads(line) for line in prompts.read_text().splitlines()]
    rows = [row for row in rows if (pictures / f"{row['id']}.png").exists()]
    read = lambda row: cv2.cvtColor(cv2.imread(str(pictures / f"{row['id']}.png")), cv2.COLOR_BGR2RGB)
    show(report(rows, [judge(analyse.analyse(read(row)), row["expected"]) for row in rows]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("make", "judge"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--prompts", type=Path)
    args = parser.parse_args()
    teach()
    if args.what == "make":
        return make(args.folder)
    judge(args.folder, args.prompts)


if __name__ == "__main__":
    main()
