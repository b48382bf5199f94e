"""Nine months of real arrivals played as feeds: with their edits, outages, a guid churn and a domain move."""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.collector.decide import PUBLISHED, decide
from services.collector.entry import Entry
from services.collector.identity import folded
from services.collector.known import FeedState, Known
from services.collector.share import Fingerprints
from tests.collector.build import source

WINDOW = 60  # entries that a feed shows
DAY = 86_400.0
CHURN, MOVE = 90 * DAY, 150 * DAY  # after the beginning
OUTAGES = ((60 * DAY, 60.5 * DAY), (120 * DAY, 120.2 * DAY))


@dataclass
class Feed:
    """One feed as a server shows it: the newest items, edits included."""

    id: str
    publisher: str
    window: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=WINDOW))
    shown: dict[str, tuple[str, str]] = field(default_factory=dict)  # link → words at the last poll

    def entries(self, age: float) -> list[Entry]:
        return [self._entry(row, age, i) for i, row in enumerate(reversed(self.window))]

    def _entry(self, row: dict[str, Any], age: float, position: int) -> Entry:
        link, guid = row["link"], row["link"]
        if age > CHURN and self.publisher == "tt":
            guid = "urn:uuid:" + row["id"]
        if age > MOVE and self.publisher == "tn":
            link = guid = link.replace("thanhnien.vn", "moi.example")
        raw = hash((guid, link, row["title"], row["summary"]))
        return Entry(guid, link, row["title"], row["summary"], "", "", row["published"], position, raw=raw)


PUBLISHERS = {"Tuổi Trẻ": "tt", "Thanh Niên": "tn", "VnExpress": "vne"}


def arrivals(folder: Path, days: float) -> Iterator[tuple[float, str, list[dict[str, Any]]]]:
    """(time, source, rows of that poll), edits among them with the row they change."""
    found: dict[tuple[float, str], list[dict[str, Any]]] = defaultdict(list)
    first: dict[str, dict[str, Any]] = {}
    with gzip.open(folder / "first_seen.jsonl.gz", "rt") as lines:
        for row in map(json.loads, lines):
            first[row["link"]] = row
            found[datetime.fromisoformat(row["first_seen"]).timestamp(), row["source"]].append(row)
    for line in (folder / "edits.jsonl").read_text("utf-8").splitlines():
        edit = json.loads(line)
        shown_in = first[edit["link"]]["source"]
        found[datetime.fromisoformat(edit["seen"]).timestamp(), shown_in].append(edit)
    start = min(at for at, _ in found)
    yield from ((at, feed, rows) for (at, feed), rows in sorted(found.items()) if at - start < days * DAY)


class Monitor:
    def __init__(self) -> None:
        self.known: dict[str, Known] = defaultdict(Known)
        self.feeds: dict[str, FeedState] = {}
        self.prints: dict[str, Fingerprints] = defaultdict(Fingerprints)
        self.outcomes: Counter[str] = Counter()
        self.revisions: dict[str, int] = {}
        self.titles: dict[str, set[str]] = defaultdict(set)
        self.most_new = 0

    def poll(self, feed: Feed, now: float, age: float) -> None:
        src = source(feed.id, feed.publisher)
        state = self.feeds.get(feed.id, FeedState(source=feed.id, publisher=feed.publisher))
        memo = self.prints[feed.id].memo(now)
        shown = feed.entries(age)
        fresh = [e for e in shown if e.raw not in memo]
        unchanged = tuple(memo[e.raw] for e in shown if e.raw in memo)
        reading = decide(fresh, self.known[feed.publisher], state, src, now, unchanged)
        for d in reading.decisions:
            self.outcomes[d.outcome] += 1
            if d.item is None:
                continue
            self.known[feed.publisher].put(d.item)
            self.titles[d.item.id].add(folded(d.entry.title))
            if d.outcome in PUBLISHED:
                assert d.item.revision == self.revisions.get(d.item.id, 0) + 1
                self.revisions[d.item.id] = d.item.revision
        if state.baseline_done:
            self.most_new = max(self.most_new, sum(d.outcome == "new" for d in reading.decisions))
        self.prints[feed.id].keep(memo, reading, now)
        self.feeds[feed.id] = msgspec.structs.replace(
            state, baseline_done=True, url=src.url, document_at=now, distrust=list(reading.distrust)
        )


def play(folder: Path, days: float) -> None:
    feeds: dict[str, Feed] = {}
    monitor, links, edits, start = Monitor(), set(), 0, 0.0
    for now, name, rows in arrivals(folder, days):
        start = start or now
        age = now - start
        feed = feeds.setdefault(name, Feed(name, PUBLISHERS[name.split(" - ")[0]]))
        for row in rows:
            if "new_title" in row:
                _edit(feed, row)
            else:
                feed.window.append(row)
        if any(begin < age < end for begin, end in OUTAGES):
            continue
        links |= {row["link"] for row in feed.window}
        edits += _edits_shown(feed)
        monitor.poll(feed, now, age)
    published = len(monitor.revisions)
    merged = {i: t for i, t in monitor.titles.items() if len(t) > 2}
    print(f"\n{len(links)} links shown, {edits} edits; {published} items, {dict(monitor.outcomes)};")
    distrust = {name: state.distrust for name, state in monitor.feeds.items() if state.distrust}
    print(
        f"most new in one poll {monitor.most_new}; distrust {distrust}; {len(merged)} items with 3 titles or more"
    )
    assert monitor.outcomes["dropped-no-identity"] == 0
    # An article under two links is one item, if title and time agree; nothing else is missing, nothing twice.
    assert 0.995 * len(links) <= published <= len(links)
    assert monitor.outcomes["changed"] == edits


def _edit(feed: Feed, edit: dict[str, Any]) -> None:
    for i, row in enumerate(feed.window):
        if row["link"] == edit["link"]:
            feed.window[i] = {**row, "title": edit["new_title"], "summary": edit["new_summary"]}


def _edits_shown(feed: Feed) -> int:
    """How many entries the feed shows with other words than at the poll before."""
    now = {row["link"]: (row["title"], row["summary"]) for row in feed.window}
    edits = sum(1 for link, words in now.items() if feed.shown.get(link, words) != words)
    feed.shown.update(now)
    return edits


def test_two_weeks(private_data: Path) -> None:
    play(private_data / "stream", 14)


@pytest.mark.soak
def test_nine_months_with_churn_and_move(private_data: Path) -> None:
    play(private_data / "stream", 365)


def test_the_rows_are_not_changed_by_playing() -> None:
    feed = Feed("x", "tt")
    feed.window.append({"link": "https://a.example/1", "id": "1", "title": "a", "summary": "b", "published": ""})
    assert replace(feed.entries(0.0)[0], raw=0) == feed.entries(0.0)[0]
