"""`tinsom replay --run`: recorded input through the services of now, in a scratch namespace, notifying nobody.

Records are fed in the order of (timestamp, key), a few hundred at a time; the clock stands at the newest of
them, so that timers run by record time, and waits until every stage has caught up.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from services.cli import applying, summing
from services.cli.summing import Book
from tinsom import codec, process
from tinsom.clock import RecordClock
from tinsom.config import Config, HttpConfig
from tinsom.errors import DecodeError, InputError
from tinsom.log import Log, Record
from tinsom.messages import Alert, Suppression, TaggedItem
from tinsom.service import Context, Service
from tinsom.topics import QUEUES

CHUNK = 500
LOOK_SECONDS = 0.05


@dataclass
class Outcome:
    """What would have happened: books of the stages, tags by id, and who would have been told, or not and why."""

    books: list[Book]
    tags: Counter[str] = field(default_factory=Counter)
    told: Counter[tuple[str, str]] = field(default_factory=Counter)  # (destination, "alert" or a reason)


async def rerun(
    config: Config,
    log: Log,
    topic: str,
    records: Iterable[Record],
    services: Sequence[Service],
    progress: Callable[[int], None] = lambda count: None,
) -> Outcome:
    """Run `services` over `records` until all is done; raises InputError for a topic that no stage reads."""
    if topic not in QUEUES.values():
        raise InputError(f"no stage reads {topic}; a replay can run from {', '.join(QUEUES.values())}")
    if log.namespace == config.namespace:
        raise InputError(f"namespace {log.namespace!r} is the live one; a replay needs another")
    ordered = sorted(records, key=lambda record: (record.timestamp, record.key or b""))
    # A moment before the first record: nothing of it is older than the subscriptions.
    clock = RecordClock((ordered[0].timestamp - 1) / 1000 if ordered else 0.0)
    await applying.apply(config, log, clock)
    # The live processes have the port.
    quiet = msgspec.structs.replace(config, http=HttpConfig(port=0))
    context = Context(log, clock, quiet, replay=True)
    feeder = asyncio.create_task(_feed(context, clock, ordered, progress))
    try:
        await process.run(services, context)
    finally:
        feeder.cancel()
        await asyncio.gather(feeder, return_exceptions=True)
    if feeder.done() and not feeder.cancelled() and (error := feeder.exception()):
        raise error
    return await _outcome(log)


async def _feed(
    context: Context, clock: RecordClock, ordered: Sequence[Record], progress: Callable[[int], None]
) -> None:
    try:
        for start in range(0, len(ordered), CHUNK):
            chunk = ordered[start : start + CHUNK]
            clock.time = chunk[-1].timestamp / 1000
            await context.log.append([record.again() for record in chunk], writer="replay")
            await _caught_up(context)
            progress(start + len(chunk))
    finally:
        context.stop.set()


async def _caught_up(context: Context) -> None:
    while await summing.is_busy(context.log, context.clock.now()):  # noqa: ASYNC110 (nothing tells)
        await asyncio.sleep(LOOK_SECONDS)


async def _outcome(log: Log) -> Outcome:
    outcome = Outcome([*await summing.stages(log), await summing.delivered(log)])
    for topic in ("tagged", "alerts"):
        async for record in log.read(topic, 0):
            try:
                _count(outcome, codec.decode(record))
            except DecodeError:
                continue  # it was fed so; its dead letter is in the books
    return outcome


def _count(outcome: Outcome, message: object) -> None:
    if isinstance(message, TaggedItem):
        outcome.tags.update(tag.id for tag in message.tags.initiatives if tag.role == "primary")
    elif isinstance(message, Alert):
        outcome.told[message.destination, "alert"] += 1
    elif isinstance(message, Suppression):
        outcome.told[message.destination, message.reason] += 1
