"""The books of a run: what went into each stage, how each record ended, and that the two are equal.

What went in is counted on the log; how it ended is what the stage itself counted. That they agree is the
invariant "every record ends each stage in exactly one outcome".
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from rich.table import Table as View

from tinsom import codec, metrics
from tinsom.log import Log
from tinsom.messages import Alert, Delivery, Item
from tinsom.topics import QUEUES

OPEN = ("pending", "sending")


@dataclass(frozen=True)
class Book:
    stage: str
    went_in: int
    what: str
    outcomes: dict[str, int]

    @property
    def unaccounted(self) -> int:
        return self.went_in - sum(self.outcomes.values())


async def books(log: Log) -> list[Book]:
    return [await _collected(log), *[await _stage(log, name) for name in QUEUES], await _delivered(log)]


async def _collected(log: Log) -> Book:
    """Entries that the collector says it published, against the items on the log by what they are."""
    counted = metrics.values(metrics.ENTRIES)
    published = sum(count for outcome, count in counted.items() if outcome in ("new", "changed", "baseline"))
    found: Counter[str] = Counter()
    for number in range(log.partitions_of("items")):
        async for record in log.read("items", number):
            item = codec.decode_as(record, Item)
            found["baseline" if item.baseline else item.change] += 1
    return Book("collect", published, "entries new or changed", dict(found))


async def _stage(log: Log, stage: str) -> Book:
    topic, went_in = QUEUES[stage], 0
    for number in range(log.partitions_of(topic)):
        async for _ in log.read(topic, number):  # offsets would count a broker's commit markers too
            went_in += 1
    return Book(stage, went_in, topic, metrics.values(metrics.ITEMS, stage))


async def _delivered(log: Log) -> Book:
    """Alerts on the log against the last state of each delivery."""
    alerts = 0
    async for record in log.read("alerts", 0):
        alerts += isinstance(codec.decode(record), Alert)
    return Book("send", alerts, "alerts", dict(await delivery_states(log)))


async def delivery_states(log: Log) -> Counter[str]:
    newest: dict[str, str] = {}
    async for record in log.read("deliveries", 0):
        message = codec.decode(record)
        if isinstance(message, Delivery):
            newest[message.alert_id] = message.state
    return Counter(newest.values())


async def open_deliveries(log: Log) -> int:
    states = await delivery_states(log)
    return sum(states[state] for state in OPEN)


def table(books: list[Book]) -> View:
    view = View("stage", "went in", "ended as", "unaccounted", title="What became of everything")
    for book in books:
        ended = ", ".join(f"{count} {outcome}" for outcome, count in sorted(book.outcomes.items()) if count)
        view.add_row(book.stage, f"{book.went_in} {book.what}", ended, str(book.unaccounted))
    return view
