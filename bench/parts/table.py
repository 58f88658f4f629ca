"""What the measurements come to, as a table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Optional


@dataclass
class Row:
    """One measurement, and where there is one, what it is compared with and what is aimed at."""

    what: str
    ours: Optional[float] = None
    unit: str = ""
    theirs: Optional[float] = None
    than: str = ""
    aim: str = ""
    note: str = ""
    # Set where less is better: then the ratio is theirs over ours.
    less: bool = False

    def labelled(self, letter: str) -> Row:
        return replace(self, what=f"({letter}) {self.what}")

    def ratio(self) -> Optional[float]:
        if not self.ours or not self.theirs:
            return None
        return self.theirs / self.ours if self.less else self.ours / self.theirs


def show(rows: list[Row]) -> str:
    head = "| what | Tintype | against | ratio | aim | |\n|---|---|---|---|---|---|"
    return "\n".join([head, *(_line(row) for row in rows)])


def _line(row: Row) -> str:
    ours = f"{_number(row.ours)} {row.unit}".strip()
    theirs = f"{row.than} {_number(row.theirs)} {row.unit}".strip() if row.theirs else ""
    ratio = row.ratio()
    return f"| {row.what} | {ours} | {theirs} | {'' if ratio is None else f'{ratio:.2f}'} | {row.aim} | {row.note} |"


def _number(value: Optional[float]) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
