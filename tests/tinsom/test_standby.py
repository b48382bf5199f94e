"""Waiting is no standstill: a standby, a queue with nothing in it, a table that nobody has applied yet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tinsom import worker
from tinsom.clock import ManualClock
from tinsom.health import Health
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


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "BEAT_SECONDS", 0.05)


async def test_who_waits_is_alive_and_who_works_is_known(log: SqliteLog) -> None:
    applied, stop = asyncio.Event(), asyncio.Event()
    first, standby = Health(stuck_after=0.4), Health(stuck_after=0.4)
    workers = [
        Worker(log, Waiting(applied), ManualClock(1.0), health, timeout=0.05) for health in (first, standby)
    ]
    tasks = [asyncio.create_task(one.run(stop)) for one in workers]
    await asyncio.sleep(0.8)
    assert (first.stuck(), standby.stuck()) == ([], [])
    assert first.owned("waiting") | standby.owned("waiting") == frozenset()
    applied.set()
    await asyncio.sleep(0.3)
    assert sorted((first.owned("waiting"), standby.owned("waiting")), key=len) == [frozenset(), frozenset({0})]
    await asyncio.sleep(0.5)
    assert (first.stuck(), standby.stuck()) == ([], [])
    stop.set()
    await asyncio.gather(*tasks)
    assert first.owned("waiting") | standby.owned("waiting") == frozenset()


async def test_a_batch_that_does_not_end_is_a_standstill(log: SqliteLog, monkeypatch: pytest.MonkeyPatch) -> None:
    applied, stop, held = asyncio.Event(), asyncio.Event(), asyncio.Event()
    applied.set()
    health = Health(stuck_after=0.2)

    async def commit(self: object, outputs: object) -> None:
        await held.wait()

    monkeypatch.setattr("tinsom.log.sqlite.owner.SqliteBatch.commit", commit)
    await log.append([Output("items", b"k", b"v", 1)], writer="w")
    task = asyncio.create_task(Worker(log, Waiting(applied), ManualClock(1.0), health, timeout=0.05).run(stop))
    await asyncio.sleep(0.6)
    assert health.stuck() == ["waiting"]
    held.set()
    stop.set()
    await task
