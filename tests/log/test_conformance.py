"""One suite for both forms of the log: what the design promises (docs/architecture.md, "The log")."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from subprocess import Popen
from typing import Any

import msgspec
import pytest

from tests.log.conftest import Logs
from tests.log.echo import commit_echo, echo, nothing, pass_through
from tinsom.errors import FencedError, LogError, OversizeError
from tinsom.log import LATE_MS, Batch, Log, Output, Owner, Partition, Record, Table

START = int(time.time() * 1000) - 600_000  # inside every topic's retention


def numbered(count: int, topic: str = "in") -> list[Output]:
    """`count` records over all partitions; key and value tell their number, time goes up by a second each."""
    return [
        Output(
            topic,
            b"k%d" % i,
            b"v%d" % i,
            START + i * 10,
            (("n", b"%d" % i),),
            partition=i % 4,
        )
        for i in range(count)
    ]


async def everything(log: Log, topic: str) -> list[Record]:
    """Partition after partition, each by a new reader: on Kafka a commit is stable a moment after it returned."""
    return [record for number in range(log.partitions_of(topic)) async for record in log.read(topic, number)]


async def next_batch(owner_batches: AsyncIterator[Batch]) -> Batch:
    async for batch in owner_batches:
        if batch.records:
            return batch
    raise AssertionError("no batch")


def values(records: list[Record]) -> Counter[bytes]:
    return Counter(record.value or b"" for record in records)


def echoed(count: int) -> Counter[bytes]:
    return Counter(b"v%d!" % i for i in range(count))


async def test_records_come_back_as_they_were_written(logs: Logs) -> None:
    odd = [
        Output("in", None, None, START, (), partition=0),
        Output("in", b"", b"", START + 1, (("empty", b""), ("twice", b"1"), ("twice", b"2")), partition=0),
        Output("in", b"\xff\x00", "đề án".encode(), START + 2, (("ce_id", b"\xfe"),), partition=0),
    ]
    async with logs.open() as log:
        await log.append(odd, writer="w")
        async with asyncio.timeout(30):  # a broker's first transaction is stable a moment after it was answered
            while not (read := [record async for record in log.read("in", 0)]):
                await asyncio.sleep(0.05)
    assert [(r.key, r.value, r.timestamp, r.headers) for r in read] == [
        (o.key, o.value, o.timestamp, o.headers) for o in odd
    ]


async def test_order_is_kept_per_partition(logs: Logs) -> None:
    async with logs.open() as log:
        await log.append(numbered(400), writer="w")
        assert await pass_through(log, "g", until=400) == 400
        for number in range(4):
            out = [record async for record in log.read("out", number)]
            assert [r.key for r in out] == [b"k%d" % i for i in range(number, 400, 4)]


async def test_outputs_and_offset_become_visible_together(logs: Logs) -> None:
    async with logs.open() as log:
        await log.append(numbered(8), writer="w")
        async with log.own("g", ["in"], gained=nothing, lost=nothing) as owner:
            batch = await next_batch(owner.batches(1, 0.1))
            assert await everything(log, "out") == []
            assert await log.committed("g", "in") == {}
            await batch.commit([echo(record) for record in batch.records])
        assert len(await everything(log, "out")) == 1
        assert await log.committed("g", "in") == {batch.partition.number: batch.records[-1].offset + 1}


async def test_an_uncommitted_batch_comes_again_after_a_restart(logs: Logs) -> None:
    async with logs.open() as log:
        await log.append(numbered(4), writer="w")
        async with log.own("g", ["in"], gained=nothing, lost=nothing) as owner:
            await next_batch(owner.batches(10, 0.1))
    async with logs.open() as log:
        await pass_through(log, "g", until=4)
        assert values(await everything(log, "out")) == echoed(4)


async def test_an_oversize_record_fails_the_whole_commit(logs: Logs) -> None:
    async with logs.open() as log:
        await log.append(numbered(4), writer="w")
        async with log.own("g", ["in"], gained=nothing, lost=nothing) as owner:
            batch = await next_batch(owner.batches(10, 0.1))
            large = Output("small", b"k", os.urandom(20_000), START)
            with pytest.raises(OversizeError):
                await batch.commit([*map(echo, batch.records), large])
            assert await everything(log, "out") == []
            assert await log.committed("g", "in") == {}
            await batch.commit([echo(record) for record in batch.records])
        assert len(await everything(log, "out")) == len(batch.records)


async def test_a_timer_commits_without_input(logs: Logs) -> None:
    async with logs.open() as log:
        async with log.own("g", ["in"], gained=nothing, lost=nothing) as owner:
            async for batch in owner.batches(10, 0.1):
                assert not batch.records
                await batch.partition.commit([Output("state", b"tick", b"1", START)])
                break
        assert [r.value for r in await everything(log, "state")] == [b"1"]
        assert await log.committed("g", "in") == {}


async def test_a_paused_partition_gives_no_batch_and_loses_nothing(logs: Logs) -> None:
    seen: list[int] = []
    paused: Partition | None = None
    async with logs.open() as log:
        async with log.own("g", ["in"], gained=nothing, lost=nothing) as owner:
            async for batch in owner.batches(3, 0.1):
                if paused is None and len(owner.partitions) == 4:
                    paused = owner.partitions["in", 2]
                    paused.pause()
                    await log.append(numbered(40), writer="w")
                assert not (batch.records and batch.partition.number == 2 and len(seen) < 30)
                await commit_echo(batch)
                seen += [batch.partition.number] * len(batch.records)
                if len(seen) == 30 and paused is not None:
                    paused.resume()
                if len(seen) == 40:
                    break
        assert values(await everything(log, "out")) == echoed(40)


async def test_seek_by_time_and_by_offset(logs: Logs) -> None:
    async with logs.open() as log:
        await log.append(numbered(40), writer="w")
        records = [record async for record in log.read("in", 1)]
        assert await log.offset_at("in", 1, records[4].timestamp) == records[4].offset
        assert await log.offset_at("in", 1, records[4].timestamp + 1) == records[5].offset
        assert await log.offset_at("in", 1, records[-1].timestamp + 1) == (await log.ends("in"))[1][1]
        async with log.own("g", ["in"], gained=nothing, lost=nothing) as owner:
            async for _ in owner.batches(5, 0.1):
                break
            await owner.partitions["in", 1].seek(records[7].offset)
            async for batch in owner.batches(100, 0.1):
                if batch.partition.number == 1 and batch.records:
                    break
            assert batch.records[0].offset == records[7].offset


async def found(log: Log, **what: Any) -> list[bytes]:
    return sorted([record.value or b"" async for record in log.find("state", **what)])


async def test_records_are_found_by_time_and_key_whatever_their_order(logs: Logs) -> None:
    """Written as stages do: times go up, but a partition that fell behind comes late (within LATE_MS)."""
    times = {b"a": 0, b"b": 60_000, b"late": 30_000, b"c": LATE_MS, b"d": LATE_MS + 59_000, b"same": 60_000}
    outputs = [Output("state", b"k-" + name[:1], name, START - 2 * LATE_MS + t) for name, t in times.items()]
    spread = [msgspec.structs.replace(o, partition=n % 2 + 1) for n, o in enumerate(outputs)]
    at = {o.value: o.timestamp for o in outputs}
    async with logs.open() as log:
        for output in spread:  # a transaction each: markers between them have the brokers' time
            await log.append([output], writer="w")
        assert await found(log) == sorted(times)
        assert await found(log, since=at[b"late"], until=at[b"late"]) == [b"late"]
        assert await found(log, since=at[b"b"], until=at[b"b"]) == [b"b", b"same"]
        assert await found(log, since=at[b"b"]) == [b"b", b"c", b"d", b"same"]
        assert await found(log, until=at[b"late"]) == [b"a", b"late"]
        assert await found(log, keys={b"k-c", b"k-a", b"no"}) == [b"a", b"c"]
        assert await found(log, keys=set()) == []
        assert await found(log, since=at[b"d"] + 1) == []
        assert await found(log, since=START * 2) == []
        assert await found(log, partitions=[0, 1]) == sorted(o.value or b"" for o in spread if o.partition == 1)
        async with aclosing(log.find("state")) as first:
            assert (await anext(first)).value in times
        in_order = [record.value async for record in log.find("state", partitions=[2])]
        assert in_order == [o.value for o in spread if o.partition == 2]


async def test_a_person_may_reset_the_offset_of_a_stopped_group_only(logs: Logs) -> None:
    async with logs.open() as log:
        await log.append(numbered(8), writer="w")
        async with log.own("g", ["in"], gained=nothing, lost=nothing) as owner:
            await next_batch(owner.batches(10, 0.1))
            with pytest.raises(LogError, match="running"):
                await log.reset("g", "in", 0, 0)
        await pass_through(log, "g", until=8)
        await log.reset("g", "in", 1, 1)
        assert await pass_through(log, "g", until=1) == 1
        assert (await everything(log, "out"))[-1].value is not None


async def test_lag_counts_unread_records_and_their_age(logs: Logs) -> None:
    async with logs.open() as log:
        await log.append(numbered(8), writer="w")
        before = {lag.partition: lag for lag in await log.lag("g", "in")}
        assert {n: lag.records for n, lag in before.items()} == {0: 2, 1: 2, 2: 2, 3: 2}
        assert before[3].oldest == START + 30
        await pass_through(log, "g", until=8)
        assert all(lag.oldest is None for lag in await log.lag("g", "in"))


async def test_namespaces_share_nothing(logs: Logs) -> None:
    async with logs.open() as live, logs.open(logs.spec["namespace"] + "x") as scratch:
        await live.append(numbered(8), writer="w")
        assert await everything(scratch, "in") == []
        await scratch.append(numbered(4), writer="w")
        await pass_through(scratch, "g", until=4)
        assert await live.committed("g", "in") == {}
        await live.append(numbered(1), writer="w")  # its writer was not fenced by the other namespace's


async def test_a_second_writer_fences_the_first(logs: Logs) -> None:
    async with logs.open() as one, logs.open() as two:
        await one.append([], writer="apply")
        await two.append(numbered(1), writer="apply")
        with pytest.raises(FencedError):
            await one.append(numbered(1), writer="apply")
        assert len(await everything(two, "in")) == 1


async def test_a_table_is_read_whole_and_follows(logs: Logs) -> None:
    async with logs.open() as log:
        table = Table(log.tail(["state"]))
        await table.refresh()
        complete_before = table.complete
        rows = [Output("state", b"a", b"1", START), Output("state", b"b", b"2", START)]
        await log.append([*rows, Output("state", b"version", b"{}", START)], writer="apply")
        await table.refresh()
        assert (complete_before, table.complete) == (False, True)
        assert set(table.records) == {b"a", b"b"}
        await log.append([Output("state", b"a", None, START), Output("state", b"b", b"3", START)], writer="apply")
        assert await table.refresh()
        assert [r.value for r in table.records.values()] == [b"3"]
        assert not await table.refresh()
        await table.tail.close()


async def test_state_restored_from_a_compacted_topic_equals_the_model(logs: Logs) -> None:
    rng = random.Random(7)
    model: dict[bytes, bytes] = {}
    async with logs.open() as log:
        for round_number in range(20):
            outputs = []
            for _ in range(30):
                key, value = b"key%d" % rng.randrange(25), b"%d" % rng.randrange(1000)
                if rng.random() < 0.2:
                    model.pop(key, None)
                    outputs.append(Output("state", key, None, START + round_number))
                else:
                    model[key] = value
                    outputs.append(Output("state", key, value, START + round_number))
            await log.append(outputs, writer="w")
            if round_number % 5 == 0:
                await log.maintain(START + round_number)
        restored: dict[bytes, bytes] = {}
        for record in await everything(log, "state"):
            if record.value is None:
                restored.pop(record.key or b"", None)
            else:
                restored[record.key or b""] = record.value
    assert restored == model


async def test_what_is_older_than_the_retention_goes_and_the_rest_keeps_its_offsets(logs: Logs) -> None:
    """`brief` keeps 3 s, counted by a broker from the commit marker behind the records; it sees to it itself."""
    async with logs.open() as log:
        await log.append([Output("brief", b"old%d" % i, b"1", START + i) for i in range(5)], writer="w")
        deadline = time.monotonic() + 30
        while (await log.ends("brief"))[0][0] < 5:
            assert time.monotonic() < deadline, "nothing was deleted"
            await log.maintain(int(time.time() * 1000))
            await asyncio.sleep(0.2)
        await log.append([Output("brief", b"new", b"2", int(time.time() * 1000))], writer="w")
        await log.maintain(int(time.time() * 1000))
        deadline = time.monotonic() + 10
        while not (kept := await everything(log, "brief")):
            assert time.monotonic() < deadline, "a commit does not show"
        assert [record.key for record in kept] == [b"new"]
        assert kept[0].offset >= 5


async def test_a_late_member_gets_its_share_and_nothing_is_done_twice(logs: Logs) -> None:
    async with logs.open() as one, logs.open() as two:
        await one.append(numbered(2_000), writer="w")
        first = asyncio.create_task(pass_through(one, "g", until=2_000, max_records=5, idle=60))
        await asyncio.sleep(0.3)
        second = asyncio.create_task(pass_through(two, "g", until=2_000, max_records=5, idle=60))
        done = await asyncio.wait_for(asyncio.gather(first, second), 90)
        assert sum(done) == 2_000
        assert values(await everything(one, "out")) == echoed(2_000)


async def test_two_members_own_each_partition_once(logs: Logs) -> None:
    async with AsyncExitStack() as stack:
        owners = []
        for _ in range(2):
            log = await stack.enter_async_context(logs.open())
            owners.append(await stack.enter_async_context(log.own("g", ["in"], gained=nothing, lost=nothing)))
        readers = [asyncio.create_task(drain(owner)) for owner in owners]
        for _ in range(200):
            shares = [sorted(owner.partitions) for owner in owners]
            if sorted(shares[0] + shares[1]) == [("in", n) for n in range(4)] and all(len(s) == 2 for s in shares):
                break
            await asyncio.sleep(0.1)
        assert all(len(share) == 2 for share in shares), shares
        for owner, reader in zip(owners, readers, strict=True):
            owner.stop()
            await reader


async def drain(owner: Owner) -> None:
    async for _ in owner.batches(10, 0.1):
        pass


async def test_hand_over_waits_for_the_commit_in_flight(logs: Logs) -> None:
    """A member joins while a commit is being decided: that commit counts, and only once."""
    async with logs.open() as one, logs.open() as two:
        await one.append(numbered(400), writer="w")
        async with one.own("g", ["in"], gained=nothing, lost=nothing) as owner:
            joined: asyncio.Task[int] | None = None
            done = 0
            async for batch in owner.batches(20, 0.1):
                async with batch.partition.lock:
                    if joined is None and batch.records:
                        joined = asyncio.create_task(pass_through(two, "g", until=400, idle=40))
                        await asyncio.sleep(logs.session)
                    try:
                        await batch.commit([echo(record) for record in batch.records])
                        done += len(batch.records)
                    except FencedError:
                        pass
                if joined and (joined.done() or (len(owner.partitions) < 4 and not batch.records)):
                    break
        assert joined is not None
        done += await asyncio.wait_for(joined, 60)
        assert values(await everything(two, "out")) == echoed(400)


async def test_state_is_restored_before_the_first_batch_and_lost_is_told(logs: Logs) -> None:
    events: list[str] = []

    async def gained(partition: Partition) -> None:
        await asyncio.sleep(0.05)
        events.append(f"gained {partition.number}")

    async def lost(partition: Partition) -> None:
        events.append(f"lost {partition.number}")

    async with logs.open() as log:
        await log.append(numbered(4), writer="w")
        async with log.own("g", ["in"], gained=gained, lost=lost) as owner:
            seen = 0
            async for batch in owner.batches(10, 0.1):
                assert f"gained {batch.partition.number}" in events
                await commit_echo(batch)
                seen += len(batch.records)
                if seen == 4:
                    break
    assert sorted(events) == sorted([f"{what} {n}" for what in ("gained", "lost") for n in range(4)])


async def test_lost_may_write_its_last_results_at_a_hand_over(logs: Logs) -> None:
    async def lost(partition: Partition) -> None:
        await partition.commit([Output("state", b"last%d" % partition.number, b"1", START)])

    async with logs.open() as log:
        async with log.own("g", ["in"], gained=nothing, lost=lost) as owner:
            async for _ in owner.batches(10, 0.1):
                if len(owner.partitions) == 4:
                    break
        assert sorted(r.key or b"" for r in await everything(log, "state")) == [b"last%d" % n for n in range(4)]


async def test_a_stalled_owner_is_fenced_and_no_offset_moves_back(logs: Logs) -> None:
    async with logs.open() as log:
        await log.append(numbered(400), writer="w")
        child = logs.child("g", "stall")
        try:
            assert (await said(child))["event"] == "read"
            child.send_signal(signal.SIGSTOP)
            done = await asyncio.wait_for(pass_through(log, "g", until=400), 60)
            assert done == 400
            await until_caught_up(log, "g", seconds=10)  # on Kafka a commit shows a moment after it returns
            before = await log.committed("g", "in")
            child.send_signal(signal.SIGCONT)
            assert child.stdin is not None
            child.stdin.write("go\n")
            child.stdin.flush()
            assert (await said(child))["event"] == "fenced"
            assert await log.committed("g", "in") == before
            assert values(await everything(log, "out")) == echoed(400)
        finally:
            end(child)


async def test_processes_killed_at_any_moment_lose_and_double_nothing(logs: Logs) -> None:
    rng = random.Random(11)
    async with logs.open() as log:
        await log.append(numbered(3_000), writer="w")
        children = [logs.child("g"), logs.child("g")]
        try:
            for _ in range(4):
                await asyncio.sleep(rng.uniform(0.3, 1.0))
                victim = rng.randrange(2)
                end(children[victim])
                children[victim] = logs.child("g")
            await until_caught_up(log, "g", seconds=60)
        finally:
            for child in children:
                end(child)
        assert values(await everything(log, "out")) == echoed(3_000)


async def until_caught_up(log: Log, group: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while any(lag.records for lag in await log.lag(group, "in")):
        assert time.monotonic() < deadline, "not caught up in time"
        await asyncio.sleep(0.2)


async def said(child: Popen[str]) -> dict[str, object]:
    assert child.stdout is not None
    line = await asyncio.wait_for(asyncio.to_thread(child.stdout.readline), 30)
    return dict(json.loads(line))


def end(child: Popen[str]) -> None:
    child.kill()
    child.send_signal(signal.SIGCONT)
    child.wait()
    for stream in (child.stdin, child.stdout):
        if stream is not None:
            stream.close()
