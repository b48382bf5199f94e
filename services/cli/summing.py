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
    return [await _collected(log), *await stages(log), await delivered(log)]


async def stages(log: Log) -> list[Book]:
    return [await _stage(log, name) for name in QUEUES]


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


async def delivered(log: Log) -> Book:
    """Alerts on the log against the last state of each delivery."""
    alerts = 0
    async for record in log.read("alerts", 0):
        alerts += isinstance(codec.decode(record), Alert)
    return Book("send", alerts, "alerts", dict(Counter(map(_ended, await _deliveries(log)))))


def _ended(delivery: Delivery) -> str:
    """What waits for a digest has had its decision; it is not late."""
    return "for the next digest" if delivery.state == "pending" and delivery.lane == "digest" else delivery.state


async def _deliveries(log: Log) -> list[Delivery]:
    """The newest record of each delivery of an alert; a digest, even an empty one, is a letter of its own."""
    newest: dict[str, Delivery] = {}
    async for record in log.read("deliveries", 0):
        message = codec.decode(record)
        if isinstance(message, Delivery):
            newest[message.alert_id] = message
    return [delivery for delivery in newest.values() if not (delivery.digest or delivery.backfills)]


async def open_deliveries(log: Log, now: float | None = None) -> int:
    """Deliveries without a result; with `now` (s) only those that wait for nothing but their turn."""
    found = [delivery for delivery in await _deliveries(log) if delivery.state in OPEN]
    if now is not None:
        found = [d for d in found if d.lane == "now" and (d.not_before is None or d.not_before.timestamp() <= now)]
    return len(found)


async def is_busy(log: Log, now: float) -> bool:
    """Is a record unread, or an alert that may go out not yet out?"""
    lags = [lag.records for stage, topic in QUEUES.items() for lag in await log.lag(stage, topic)]
    return any(lags) or bool(await open_deliveries(log, now))


def table(books: list[Book]) -> View:
    view = View("stage", "went in", "ended as", "unaccounted", title="What became of everything")
    for book in books:
        ended = ", ".join(f"{count} {outcome}" for outcome, count in sorted(book.outcomes.items()) if count)
        view.add_row(book.stage, f"{book.went_in} {book.what}", ended, str(book.unaccounted))
    return view
