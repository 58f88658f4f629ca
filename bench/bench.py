"""Runs the benchmarks side by side and prints ratios. Usage: bench.py [a b c d e f g h i]

Measurements that are compared are taken in turns within one run, and the medians of the turns are compared: what else
the machine does then touches both sides alike. Results go to `bench/results/` as JSON.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests" / "python")]

from parts import direct, download, idle, networks, perception, picture, polling, queue, serverless  # noqa: E402
from parts.table import Row, show  # noqa: E402

PARTS = {"a": direct, "b": queue, "c": polling, "d": download, "e": picture, "f": idle, "g": serverless, "h": networks, "i": perception}


def machine() -> str:
    models = [line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    return f"{len(os.sched_getaffinity(0))} cores of {models[0] if models else platform.machine()}"


def main() -> int:
    chosen = sys.argv[1:] or list(PARTS)
    rows: list[Row] = []
    for letter in chosen:
        part = PARTS[letter]
        print(f"bench: ({letter}) {part.__doc__.splitlines()[0]}", flush=True)
        try:
            rows += [row.labelled(letter) for row in part.run()]
        except Exception as error:  # One part that cannot run must not hide the others.
            print(f"bench: ({letter}) did not run: {type(error).__name__}: {error}", flush=True)
            rows.append(Row(f"({letter}) did not run", note=str(error)[:80]))
    stamp = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    print(f"\n{stamp}, {machine()}\n")
    print(show(rows))
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    record = {"at": stamp, "machine": machine(), "rows": [vars(row) for row in rows]}
    (results / time.strftime("%Y%m%d-%H%M%S.json", time.gmtime())).write_text(json.dumps(record, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
