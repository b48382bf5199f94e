"""Writes docs/metrics.md from the registry: `python -m deploy.reference`. A test writes it again and compares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.metrics import MetricWrapperBase

from tinsom import metrics

PAGE = Path(__file__).parent.parent / "docs" / "metrics.md"
_SUFFIX = {"counter": "_total", "info": "_info"}

HEAD = """# Metrics

Written by `python -m deploy.reference` from `tinsom/metrics.py`; change it there. Every process serves them on
`/metrics`.
Labels are closed lists or aliases that an operator chose, never a URL, an item, a chat or an error text. Times are
seconds; timestamps are seconds since the epoch. A histogram `x` is exported as `x_bucket`, `x_sum` and `x_count`.

| name | type | labels | what |
|---|---|---|---|
"""


@dataclass(frozen=True)
class Metric:
    """`name` as it is exported; of a histogram, without its suffixes."""

    name: str
    kind: str
    labels: tuple[str, ...]
    what: str

    def series(self) -> tuple[str, ...]:
        """The names that a query can use."""
        if self.kind != "histogram":
            return (self.name,)
        return tuple(f"{self.name}_{suffix}" for suffix in ("bucket", "sum", "count"))


def catalogue() -> Iterator[Metric]:
    """Every metric of the registry, in the order of its module."""
    for metric in vars(metrics).values():
        if isinstance(metric, MetricWrapperBase):
            yield _read(metric)


def _read(metric: MetricWrapperBase) -> Metric:
    # The client shows labels only of series that exist, so they are read where it keeps them.
    name, kind = str(metric._name), str(metric._type)
    return Metric(name + _SUFFIX.get(kind, ""), kind, tuple(metric._labelnames), str(metric._documentation))


def page() -> str:
    return HEAD + "".join(
        f"| `{m.name}` | {m.kind} | {', '.join(m.labels) or '–'} | {m.what} |\n" for m in catalogue()
    )


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
