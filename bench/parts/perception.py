"""Steps of the networks that hear, see and speak, against transformers on one core.

`TORCH_PYTHON` names a Python that has PyTorch and transformers. Weights are random.
"""

from __future__ import annotations

import os
import tempfile
from typing import Iterator

from .networks import Told
from .table import Row
from .tools import HERE, binary

SENSES = binary().parent / "examples" / "senses"
NAMES = {
    "whisper-hear": "Whisper, 30 s heard",
    "whisper-write": "Whisper, 16 tokens",
    "depth": "Depth Anything, 518 x 518",
    "sam2": "SAM 2, 1024 x 1024 looked at",
    "vits": "VITS, a sentence",
}
ROUNDS = 5


def run() -> Iterator[Row]:
    python = os.environ.get("TORCH_PYTHON")
    if not python:
        raise RuntimeError("set TORCH_PYTHON to a Python with PyTorch and transformers")
    for size in ("tiny", "middle"):
        for name in NAMES:
            yield step(python, name, size)


def step(python: str, name: str, size: str) -> Row:
    """Processor time, which others on the machine lengthen least; the least of each in turns."""
    with tempfile.TemporaryDirectory() as folder:
        with Told(python, HERE / "peers" / "torch_senses.py", name, size, folder) as torch:
            torch.heard()
            with Told(SENSES, name, folder) as ours:
                programs = {"ours": ours, "torch": torch}
                taken = {label: [] for label in programs}
                for _ in range(ROUNDS):
                    for label, program in programs.items():
                        taken[label].append(program.tell("step")["worked"])
    least = {label: min(times) * 1000 for label, times in taken.items()}
    return Row(f"{NAMES[name]}, {size}", least["ours"], "ms", least["torch"], "transformers", ">= 1.0", less=True)
