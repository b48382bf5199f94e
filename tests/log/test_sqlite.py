"""What only the embedded form does: its file, its disk, its upkeep."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.log.echo import TOPICS, nothing, pass_through
from tests.log.test_conformance import echoed, everything, numbered, values
from tests.waiting import until
from tinsom.errors import FencedError, LogError, LogFullError, LostOffsetsError
from tinsom.log import Output, Partition
from tinsom.log.sqlite import SqliteLog
from tinsom.log.sqlite.owner import SqlitePartition
from tinsom.topics import Topic

NOW = int(time.time() * 1000)


@asynccontextmanager
async def opened(path: Path, topics: dict[str, Topic] = TOPICS) -> AsyncIterator[SqliteLog]:
    log = SqliteLog(path, topics=topics)
    await log.start()
    try:
        yield log
    finally:
        await log.close()


@asynccontextmanager
async def owned(path: Path) -> AsyncIterator[tuple[SqliteLog, list[SqlitePartition]]]:
    """Both with a session that no test outlives: nothing is taken or given back meanwhile."""
    found: list[SqlitePartition] = []

    async def gained(partition: Partition) -> None:
        assert isinstance(partition, SqlitePartition)
        found.append(partition)

    log = SqliteLog(path, topics=TOPICS, session=600.0)
    await log.start()
    async with log.own("g", ["in"], gained=gained, lost=nothing, queue=False):
        await until(lambda: len(found) == 4)
        yield log, found
    await log.close()


async def test_commits_that_meet_are_one_transaction_and_a_fenced_one_fails_alone(tmp_path: Path) -> None:
    async with owned(tmp_path / "log.db") as (log, (kept, taken, *_)):
        await log.run(log.store.claim, "g", taken.lease.partition, "another", taken.lease.epoch)
        statements: list[str] = []
        await log.run(log.store._db.set_trace_callback, statements.append)
        found = await asyncio.gather(
            kept.commit(numbered(1, "out"), 1),
            taken.commit(numbered(1, "out", first=4), 7),
            kept.commit(numbered(1, "out", first=8), 2),
            return_exceptions=True,
        )
        await log.run(log.store._db.set_trace_callback, None)
        assert [type(one) for one in found] == [type(None), FencedError, type(None)]
        assert statements.count("COMMIT") == 1
        assert (kept.owned, taken.owned) == (True, False)
        assert [record.value for record in await everything(log, "out")] == [b"v0", b"v8"]
        assert await log.committed("g", "in") == {kept.number: 2}


async def test_of_a_group_that_the_disk_refuses_nothing_is_written(tmp_path: Path) -> None:
    async with owned(tmp_path / "log.db") as (log, (first, second, *_)):
        pages = await log.run(lambda: log.store._db.execute("PRAGMA page_count").fetchone()[0])
        await log.run(lambda: log.store._db.execute(f"PRAGMA max_page_count = {pages + 1}"))
        large = [Output("out", b"k", b"x" * 500_000, NOW, partition=0)]
        asked = (first.commit(numbered(1, "out"), 1), second.commit(large, 1))
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(one) for one in found] == [LogFullError, LogFullError]
        assert (await everything(log, "out"), await log.committed("g", "in")) == ([], {})


async def test_a_lease_is_given_back_after_what_was_asked_for_before(tmp_path: Path) -> None:
    """A commit whose caller is cut off waits for another one; the hand-over must not overtake it."""
    async with owned(tmp_path / "log.db") as (log, (first, second, *_)):
        begun, go = threading.Event(), threading.Event()

        def slow() -> None:
            begun.set()
            go.wait()

        held = asyncio.create_task(log.run(slow))
        await asyncio.to_thread(begun.wait)
        under_way = asyncio.create_task(first.commit(numbered(1, "out")))
        await asyncio.sleep(0.01)
        cut_off = asyncio.create_task(second.commit(numbered(1, "out", first=4)))
        await asyncio.sleep(0.01)
        cut_off.cancel()
        release = asyncio.create_task(log.run(log.store.release, second.lease))
        await asyncio.sleep(0)
        go.set()
        await asyncio.gather(held, under_way, release)
        assert [record.value for record in await everything(log, "out")] == [b"v0", b"v4"]


async def test_a_full_disk_says_so_and_loses_nothing(tmp_path: Path) -> None:
    """`max_page_count` makes SQLite answer SQLITE_FULL, as it does when the disk has no room."""
    async with opened(tmp_path / "log.db") as log:
        await log.append(numbered(100), writer="w")
        pages = await log.run(lambda: log.store._db.execute("PRAGMA page_count").fetchone()[0])
        await log.run(lambda: log.store._db.execute(f"PRAGMA max_page_count = {pages + 1}"))
        big = [Output("in", b"k", os.urandom(900_000), NOW)]
        with pytest.raises(LogFullError, match="make room and start again, nothing was lost"):
            await log.append(big, writer="w")
        assert len(await everything(log, "in")) == 100
        await log.run(lambda: log.store._db.execute("PRAGMA max_page_count = 1000000"))
        await log.append(big, writer="w")
        await pass_through(log, "g", until=101)
    async with opened(tmp_path / "log.db") as log:
        assert values(await everything(log, "out")) >= echoed(100)


async def test_a_file_that_holds_no_log_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "log.db").touch()
    looking = SqliteLog(tmp_path / "log.db", topics=TOPICS)
    with pytest.raises(LogError, match="holds no log; `tinsom topics apply`"):
        await looking.start(create=False)
    await looking.close()
    assert not (tmp_path / "log.db").read_bytes()


async def test_who_only_looks_sees_what_is_missing_and_creates_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path / "log.db", {"in": TOPICS["in"]}) as log:
        await log.append(numbered(3), writer="w")
    for _ in range(2):
        looking = SqliteLog(tmp_path / "log.db", topics=TOPICS)
        await looking.start(create=False)
        assert set(looking.missing) == set(TOPICS) - {"in"}
        assert len(await everything(looking, "in")) == 3
        with pytest.raises(LogError, match="readonly"):
            await looking.append(numbered(1), writer="w")
        await looking.close()
    async with opened(tmp_path / "log.db") as log:
        assert not log.missing


async def test_a_really_full_file_system(tmp_path: Path) -> None:
    """The same on a real, small file system, where one can be mounted."""
    small = tmp_path / "small"
    small.mkdir()
    if os.system(f"mount -t tmpfs -o size=3m tmpfs {small} 2>/dev/null") != 0:
        pytest.skip("mounting a tmpfs needs root; the test above covers SQLITE_FULL")
    try:
        async with opened(small / "log.db") as log:
            written = await fill(log)
            assert written > 3
            assert len(await everything(log, "in")) == written
            os.system(f"mount -o remount,size=30m {small}")
            await log.append([Output("in", b"k", os.urandom(100_000), NOW, partition=0)], writer="w")
            assert len(await everything(log, "in")) == written + 1
    finally:
        os.system(f"umount -l {small}")


async def fill(log: SqliteLog) -> int:
    """Write until the disk is full; returns how many records were accepted."""
    for written in range(200):
        try:
            await log.append([Output("in", b"k", os.urandom(100_000), NOW, partition=0)], writer="w")
        except LogFullError:
            return written
    raise AssertionError("the disk was never full")


async def test_another_schema_or_partition_count_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    async with opened(path):
        pass
    fewer = dict(TOPICS, **{"in": Topic("in", 3, "delete")})
    with pytest.raises(LogError, match="topic in has 4 partitions, not 3"):
        async with opened(path, fewer):
            pass
    with sqlite3.connect(path) as db:
        db.execute("UPDATE meta SET value = '99' WHERE name = 'schema'")
    db.close()
    with pytest.raises(LogError, match="has schema 99"):
        async with opened(path):
            pass


async def test_not_a_log_file(tmp_path: Path) -> None:
    (tmp_path / "log.db").write_bytes(b"not a database, and long enough to be read as one" * 50)
    with pytest.raises(LogError, match="cannot use"):
        async with opened(tmp_path / "log.db"):
            pass


async def test_retention_deletes_what_is_too_old(tmp_path: Path) -> None:
    hour = 3_600_000
    async with opened(tmp_path / "log.db") as log:
        old = [Output("in", b"old", b"1", NOW - 2 * hour, partition=0) for _ in range(5)]
        await log.append([*old, Output("in", b"new", b"2", NOW, partition=0)], writer="w")
        await log.maintain(NOW)
        assert [r.key for r in await everything(log, "in")] == [b"new"]
        assert (await log.ends("in"))[0] == (5, 6)


async def test_a_group_whose_unread_records_were_deleted_refuses_to_start(tmp_path: Path) -> None:
    async with opened(tmp_path / "log.db") as log:
        await log.append([Output("in", b"k", b"1", NOW - 9_000_000, partition=0) for _ in range(4)], writer="w")
        async with log.own("g", ["in"], gained=nothing, lost=nothing) as owner:
            async for batch in owner.batches(1, 0.1):
                await batch.commit([])
                break
        await log.maintain(NOW)
        with pytest.raises(LostOffsetsError, match="decide with"):
            await pass_through(log, "g", until=1)


async def test_compaction_keeps_the_newest_of_each_key_and_drops_old_tombstones(tmp_path: Path) -> None:
    day = 86_400_000
    async with opened(tmp_path / "log.db") as log:
        rows = [
            Output("state", b"a", b"1", NOW - 3 * day, partition=0),
            Output("state", b"b", b"1", NOW - 3 * day, partition=0),
            Output("state", b"a", b"2", NOW - 3 * day, partition=0),
            Output("state", b"b", None, NOW - 2 * day, partition=0),
            Output("state", b"c", None, NOW, partition=0),
        ]
        await log.append(rows, writer="w")
        await log.maintain(NOW)
        kept = [(r.key, r.value, r.offset) for r in await everything(log, "state")]
        assert kept == [(b"a", b"2", 2), (b"c", None, 4)]


async def test_busy_is_a_wait_not_an_error(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    async with opened(path) as log:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        write = asyncio.create_task(log.append(numbered(4), writer="w"))
        await asyncio.sleep(0.3)
        assert not write.done()
        other.execute("COMMIT")
        other.close()
        await write
        assert len(await everything(log, "in")) == 4


async def test_a_scratch_namespace_is_a_file_of_its_own(tmp_path: Path) -> None:
    scratch = SqliteLog(tmp_path / "log.db", "replay-1", topics=TOPICS)
    await scratch.start()
    await scratch.close()
    assert not (tmp_path / "log.db").exists()
    assert (tmp_path / "log.replay-1.db").exists()
