"""Nine months of real arrivals played as feeds: with their edits, outages, a guid churn and a domain move.

Each item appears when its address or its stamp says that it was published; the collector's own functions decide
when to look, what a look means and what each entry is. Beside it, a reader that looks at a fixed interval.
"""

from __future__ import annotations

import gzip
import heapq
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.collector import polling, schedule
from services.collector.decide import PUBLISHED, Reading, decide
from services.collector.feedstate import Look, after_look
from services.collector.identity import folded
from services.collector.known import FeedState, Known
from services.collector.reading import dates
from services.collector.reading.entry import Document, Entry
from services.collector.share import Run
from services.collector.web.response import Response
from tests.collector.build import source

WINDOW = 60  # entries that a feed shows, and those of which a later edit proves that it still showed them
HOUR, DAY = 3_600.0, 86_400.0
# Learning when a source sleeps saves looks: ours may be configured shorter than the fixed one, and look less.
OURS, EVERY = 780.0, 900.0
CHURN, MOVE = 90 * DAY, 150 * DAY  # after the beginning
OUTAGES = ((60 * DAY, 60.5 * DAY), (120 * DAY, 120.2 * DAY))
PUBLISHERS = {"Tuổi Trẻ": "tt", "Thanh Niên": "tn", "VnExpress": "vne"}
ZONE = "Asia/Ho_Chi_Minh"


@dataclass(frozen=True)
class Plan:
    """What happens, in seconds after the beginning."""

    days: float = 284.0  # all there are
    churn: float = CHURN
    move: float = MOVE
    outages: tuple[tuple[float, float], ...] = OUTAGES


def published_at(row: dict[str, Any]) -> float:
    """By the address; else by the stamp, seven hours early, where it is no fetch time; else when it was seen."""
    seen = datetime.fromisoformat(row["first_seen"]).timestamp()
    found = dates.from_address(row["link"], now=seen, timezone=ZONE).at
    if found is not None:
        return found.timestamp()
    if row["source"].startswith("Tuổi Trẻ"):
        return seen
    return min(datetime.fromisoformat(row["published"]).timestamp() + 7 * HOUR, seen)


