"""Readers' verdicts as labels: what was right of the tags that alerts were sent for. Pure.

A verdict speaks of one alert: of all that matched in it. So one on two tags counts for both of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from services.classifier.workbench.evaluate import Report
from tinsom import messages as m

Found = Callable[[str], set[str] | None]
"""Item id → what is found in it now, as `initiative:de-an-06`; None where the item is not at hand."""


def judge(verdicts: Iterable[m.Verdict], found: Found) -> Report:
    """Right ones are required, irrelevant ones forbidden; without the item, what matched then counts as found."""
    report = Report(by_kind={})
    for verdict in newest(verdicts):
        now = found(verdict.item)
        for matched in verdict.matched:
            kind = matched.partition(":")[0]
            there = now is None or matched in now
            required = {matched.partition(":")[2]} if verdict.verdict == "right" else set()
            report.count(verdict.item, kind, required, set(), {matched.partition(":")[2]} if there else set())
    return report


def newest(verdicts: Iterable[m.Verdict]) -> list[m.Verdict]:
    """One of each reader about each alert: readers change their minds."""
    last: dict[tuple[str, str], m.Verdict] = {}
    for verdict in verdicts:
        key = verdict.reader, verdict.alert
        if key not in last or last[key].at <= verdict.at:
            last[key] = verdict
    return list(last.values())


def named(tags: m.Tags) -> set[str]:
    """All that a subscription may have matched."""
    return {
        *(f"initiative:{tag.id}" for tag in tags.initiatives),
        *(f"agency:{tag.id}" for tag in tags.agencies),
        *(f"place:{place.id}" for place in tags.places),
        *(f"document:{document.key}" for document in tags.documents),
    }
