"""The worker loop's promises on a real log: one outcome per record, poison parked byte for byte, limits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest
import pytest_asyncio

from tinsom import deadletters, metrics
from tinsom.clock import ManualClock
from tinsom.errors import DecodeError
from tinsom.health import Health
from tinsom.log import Log, Output, Partition, Record
from tinsom.log.sqlite import SqliteLog
from tinsom.topics import TOPICS, Topic
from tinsom.worker import ATTEMPTS, DeadLetterLimit, Handled, Stage, Worker

NOW = 1_790_000_000_000
ONE_QUEUE = TOPICS | {"items": Topic("items", 1, "delete")}


@dataclass
class Echo(Stage):
    """Passes values on; what `judge` raises is what the handler raises."""

    judge: Callable[[Record], None] = lambda record: None
    name: str = "echo"
    topic: str = "items"
    outcomes: tuple[str, ...] = ("echoed",)
    calls: list[int] = field(default_factory=list)
    size: int = 0

    def handle(self, partition: Partition, record: Record, now: float) -> Handled:
        self.calls.append(record.offset)
        self.judge(record)
        value = b"x" * self.size or record.value
        return Handled([Output("tagged", record.key, value, record.timestamp)], "echoed")


@pytest_asyncio.fixture
async def log(tmp_path: Path) -> AsyncIterator[SqliteLog]:
    log = SqliteLog(tmp_path / "log.db", topics=ONE_QUEUE)
    await log.start()
    yield log
    await log.close()


def records(count: int) -> list[Output]:
    return [Output("items", b"k%d" % i, b"v%d" % i, NOW, (("h", b"%d" % i),)) for i in range(count)]


async def work(log: Log, stage: Stage, *, until: Callable[[], bool] | None = None, batch: int = 500) -> None:
    """Run a worker until the queue is read, or until `until` says so."""
    stop = asyncio.Event()
    worker = Worker(log, stage, ManualClock(NOW / 1000), Health(), max_records=batch, timeout=0.02)
    task = asyncio.create_task(worker.run(stop))
    while not task.done():
        lag = sum(lag.records for lag in await log.lag(stage.name, stage.topic))
        if until() if until else lag == 0:
            break
        await asyncio.sleep(0.01)
    stop.set()
    await task


async def everything(log: Log, topic: str) -> list[Record]:
    return [r for n in range(log.partitions_of(topic)) async for r in log.read(topic, n)]


def poison(*offsets: int) -> Callable[[Record], None]:
    def judge(record: Record) -> None:
        if record.offset in offsets:
            raise DecodeError("schema", "not what it should be")

    return judge


def count(stage: str, outcome: str) -> float:
    return float(metrics.ITEMS.labels(stage, outcome)._value.get())


def stopped(stage: str) -> bool:
    return bool(metrics.STOPPED_PARTITIONS.labels(stage)._value.get())


async def test_every_record_ends_in_one_outcome_and_the_sums_add_up(log: SqliteLog) -> None:
    before = count("echo", "echoed"), count("echo", "dead-letter")
    await log.append(records(100), writer="w")
    await work(log, Echo(poison(5, 50)))
    assert (count("echo", "echoed") - before[0], count("echo", "dead-letter") - before[1]) == (98, 2)
    assert len(await everything(log, "tagged")) == 98


async def test_a_record_that_cannot_be_decoded_is_parked_at_once_and_byte_for_byte(log: SqliteLog) -> None:
    odd = Output("items", b"\xff", b"\x00{", NOW - 5, (("ce_type", b"\xfe"), ("twice", b"1"), ("twice", b"2")))
    await log.append([odd], writer="w")
    stage = Echo(poison(0))
    await work(log, stage)
    assert stage.calls == [0]
    (letter,) = await everything(log, "dead-letters")
    assert deadletters.original(letter) == Record("items", 0, 0, NOW - 5, odd.key, odd.value, odd.headers)
    reasons = deadletters.reasons(letter)
    assert (reasons["stage"], reasons["reason"], reasons["attempts"]) == ("echo", "schema", "1")


async def test_a_handler_that_fails_gets_three_attempts(log: SqliteLog) -> None:
    def judge(record: Record) -> None:
        if record.offset == 1:
            raise ValueError("no such thing")

    await log.append(records(3), writer="w")
    stage = Echo(judge)
    await work(log, stage)
    assert stage.calls == [0, *[1] * ATTEMPTS, 2]
    (letter,) = await everything(log, "dead-letters")
    assert deadletters.reasons(letter)["detail"] == "ValueError: no such thing"
    assert letter.value == b"v1"


async def test_a_handler_that_fails_once_loses_nothing(log: SqliteLog) -> None:
    failed: list[int] = []

    def judge(record: Record) -> None:
        if record.offset == 1 and not failed:
            failed.append(1)
            raise ValueError("a passing fault")

    await log.append(records(3), writer="w")
    await work(log, Echo(judge))
    assert [r.value for r in await everything(log, "tagged")] == [b"v0", b"v1", b"v2"]


async def test_an_output_too_large_for_its_topic_is_parked_not_retried_for_ever(log: SqliteLog) -> None:
    await log.append(records(1), writer="w")
    await work(log, Echo(size=2_000_000))
    (letter,) = await everything(log, "dead-letters")
    assert "too large for tagged" in deadletters.reasons(letter)["detail"]


async def test_twenty_in_a_row_are_parked_and_the_next_stops_the_partition(log: SqliteLog) -> None:
    await log.append(records(60), writer="w")
    await work(log, Echo(poison(*range(10, 60)), name="limit"), until=lambda: stopped("limit"))
    assert len(await everything(log, "dead-letters")) == 20
    assert len(await everything(log, "tagged")) == 10
    assert await log.committed("limit", "items") == {0: 30}


async def test_after_the_cause_is_mended_a_stopped_partition_goes_on_where_it_stood(log: SqliteLog) -> None:
    await log.append(records(40), writer="w")
    await work(log, Echo(poison(*range(40)), name="mended"), until=lambda: stopped("mended"))
    await work(log, Echo(name="mended"))
    assert [r.value for r in await everything(log, "tagged")] == [b"v%d" % i for i in range(20, 40)]


def test_five_percent_of_a_thousand_stop_a_partition() -> None:
    limit = DeadLetterLimit()
    for i in range(1_000):
        limit.saw(dead=i % 20 == 0)
    assert not limit.admits()
    limit = DeadLetterLimit()
    for i in range(1_000):
        limit.saw(dead=i % 25 == 0)
    assert limit.admits()


@pytest.mark.parametrize("batch", [1, 7, 500])
async def test_stopping_commits_what_was_decided(log: SqliteLog, batch: int) -> None:
    await log.append(records(200), writer="w")
    stage = Echo()
    await work(log, stage, until=lambda: len(stage.calls) > 20, batch=batch)
    committed = (await log.committed("echo", "items"))[0]
    assert [r.value for r in await everything(log, "tagged")] == [b"v%d" % i for i in range(committed)]


async def test_a_long_batch_leaves_room_for_heartbeats(log: SqliteLog) -> None:
    """Forty decisions of 30 ms in one batch: without a rest nothing else would run for more than a second."""
    await log.append(records(40), writer="w")
    stage, beats = Echo(lambda record: time.sleep(0.03), name="long"), [0]

    async def heartbeats() -> None:
        while True:
            await asyncio.sleep(0.01)
            beats.append(len(stage.calls))

    beating = asyncio.create_task(heartbeats())
    await work(log, stage)
    beating.cancel()
    assert max(after - before for before, after in pairwise(beats)) < 20, "decisions between two beats"