@dataclass
class Feed:
    """One feed as a server shows it. An event is a new row, or other words for one that is shown."""

    id: str
    publisher: str
    plan: Plan
    events: list[tuple[float, int, dict[str, Any]]] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)  # newest last
    edits_to_come: Counter[str] = field(default_factory=Counter)
    version: int = 0
    at: int = 0
    _entries: dict[str, Entry] = field(default_factory=dict)

    def advance(self, now: float) -> None:
        while self.at < len(self.events) and self.events[self.at][0] <= now:
            self._happen(self.events[self.at][2])
            self.at += 1
            self.version += 1

    def _happen(self, row: dict[str, Any]) -> None:
        if "new_title" not in row:
            self.rows.append(row)
        else:
            self._edit(row)
        old = [row for row in self.rows[:-WINDOW] if self.edits_to_come[row["link"]] > 0]
        self.rows = old + self.rows[-WINDOW:]

    def _edit(self, edit: dict[str, Any]) -> None:
        """Other words; in a feed that has not shown the link yet, a link that another feed showed with others."""
        self.edits_to_come[edit["link"]] -= 1
        words = {"title": edit["new_title"], "summary": edit["new_summary"]}
        if all(row["link"] != edit["link"] for row in self.rows):
            self.rows.append(edit["row"])
        self.rows = [{**row, **words} if row["link"] == edit["link"] else row for row in self.rows]
        self._entries.pop(edit["link"], None)

    def entries(self, age: float) -> list[Entry]:
        churned, moved = age > self.plan.churn and self.publisher == "tt", age > self.plan.move
        era = 1 if churned else 2 if moved and self.publisher == "tn" else 0
        return [self._entry(row, era) for row in reversed(self.rows)]

    def _entry(self, row: dict[str, Any], era: int) -> Entry:
        key = row["link"]
        known = self._entries.get(key)
        if known is None or known.position != era:
            link = key.replace("thanhnien.vn", "moi.example") if era >= 2 else key
            guid = "urn:uuid:" + row["id"] if era == 1 else link
            date = datetime.fromtimestamp(row["at"], UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
            title, lede = row["title"], row["summary"]
            # `position` says which era the entry is of; nothing that is decided looks at it here.
            known = Entry(guid, link, title, lede, "", "", date, era, raw=hash((guid, link, title, lede)))
            self._entries[key] = known
        return known


def edits_of(folder: Path) -> Iterator[dict[str, Any]]:
    """The edits in their order; `fresh` are those with words that were never seen before.

    The others, half of them, say again and again that two feeds of a paper show a link with different words.
    """
    edits = map(json.loads, (folder / "edits.jsonl").read_text("utf-8").splitlines())
    words: dict[str, set[tuple[str, str]]] = {}
    for edit in sorted(edits, key=lambda edit: datetime.fromisoformat(edit["seen"])):
        known = words.setdefault(edit["link"], {(edit["old_title"], edit["old_summary"])})
        new = edit["new_title"], edit["new_summary"]
        yield {**edit, "fresh": new not in known}
        known.add(new)


def feeds_of(folder: Path, plan: Plan) -> tuple[list[Feed], float]:
    """The feeds with what will happen in them, and the beginning."""
    rows: dict[str, dict[str, Any]] = {}
    with gzip.open(folder / "first_seen.jsonl.gz", "rt") as lines:
        for row in map(json.loads, lines):
            rows[row["link"]] = {**row, "at": published_at(row)}
    start = min(datetime.fromisoformat(row["first_seen"]).timestamp() for row in rows.values())
    found: dict[str, Feed] = {}
    events = [(row["at"], row["source"], row) for row in rows.values()]
    for edit in edits_of(folder):
        row, seen = rows[edit["link"]], datetime.fromisoformat(edit["seen"]).timestamp()
        shown_in = row["source"] if edit["fresh"] else edit["source"]
        events.append((max(seen, row["at"]), shown_in, {**edit, "row": row}))
    for number, (at, name, row) in enumerate(events):
        if at >= start + plan.days * DAY:
            continue
        feed = found.setdefault(name, Feed(name, PUBLISHERS[name.split(" - ")[0]], plan))
        feed.events.append((at, number, row))
        feed.edits_to_come[row["link"]] += "new_title" in row
    for feed in found.values():
        feed.events.sort(key=lambda event: event[:2])
    return list(found.values()), start


@dataclass
class Monitor:
    """The collector without its network and log: look, decide, remember, plan the next look."""

    start: float
    known: dict[str, Known] = field(default_factory=lambda: defaultdict(Known))
    states: dict[str, FeedState] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    revisions: dict[str, int] = field(default_factory=dict)  # item → its newest
    changed: Counter[str] = field(default_factory=Counter)
    found_at: dict[str, float] = field(default_factory=dict)  # link → when it was published as news
    ids: dict[str, str] = field(default_factory=dict)  # link → item
    titles: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    polls: int = 0
    most_new: int = 0
    rollovers: int = 0

    def look(self, feed: Feed, now: float) -> float:
        """One poll; when the next one is due."""
        self.polls += 1
        watched = source(feed.id, feed.publisher, interval=OURS)
        state = self.states.get(feed.id, FeedState(source=feed.id, publisher=feed.publisher))
        run = self.runs.setdefault(feed.id, Run(watched))
        down = any(begin < now - self.start < end for begin, end in feed.plan.outages)
        reading: Reading | None = None
        if down:
            seen = Look("http_5xx", Response(watched.url, 503))
        elif self.versions.get(feed.id) == feed.version:
            seen = Look("unchanged", Response(watched.url, 200))
        else:
            seen, reading = self._read(feed, state, run, now)
        after = self.states[feed.id] = after_look(state, watched, seen, now, reading)
        run.asked_until = now
        return polling._due(run, after, seen, now)

    def _read(self, feed: Feed, state: FeedState, run: Run, now: float) -> tuple[Look, Reading]:
        memo = run.memo.memo(now)
        shown = feed.entries(now - self.start)
        fresh = [entry for entry in shown if entry.raw not in memo]
        unchanged = tuple(memo[entry.raw] for entry in shown if entry.raw in memo)
        reading = decide(fresh, self.known[feed.publisher], state, run.source, now, unchanged)
        self._count(feed, reading, now)
        run.memo.keep(reading, now)
        new = sum(d.outcome == "new" for d in reading.decisions)
        if not reading.baseline:
            self.most_new = max(self.most_new, new)
            run.longest = schedule.roll_off(run.longest, new, reading.shown, now - state.document_at)
        self.rollovers += reading.rollover
        self.versions[feed.id] = feed.version
        return Look("ok", Response(run.source.url, 200), Document(entries=shown)), reading

    def _count(self, feed: Feed, reading: Reading, now: float) -> None:
        for d in reading.decisions:
            self.outcomes[d.outcome] += 1
            if d.item is None:
                continue
            self.known[feed.publisher].put(d.item)
            link = d.entry.link.replace("moi.example", "thanhnien.vn")
            assert self.ids.setdefault(link, d.item.id) == d.item.id, link
            self.titles[d.item.id].add(folded(d.entry.title))
            if d.outcome in PUBLISHED:
                assert d.item.revision == self.revisions.get(d.item.id, 0) + 1, link
                self.revisions[d.item.id] = d.item.revision
            self.changed[link] += d.outcome == "changed"
            if d.outcome == "new":
                assert link not in self.found_at, link
                self.found_at[link] = now


Words = dict[str, tuple[str, str]]


@dataclass
class Shown:
    """What a feed showed at the looks that got through: each link, and how often its words became others.

    `published` is shared by all feeds: words that go back to what is known already are no news.
    """

    published: Words
    links: set[str] = field(default_factory=set)
    edits: Counter[str] = field(default_factory=Counter)
    words: Words = field(default_factory=dict)
    version: int = -1

    def see(self, feed: Feed) -> None:
        if feed.version == self.version:
            return
        self.version = feed.version
        for row in feed.rows:
            link, words = row["link"], (row["title"], row["summary"])
            self.published.setdefault(link, words)
            if self.words.get(link, words) != words != self.published[link]:
                self.edits[link] += 1
                self.published[link] = words
            self.words[link] = words
            self.links.add(link)


def play(folder: Path, plan: Plan) -> None:
    feeds, start = feeds_of(folder, plan)
    published: Words = {}
    monitor, shown = Monitor(start), {feed.id: Shown(published) for feed in feeds}
    due = [(start + 10.0 * n, n) for n in range(len(feeds))]
    end = start + plan.days * DAY
    while due:
        now, number = heapq.heappop(due)
        if now >= end:
            continue
        feed = feeds[number]
        feed.advance(now)
        heapq.heappush(due, (monitor.look(feed, now), number))
        if monitor.versions.get(feed.id) == feed.version:
            shown[feed.id].see(feed)
    _check(monitor, shown, feeds, start, plan)


def _check(monitor: Monitor, shown: dict[str, Shown], feeds: list[Feed], start: float, plan: Plan) -> None:
    links = {link for one in shown.values() for link in one.links}
    edits = sum((one.edits for one in shown.values()), Counter())
    published = len(monitor.revisions)
    happened = [event[2] for feed in feeds for event in feed.events[: feed.at] if "new_title" in event[2]]
    fresh = sum(edit["fresh"] for edit in happened)
    print(f"\n{plan.days:.0f} days, {len(links)} links shown;")
    print(f"{len(happened)} edits, {fresh} with new words; {edits.total()} changes between two looks at one feed;")
    print(f"{published} items, {dict(monitor.outcomes)}; most new in one look {monitor.most_new}")
    # Everything that was shown is one item, once; two links of one item bear its title.
    assert links == monitor.ids.keys()
    assert set(monitor.ids.values()) == monitor.revisions.keys()
    assert published == monitor.outcomes["new"] + monitor.outcomes["baseline"]
    assert len(links) - published <= 0.005 * len(links)
    assert monitor.outcomes["dropped-no-identity"] == 0
    # An item under two links has two entries, and what one of them says may be news of the other.
    twins = {item for item, count in Counter(monitor.ids.values()).items() if count > 1}
    wrong = {link for link in links if monitor.changed[link] != edits[link] and monitor.ids[link] not in twins}
    assert wrong == set()
    missed = [e[0] - start for feed in feeds for e in feed.events[: feed.at] if e[2]["link"] not in links]
    missed = [at for at in missed if at >= 0]
    print(f"{len(missed)} came and went unseen in outages")
    assert all(any(begin - HOUR < at < end + 2 * HOUR for begin, end in plan.outages) for at in missed), missed
    _compare(monitor, feeds, start, plan)


def _compare(monitor: Monitor, feeds: list[Feed], start: float, plan: Plan) -> None:
    """Against a reader that looks every `EVERY` seconds at the same feeds, and meets the same outages."""
    ours, fixed = [], []
    for feed in feeds:
        for at, _, row in feed.events[: feed.at]:
            found = monitor.found_at.get(row["link"])
            if "new_title" not in row and found is not None:
                ours.append(found - at)
                fixed.append(_next_fixed(at, start, plan) - at)
    looks = int(plan.days * DAY / EVERY) * len(feeds)
    mean, other = sum(ours) / len(ours), sum(fixed) / len(fixed)
    print(f"configured {OURS:.0f} s: {monitor.polls} looks, news {mean:.0f} s late")
    print(f"every {EVERY:.0f} s: {looks} looks, news {other:.0f} s late")
    assert monitor.polls < looks
    assert mean < other


def _next_fixed(at: float, start: float, plan: Plan) -> float:
    looked = start + -(-(at - start) // EVERY) * EVERY
    while any(begin < looked - start < end for begin, end in plan.outages):
        looked += EVERY
    return looked


def test_two_weeks(private_data: Path) -> None:
    """All that happens in nine months, in two weeks."""
    play(private_data / "stream", Plan(12, churn=7 * DAY, move=9 * DAY, outages=((5 * DAY, 5.15 * DAY),)))


@pytest.mark.soak
def test_nine_months_with_churn_and_move(private_data: Path) -> None:
    play(private_data / "stream", Plan())
