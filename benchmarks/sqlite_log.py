"""The embedded log beside a bare sqlite3 loop that does the same: read a batch, write it on, move the offset."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from pathlib import Path

from benchmarks.report import Figure
from tinsom.log import Output, Partition
from tinsom.log.sqlite import SqliteLog
from tinsom.topics import Topic

RECORDS, BATCH, SIZE = 20_000, 500, 1_000
TOPICS = {name: Topic(name, 1, "delete") for name in ("in", "out")}


def bare(path: Path, values: list[bytes]) -> float:
    """Messages per second of a straight loop over one table per topic, synchronous=FULL, 8 KiB pages."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA page_size = 8192")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    for table in ("i", "o"):
        db.execute(f"CREATE TABLE {table}(id INTEGER PRIMARY KEY, ts INTEGER, key BLOB, value BLOB, headers BLOB)")
    db.execute("CREATE TABLE offsets(next INTEGER)")
    db.execute("INSERT INTO offsets VALUES (0)")
    db.execute("BEGIN")
    rows = [(i, 1, b"k%d" % i, value, b"\x90") for i, value in enumerate(values)]
    db.executemany("INSERT INTO i VALUES (?, ?, ?, ?, ?)", rows)
    db.execute("COMMIT")
    start, position = time.perf_counter(), 0
    while position < len(values):
        batch = db.execute("SELECT * FROM i WHERE id >= ? ORDER BY id LIMIT ?", (position, BATCH)).fetchall()
        position = batch[-1][0] + 1
        db.execute("BEGIN IMMEDIATE")
        db.executemany("INSERT INTO o VALUES (?, ?, ?, ?, ?)", batch)
        db.execute("UPDATE offsets SET next = ?", (position,))
        db.execute("COMMIT")
    took = time.perf_counter() - start
    db.close()
    return len(values) / took


async def through_the_log(path: Path, values: list[bytes]) -> float:
    async def nothing(partition: Partition) -> None:
        """No state."""

    log = SqliteLog(path, topics=TOPICS)
    await log.start()
    outputs = [Output("in", b"k%d" % i, value, 1) for i, value in enumerate(values)]
    await log.append(outputs, writer="bench")
    done = 0
    start = time.perf_counter()
    async with log.own("g", ["in"], gained=nothing, lost=nothing) as owner:
        async for batch in owner.batches(BATCH, 1.0):
            await batch.commit([Output("out", r.key, r.value, r.timestamp, r.headers) for r in batch.records])
            done += len(batch.records)
            if done == len(values):
                break
        took = time.perf_counter() - start
    await log.close()
    return len(values) / took


async def run() -> list[Figure]:
    values = [os.urandom(SIZE // 2).hex().encode() for _ in range(RECORDS)]
    ours, floor = [], []
    for _ in range(3):  # in turn, so that both meet the same disk
        with tempfile.TemporaryDirectory() as folder:
            floor.append(bare(Path(folder) / "bare.db", values))
            ours.append(await through_the_log(Path(folder) / "log.db", values))
    return [Figure("SQLite log, pass-through", max(ours), "messages/s", max(floor), "bare sqlite3 loop", 0.8)]
