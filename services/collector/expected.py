"""What the log must hold after given polls: the pure fold that fault tests compare the log with, byte for byte."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.collector import items
from services.collector.decide import decide
from services.collector.feedstate import Look, after_look
from services.collector.items import Pages
from services.collector.known import FeedState
from services.collector.reading.entry import Document
from services.collector.state import PartitionState
from services.collector.web.response import Response
from tinsom.log import Output
from tinsom.messages import Source


@dataclass(frozen=True, slots=True)
class Shown:
    """A source showed `document` at `now`; `pages` by the entry's position."""

    source: Source
    document: Document
    now: float
    pages: Pages = field(default_factory=dict)


def expected_items(shown: Sequence[Shown], memory: PartitionState | None = None) -> list[Output]:
    """The records of topic `items` that come of these documents, one after the other, and nothing else does."""
    memory = memory or PartitionState()
    return [output for one in shown for output in _published(one, memory)]


def _published(shown: Shown, memory: PartitionState) -> list[Output]:
    """The items of one document, and `memory` moved on as their commit moves it."""
    source, now = shown.source, shown.now
    feed = memory.feeds.get(source.id) or FeedState(source=source.id, publisher=source.publisher)
    reading = decide(shown.document.entries, memory.known(source.publisher), feed, source, now)
    after = after_look(feed, source, Look("ok", Response(source.url, 200), shown.document), now, reading)
    for item in items.states(reading.decisions):
        memory.put(item)
    memory.put(after)
    return items.published(reading.decisions, source, shown.document, shown.pages, now)
