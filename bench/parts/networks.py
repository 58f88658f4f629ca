"""Steps of the native networks, against diffusers on one core; and loading, against a plain read of the file.

`TORCH_PYTHON` names a Python that has PyTorch, diffusers and transformers. Weights are random.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Iterator

from .table import Row
from .tools import HERE, binary

NETWORK = binary().parent / "examples" / "network"
NAMES = {"unet": "Stable Diffusion", "flux": "FLUX.1", "sd3": "SD 3.5", "z_image": "Z-Image"}
ROUNDS = 7


class Told:
    """A program that does what each line says and answers with a line."""

    def __init__(self, *words: object, threads: int = 1):
        environment = {**os.environ, "RAYON_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
        self.process = subprocess.Popen(
            [str(word) for word in words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def heard(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args[0]} ended")
        return json.loads(line)

    def tell(self, word: str) -> dict:
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return self.heard()

    def __enter__(self) -> Told:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stdin.close()
        self.process.wait()


def run() -> Iterator[Row]:
    python = os.environ.get("TORCH_PYTHON")
    if not python:
        raise RuntimeError("set TORCH_PYTHON to a Python with PyTorch, diffusers and transformers")
    for size in ("tiny", "middle"):
        for kind in NAMES:
            yield steps(python, kind, size)
    yield loading(python)


def steps(python: str, kind: str, size: str) -> Row:
    """Processor time, which others on the machine lengthen least; the least of each in turns."""
    peer = HERE / "peers" / "torch_networks.py"
    with tempfile.TemporaryDirectory() as folder, Told(python, peer, kind, size, folder) as torch:
        shape = torch.heard()
        with Told(NETWORK, kind, folder, shape["tokens"], shape["side"]) as ours:
            ours.tell("load")
            programs = {"ours": ours, "torch": torch}
            taken = {name: [] for name in programs}
            for _ in range(ROUNDS):
                for name, program in programs.items():
                    taken[name].append(program.tell("step")["worked"])
    least = {name: min(times) * 1000 for name, times in taken.items()}
    return Row(f"a step of {NAMES[kind]}, {size}", least["ours"], "ms", least["torch"], "diffusers", ">= 1.0", less=True)


def loading(python: str) -> Row:
    """Both from the page cache."""
    peer = HERE / "peers" / "torch_networks.py"
    with tempfile.TemporaryDirectory() as folder:
        with Told(python, peer, "flux", "large", folder) as torch:
            shape = torch.heard()
        count = sum(path.stat().st_size for path in Path(folder).glob("*.safetensors"))
        cores = len(os.sched_getaffinity(0))
        with Told(NETWORK, "flux", folder, shape["tokens"], shape["side"], threads=cores) as ours:
            taken = {word: [] for word in ("read", "load")}
            for _ in range(ROUNDS):
                for word, times in taken.items():
                    times.append(ours.tell(word)["seconds"])
    least = {word: min(times) for word, times in taken.items()}
    return Row(f"{count / 1e9:.1f} GB of weights to ready", least["load"], "s", least["read"], "plain read", ">= 0.8", less=True)
