"""The pure function over the input: each stage driven in order, without a log, a crash or a second process.

What the services wrote must equal it: same keys, values, headers and timestamps, nothing lost, nothing twice.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from services.alerter.plan_stage import PlanStage, rules_of
from services.alerter.tables import Subscriptions
from services.classifier import taxonomy
from services.classifier.stage import TagStage
from services.classifier.story.storystage import StoryStage
from services.classifier.tagger import Tagger
from tinsom.clock import SystemClock
from tinsom.config import Config
from tinsom.log import Headers, Log, Output, Record
from tinsom.worker import Stage

Seen = tuple[bytes | None, bytes | None, int, Headers]


@dataclass
class NoPartition:
    """Stands where a stage wants to know which partition it works on."""

    number: int = 0
    topic: str = ""
    owned: bool = True
    position: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def commit(self, outputs: Iterable[Output], offset: int | None = None) -> None:
        raise AssertionError("a deciding stage commits nothing")

    def pause(self) -> None:
        raise AssertionError("a deciding stage pauses nothing")

    def resume(self) -> None:
        raise AssertionError("a deciding stage resumes nothing")

    async def seek(self, offset: int) -> None:
        raise AssertionError("a deciding stage seeks nothing")


async def everything(log: Log, topic: str) -> list[Record]:
    """One partition after another. As a tail: on Kafka each `read` connects anew, and there are topics of 64."""
    tail = log.tail([topic])
    try:
        return sorted(await tail.read(), key=lambda record: (record.partition, record.offset))
    finally:
        await tail.close()


def seen(records: Iterable[Record | Output]) -> Counter[Seen]:
    return Counter((r.key, r.value, r.timestamp, r.headers) for r in records)


def driven(stage: Stage, records: Iterable[Record]) -> dict[str, list[Output]]:
    """Outputs by topic of a stage that reads `records` in order."""
    outputs: dict[str, list[Output]] = {}
    for record in records:
        for output in stage.handle(NoPartition(record.partition), record, record.timestamp / 1000).outputs:
            outputs.setdefault(output.topic, []).append(output)
    return outputs


async def check_stages(log: Log, config: Config) -> None:
    """Each topic holds exactly what its stage makes of the topic before it."""
    items, tagged = await everything(log, "items"), await everything(log, "tagged")
    assert seen(tagged) == seen(driven(TagStage(Tagger(taxonomy.load(None))), items)["tagged"])
    changes = await everything(log, "story-changes")
    assert seen(changes) == seen(driven(StoryStage(log), tagged)["story-changes"])
    subscriptions = Subscriptions(log, SystemClock(), asyncio.Event())
    plan = PlanStage(subscriptions, rules_of(config.alerter))
    await plan.gained(NoPartition())
    assert seen(await everything(log, "alerts")) == seen(driven(plan, changes).get("alerts", []))
    assert not await everything(log, "dead-letters")
    await subscriptions.table.tail.close()
