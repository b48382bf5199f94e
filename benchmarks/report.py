"""A benchmark's figures: always beside a floor or a peer measured in the same run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Figure:
    """`ours` and `floor` in `unit`; `aim` is the ratio ours ÷ floor to reach (or to stay below for times)."""

    name: str
    ours: float
    unit: str
    floor: float | None = None
    floor_name: str = ""
    aim: float | None = None

    @property
    def ratio(self) -> float | None:
        return None if not self.floor else self.ours / self.floor


def quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def show(figures: list[Figure]) -> None:
    table = Table("what", "ours", "unit", "beside", "ratio", "aim")
    for figure in figures:
        beside = "" if figure.floor is None else f"{figure.floor:,.4g} {figure.floor_name}"
        ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
        table.add_row(figure.name, f"{figure.ours:,.4g}", figure.unit, beside, ratio, str(figure.aim or ""))
    Console().print(table)
