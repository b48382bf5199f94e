"""A minimal service over any log, for the conformance suite; also a child process to stall or kill.

    python -m tests.log.echo SPEC GROUP MODE       SPEC: JSON of `open_log` arguments

It passes `in` to `out` (same partition, value + "!"), prints a line for each thing that happens, and in
mode `stall` waits for a line on stdin between reading its first batch and committing it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tinsom.errors import FencedError
from tinsom.log import Batch, Log, Output, Owner, Partition, Record
from tinsom.topics import Topic

TOPICS = {
    topic.name: topic
    for topic in (
        Topic("in", 4, "delete", 3_600_000),
        Topic("out", 4, "delete", 3_600_000),
        Topic("state", 4, "compact"),
        Topic("small", 1, "delete", max_bytes=10_000),
        Topic("brief", 1, "delete", 3_000),
    )
}


def open_log(spec: dict[str, Any]) -> Log:
    """The log that a spec describes: `{"form": "sqlite", "path", …}` or `{"form": "kafka", "bootstrap", …}`."""
    if spec["form"] == "sqlite":
        from tinsom.log.sqlite import SqliteLog

        return SqliteLog(spec["path"], spec["namespace"], session=spec["session"], topics=TOPICS)
    from tinsom.log.kafka import KafkaLog

    return KafkaLog(
        spec["bootstrap"],
        spec["namespace"],
        session_timeout=spec["session"],
        transaction_timeout=5.0,
        topics=TOPICS,
    )


def echo(record: Record) -> Output:
    value = None if record.value is None else record.value + b"!"
    return Output("out", record.key, value, record.timestamp, record.headers, partition=record.partition)


async def nothing(partition: Partition) -> None:
    """A group without state."""


async def pass_through(log: Log, group: str, *, until: int, max_records: int = 50) -> int:
    """Echo until `until` records were committed here; of a commit whose answer was lost the log knows."""
    done, doubt = 0, False
    async with log.own(group, ["in"], gained=nothing, lost=nothing) as owner:
        async for batch in owner.batches(max_records, timeout=0.1):
            committed = await commit_echo(batch)
            done, doubt = done + committed, doubt or committed < len(batch.records)
            if done >= until or (doubt and not batch.records and await nothing_unread(log, group)):
                break
    return done


async def nothing_unread(log: Log, group: str) -> bool:
    return not any(lag.records for lag in await log.lag(group, "in"))


@asynccontextmanager
async def echoing(log: Log, group: str, max_records: int = 5) -> AsyncIterator[tuple[Owner, list[int]]]:
    """Echo beside the block; the list tells how many records each commit had."""
    done: list[int] = []

    async def work() -> None:
        async for batch in owner.batches(max_records, timeout=0.1):
            done.append(await commit_echo(batch))

    async with log.own(group, ["in"], gained=nothing, lost=nothing) as owner:
        working = asyncio.create_task(work())
        try:
            yield owner, done
        finally:
            owner.stop()
            await working


async def commit_echo(batch: Batch) -> int:
    """Echo one batch; a batch that was fenced counts nothing."""
    try:
        async with batch.partition.lock:
            await batch.commit([echo(record) for record in batch.records])
    except FencedError:
        return 0
    return len(batch.records)


def say(**line: Any) -> None:
    print(json.dumps(line), flush=True)


async def child(spec: dict[str, Any], group: str, mode: str) -> None:
    log = open_log(spec)
    await log.start()
    async with log.own(group, ["in"], gained=nothing, lost=nothing) as owner:
        async for batch in owner.batches(5, timeout=0.1):
            if not batch.records:
                continue
            if mode == "stall":
                await stalled_commit(batch)
                break
            await commit_echo(batch)
            say(event="committed", count=len(batch.records))
    await log.close()


async def stalled_commit(batch: Batch) -> None:
    """Stop between read and commit until told to go on; by then somebody else owns the partition."""
    say(event="read", partition=batch.partition.number, count=len(batch.records))
    sys.stdin.readline()
    try:
        await batch.commit([echo(record) for record in batch.records])
        say(event="committed", count=len(batch.records))
    except FencedError:
        say(event="fenced")


if __name__ == "__main__":
    asyncio.run(child(json.loads(sys.argv[1]), sys.argv[2], sys.argv[3]))
