"""Waiting is no standstill: a standby, a queue with nothing in it, a table that nobody has applied yet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from tests.waiting import until
from tinsom import health, worker
from tinsom.clock import ManualClock
from tinsom.health import STUCK_AFTER, Health
from tinsom.log import Output, Partition, Record
from tinsom.log.sqlite import SqliteLog
from tinsom.topics import TOPICS, Topic
from tinsom.worker import Handled, Stage, Worker

ONE_QUEUE = TOPICS | {"items": Topic("items", 1, "delete")}


class Waiting(Stage):
    """Its table is not there yet."""

    name, topic, outcomes = "waiting", "items", ("seen",)

    def __init__(self, applied: asyncio.Event) -> None:
        self.applied = applied

    async def gained(self, partition: Partition) -> None:
        await self.applied.wait()

    def handle(self, partition: Partition, record: Record, now: float) -> Handled:
        return Handled([], "seen")


@pytest_asyncio.fixture
async def log(tmp_path: Path) -> AsyncIterator[SqliteLog]:
    log = SqliteLog(tmp_path / "log.db", topics=ONE_QUEUE)
    await log.start()
    yield log
    await log.close()


@dataclass
class Time:
    """What Health takes for the time: it passes when the test says so, however long the test takes."""

    now: float = 1_000.0

    def monotonic(self) -> float:
        return self.now

    async def pass_on(self, *healths: Health) -> None:
        """Twice the time after which who stands still is stuck, in steps in which everybody moves."""
        for _ in range(8):
            self.now += STUCK_AFTER / 4
            await until(lambda: all(one._progress.get("waiting") == self.now for one in healths), "a beat")


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    monkeypatch.setattr(worker, "BEAT_SECONDS", 0.02)
    monkeypatch.setattr(health, "time", passing := Time())
    return passing


async def test_who_waits_is_alive_and_who_works_is_known(log: SqliteLog, time: Time) -> None:
    applied, stop = asyncio.Event(), asyncio.Event()
    both = first, standby = Health(), Health()
    workers = [Worker(log, Waiting(applied), ManualClock(1.0), one, timeout=0.05) for one in both]
    tasks = [asyncio.create_task(one.run(stop)) for one in workers]
    await time.pass_on(*both)
    assert (first.stuck(), standby.stuck()) == ([], [])
    assert first.owned("waiting") | standby.owned("waiting") == frozenset()
    applied.set()
    await until(lambda: first.owned("waiting") or standby.owned("waiting"))
    await time.pass_on(*both)
    assert sorted((first.owned("waiting"), standby.owned("waiting")), key=len) == [frozenset(), frozenset({0})]
    assert (first.stuck(), standby.stuck()) == ([], [])
    stop.set()
    await asyncio.gather(*tasks)
    assert first.owned("waiting") | standby.owned("waiting") == frozenset()


async def test_a_batch_that_does_not_end_is_a_standstill(
    log: SqliteLog, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied, stop, begun, held = asyncio.Event(), asyncio.Event(), asyncio.Event(), asyncio.Event()
    applied.set()
    one = Health()

    async def commit(self: object, outputs: object) -> None:
        begun.set()
        await held.wait()

    monkeypatch.setattr("tinsom.log.sqlite.owner.SqliteBatch.commit", commit)
    await log.append([Output("items", b"k", b"v", 1)], writer="w")
    task = asyncio.create_task(Worker(log, Waiting(applied), ManualClock(1.0), one, timeout=0.05).run(stop))
    await begun.wait()
    time.now += STUCK_AFTER + 1
    await asyncio.sleep(5 * worker.BEAT_SECONDS)
    assert one.stuck() == ["waiting"]
    held.set()
    stop.set()
    await task
