"""The story changes of the last 30 days, made small: what a subscription would have sent, and why an item was
tagged. Pure; `services.alerter.bot.pastlog` reads them from the log.

An entry keeps all that `plan` looks at, but the text; a reader's own subscriptions look for words in title and
lede alone. So a forecast is the real plan and the real rules of arrival, over what really happened.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple

import msgspec

from services.alerter import arrival, ledger
from services.alerter.book import Book
from services.alerter.plan import Rules, plan
from tinsom.messages import Alert, Evidence, Item, Match, Mute, StoryChange, Subscription, Tag, TaggedItem, Tags
from tinsom.text import slug

DAY = 86_400.0
DAYS = 30
MOST = 30_000  # entries; beyond it the days that are looked at become fewer
LATEST = 5
CHUNK = 50  # entries between two moments in which others get their turn
_KEPT = 160  # of a quoted phrase


class Because(NamedTuple):
    """Where a tag was found, and in which words."""

    field: str
    words: str


class Entry(NamedTuple):
    at: float  # seconds
    raw: bytes  # the StoryChange without text and evidence
    tagged: frozenset[str]  # `initiative:de-an-06`, in any role
    item: str


class Seen(NamedTuple):
    """An item as a reader saw it, and what is known of its tags."""

    title: str
    url: str
    source: str
    because: dict[str, Because]
    folded: str = ""  # the title without marks, case and punctuation


class Line(NamedTuple):
    title: str
    url: str
    at: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """What would have been sent in the `days` that are known of: how much, and the latest."""

    count: int
    days: float
    latest: tuple[Line, ...]

    @property
    def per_day(self) -> float:
        return self.count / max(self.days, 1.0)

    @property
    def whole_days(self) -> int:
        """A part of a day is a day."""
        return max(1, round(self.days))


@dataclass
class Past:
    entries: list[Entry] = field(default_factory=list)  # in the order of time
    items: dict[str, Seen] = field(default_factory=dict)
    began: float = 0.0  # of what is kept; 0 while nothing was read
    frequent: tuple[str, ...] = ()  # initiatives, most in the news first
    _sorted: bool = True

    def add(self, at: float, change: StoryChange) -> None:
        """Raises msgspec.DecodeError when the item in it cannot be read."""
        tagged = msgspec.json.decode(change.tagged, type=TaggedItem)
        item = msgspec.json.decode(tagged.item, type=Item)
        self.items.pop(item.id, None)
        self.items[item.id] = _seen(item, tagged.tags)
        if self.entries and at < self.entries[-1].at:
            self._sorted = False
        self.entries.append(Entry(at, _small(change, item, tagged.tags), _keys(tagged.tags), item.id))
        self.began = min(self.began or at, at)

    def prune(self, now: float) -> None:
        """Forget what is too old or too much."""
        self._order()
        counted = Counter(tag for entry in self.entries for tag in entry.tagged if tag.startswith("initiative:"))
        self.frequent = tuple(tag.partition(":")[2] for tag, _ in counted.most_common())
        first = max(bisect_left(self.entries, now - DAYS * DAY, key=attrgetter("at")), len(self.entries) - MOST)
        if first <= 0:
            return
        gone = self.entries[:first]
        del self.entries[:first]
        kept = {entry.item for entry in self.entries}
        for entry in gone:
            if entry.item not in kept:
                self.items.pop(entry.item, None)
        self.began = self.entries[0].at if self.entries else now

    def recall(self, text: str) -> Entry | None:
        """The newest change of the item that is meant: by its address, or by words of its title."""
        words = slug(text).split("-")
        for entry in reversed(self.entries):
            seen = self.items.get(entry.item)
            if seen is not None and (text == seen.url or (words[0] and _has(seen.folded, words))):
                return entry
        return None

    def _order(self) -> None:
        if not self._sorted:
            self.entries.sort(key=attrgetter("at"))  # stable: a story's own changes keep their order
            self._sorted = True

    def days(self, now: float) -> float:
        """How much of the last 30 days is known."""
        return min(float(DAYS), max(0.0, now - self.began) / DAY) if self.began else 0.0

    def matching(self, match: Match) -> list[Entry]:
        """All that can meet `match`: a cheap look, which `plan` repeats in earnest."""
        self._order()
        wanted = [
            frozenset(f"{kind}:{id_}" for id_ in ids)
            for kind, ids in (
                ("initiative", match.initiatives),
                ("agency", match.agencies),
                ("place", match.places),
            )
            if ids
        ]
        return [entry for entry in self.entries if all(not ids.isdisjoint(entry.tagged) for ids in wanted)]


@dataclass
class Counting:
    """A forecast in the making: entries in the order of time, any number at a time."""

    wishes: Sequence[Subscription]
    rules: Rules
    mutes: Sequence[Mute] = ()
    told: dict[str, Line] = field(default_factory=dict)  # by alert, oldest first
    _book: Book = field(default_factory=Book)

    def take(self, entry: Entry) -> None:
        change = msgspec.json.decode(entry.raw, type=StoryChange)
        for decision in plan(change, self.wishes, self.rules, mutes=self.mutes):
            if isinstance(decision, Alert):
                self._arrived(decision, entry.at)

    def _arrived(self, alert: Alert, at: float) -> None:
        delivery = arrival.decide(alert, self._book, None, at)
        self._book.put(delivery)
        if delivery.state != "suppressed" and not delivery.edits:
            self.told[alert.id] = Line(alert.notice.title, alert.notice.url, at)

    def result(self, days: float) -> Forecast:
        return Forecast(len(self.told), days, latest(self.told.values()))


def latest(lines: Iterable[Line]) -> tuple[Line, ...]:
    """The newest first, of lines in the order of time."""
    return tuple(reversed([*lines][-LATEST:]))


def since(now: float) -> datetime:
    """When what is tried would have begun: a story that is older is not new to it."""
    return ledger.when(now - DAYS * DAY)


def wish(match: Match, now: float) -> Subscription:
    return Subscription(id="forecast", destination="forecast", match=match, since=since(now))


def forecast(past: Past, match: Match, rules: Rules, now: float) -> Forecast:
    """In one go; the bot counts in chunks instead."""
    counting = Counting([wish(match, now)], rules)
    for entry in past.matching(match):
        counting.take(entry)
    return counting.result(past.days(now))


def chunks(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    return (entries[start : start + CHUNK] for start in range(0, len(entries), CHUNK))


def _has(folded: str, words: list[str]) -> bool:
    return all(word in folded for word in words) and set(words) <= set(folded.split("-"))


def _keys(tags: Tags) -> frozenset[str]:
    return frozenset(
        [f"initiative:{t.id}" for t in tags.initiatives]
        + [f"agency:{t.id}" for t in tags.agencies]
        + [f"place:{p.id}" for p in tags.places]
    )


def _small(change: StoryChange, item: Item, tags: Tags) -> bytes:
    light = msgspec.structs.replace(
        tags, initiatives=_bare(tags.initiatives), agencies=_bare(tags.agencies), indicators=[]
    )
    raw = msgspec.Raw(msgspec.json.encode(msgspec.structs.replace(item, text="")))
    inner = msgspec.Raw(msgspec.json.encode(TaggedItem(item=raw, tags=light)))
    return msgspec.json.encode(msgspec.structs.replace(change, tagged=inner))


def _bare(tags: list[Tag]) -> list[Tag]:
    return [msgspec.structs.replace(tag, evidence=[]) for tag in tags]


def _seen(item: Item, tags: Tags) -> Seen:
    because = {}
    for kind, found in (("initiative", tags.initiatives), ("agency", tags.agencies)):
        for tag in found:
            if tag.evidence:
                because[f"{kind}:{tag.id}"] = _because(min(tag.evidence, key=_rank), item)
    return Seen(item.title, item.url, item.source_name or item.publisher, because, slug(item.title))


_FIELDS = ("title", "lede", "text")


def _rank(evidence: Evidence) -> tuple[int, int]:
    return _FIELDS.index(evidence.field), evidence.start


def _because(evidence: Evidence, item: Item) -> Because:
    text: str = getattr(item, evidence.field)
    return Because(evidence.field, text[evidence.start : evidence.end][:_KEPT])
