"""Bursts on the real stream: how many a week, of what, how late. `pytest -m soak -s` prints."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import datetime
from statistics import median

import pytest

from tests.classifier import story_building as building
from tests.classifier.private import FOLDER, needs_private_data, tagger
from tinsom import messages as m


def arrivals() -> Iterator[m.Item]:
    with gzip.open(FOLDER / "stream" / "first_seen.jsonl.gz") as lines:
        for line in lines:
            row = json.loads(line)
            yield m.Item(
                id=row["id"], publisher=row["source"], source=row["source"], url=row["link"], title=row["title"],
                lede=row["summary"] or "", fetched_at=datetime.fromisoformat(row["first_seen"]),
            )  # fmt: skip


def named(item: m.Item) -> m.Tags:
    tags, name = tagger().tag(item), tagger().taxonomy.name
    return m.Tags(
        id=item.id, taxonomy=tags.taxonomy, documents=tags.documents, places=tags.places, events=tags.events,
        initiatives=[m.Tag(id=t.id, role=t.role, score=t.score, evidence=[], via=t.via) for t in tags.initiatives],
        agencies=[
            m.Tag(id=t.id, role=t.role, score=t.score, evidence=[], via=t.via, name=name(t.id))
            for t in tags.agencies
        ],
    )  # fmt: skip


def shown(told: m.Signal, titles: dict[str, str], at: datetime) -> str:
    hours = (at - told.since).total_seconds() / 3600
    head = (
        f"{at:%d/%m %H:%M} {told.about}: {told.observed} in {told.window // 3600} h, usual {told.expected:g},"
        f" {hours:.1f} h after the first"
    )
    return "\n".join([head, *(f"    {titles[item][:90]}" for item in told.items)])


@needs_private_data
@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_bursts_of_the_real_stream() -> None:
    stage, titles, found = building.stage_on(), {}, []
    for item in arrivals():
        titles[item.id] = item.title
        tags = named(item)
        given = building.tagged(item, **{f: getattr(tags, f) for f in tags.__struct_fields__ if f != "id"})
        for change in building.changes(building.handled(stage, given)[1]):
            if change.kind == "burst" and change.signal is not None:
                found.append((change.began_at, change.signal))
        building.ticked(stage, item.fetched_at)
    for at, signal in found:
        print(shown(signal, titles, at))
    weeks = (found[-1][0] - found[0][0]).days / 7
    delays = [(at - signal.since).total_seconds() / 3600 for at, signal in found]
    print(f"{len(found)} bursts in {weeks:.0f} weeks, {median(delays):.1f} h after the first item")
    assert 0.5 < len(found) / weeks < 3
    assert median(delays) < 4
