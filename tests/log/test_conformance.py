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
from contextlib import AsyncExitStack, aclosing, suppress
from subprocess import Popen
from typing import Any

import msgspec
import pytest

from tests.chance import seeded
from tests.log.conftest import Logs
from tests.log.echo import commit_echo, echo, echoing, nothing, nothing_unread, pass_through
from tests.waiting import PATIENCE, becomes, shown, until
from tinsom.errors import FencedError, LogError, OversizeError
from tinsom.log import LATE_MS, Batch, Log, Output, Owner, Partition, Record, Table

START = int(time.time() * 1000) - 600_000  # inside every topic's retention


def numbered(count: int, topic: str = "in", first: int = 0) -> list[Output]:
    """`count` records over all partitions; key and value tell their number, time goes up by 10 ms each."""
    return [
        Output(
            topic,
            b"k%d" % i,
            b"v%d" % i,
            START + i * 10,
            (("n", b"%d" % i),),
            partition=i % 4,
        )
        for i in range(first, first + count)
    ]


async def everything(log: Log, topic: str, at_least: int = 0) -> list[Record]:
    """Partition after partition, as soon as there are `at_least` so many records: on Kafka a commit is stable a
    moment after it returned, and on a busy machine that moment is long.
    """

    async def read() -> list[Record]:
        return [record for number in range(log.partitions_of(topic)) async for record in log.read(topic, number)]

    return await shown(read, lambda found: len(found) >= at_least)


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
        read = await everything(log, "in", len(odd))
    assert [(r.key, r.value, r.timestamp, r.headers) for r in read] == [
        (o.key, o.value, o.timestamp, o.headers) for o in odd
    ]


async def test_order_is_kept_per_partition(logs: Logs) -> None:
    async with logs.open() as log:
        await log.append(numbered(400), writer="w")
        await pass_through(log, "g", until=400)
        await everything(log, "out", 400)
        for number in range(4):
            out = [record async for record in log.read("out", number)]
            assert [r.key for r in out] == [b"k%d" % i for i in range(number, 400, 4)]


async def test_nothing_stays_hidden_once_a_commit_has_ended(logs: Logs) -> None:
    async with logs.open() as log:
        await log.append(numbered(8), writer="w")
        await becomes(log.hidden, {})
        assert len(await everything(log, "in")) == 8


async def test_outputs_and_offset_become_visible_together(logs: Logs) -> None:
    async with logs.open() as log:
        await log.append(numbered(8), writer="w")
        async with log.own("g", ["in"], gained=nothing, lost=nothing) as owner:
            batch = await next_batch(owner.batches(1, 0.1))
            assert await everything(log, "out") == []
            assert await log.committed("g", "in") == {}
            await batch.commit([echo(record) for record in batch.records])
        assert len(await everything(log, "out", 1)) == 1
        await becomes(lambda: log.committed("g", "in"), {batch.partition.number: batch.records[-1].offset + 1})


async def test_an_uncommitted_batch_comes_again_after_a_restart(logs: Logs) -> None:
    async with logs.open() as log:
        await log.append(numbered(4), writer="w")
        async with log.own("g", ["in"], gained=nothing, lost=nothing) as owner:
            await next_batch(owner.batches(10, 0.1))
    async with logs.open() as log:
        await pass_through(log, "g", until=4)
        assert values(await everything(log, "out", 4)) == echoed(4)


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
        assert len(await everything(log, "out", len(batch.records))) == len(batch.records)


async def test_a_timer_commits_without_input(logs: Logs) -> None:
    async with logs.open() as log:
        async with log.own("g", ["in"], gained=nothing, lost=nothing) as owner:
            async for batch in owner.batches(10, 0.1):
                assert not batch.records
                await batch.partition.commit([Output("state", b"tick", b"1", START)])
                break
        assert [r.value for r in await everything(log, "state", 1)] == [b"1"]
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
        assert values(await everything(log, "out", 40)) == echoed(40)


async def test_seek_by_time_and_by_offset(logs: Logs) -> None:
    async with logs.open() as log:
        await log.append(numbered(40), writer="w")
        records = [record for record in await everything(log, "in", 40) if record.partition == 1]
        assert await log.offset_at("in", 1, records[4].timestamp) == records[4].offset
        assert await log.offset_at("in", 1, records[4].timestamp + 1) == records[5].offset
        assert await log.offset_at("in", 1, records[-1].timestamp + 1) == (await log.ends("in"))[1][1]
        async with log.own("g", ["in"], gained=nothing, lost=nothing) as owner:
            async for _ in owner.batches(5, 0.1):
                break
            await until(lambda: ("in", 1) in owner.partitions)
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
        await becomes(lambda: found(log), sorted(times))
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
        await pass_through(log, "g", until=1)
        assert values(await everything(log, "out", 9)) == echoed(8) + Counter([b"v5!"])


async def test_lag_counts_unread_records_and_their_age(logs: Logs) -> None:
    async with logs.open() as log:
        await log.append(numbered(8), writer="w")
        await becomes(
            lambda: unread(log), {0: (2, START), 1: (2, START + 10), 2: (2, START + 20), 3: (2, START + 30)}
        )
        await pass_through(log, "g", until=8)
        await becomes(lambda: unread(log), dict.fromkeys(range(4), (0, None)))


async def unread(log: Log) -> dict[int, tuple[int, int | None]]:
    return {lag.partition: (lag.records, lag.oldest) for lag in await log.lag("g", "in")}


async def test_namespaces_share_nothing(logs: Logs) -> None:
    async with logs.open() as live, logs.open(namespace=logs.spec["namespace"] + "x") as scratch:
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
        assert len(await everything(two, "in", 1)) == 1


async def test_a_table_is_read_whole_and_follows(logs: Logs) -> None:
    async with logs.open() as log:
        table = Table(log.tail(["state"]))
        await table.refresh()
        complete_before = table.complete
        rows = [Output("state", b"a", b"1", START), Output("state", b"b", b"2", START)]
        await log.append([*rows, Output("state", b"version", b"{}", START)], writer="apply")
        await shown(table.refresh, lambda _: table.complete and len(table.records) == 2)
        assert not complete_before
        assert set(table.records) == {b"a", b"b"}
        await log.append([Output("state", b"a", None, START), Output("state", b"b", b"3", START)], writer="apply")
        await shown(table.refresh, bool)
        await shown(table.refresh, lambda _: [r.value for r in table.records.values()] == [b"3"])
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
        await log.append([Output("state", b"last", b"1", START, partition=n) for n in range(4)], writer="w")
        model[b"last"] = b"1"
        restored: dict[bytes, bytes] = {}
        whole = await shown(
            lambda: everything(log, "state"), lambda found: [r.key for r in found].count(b"last") == 4
        )
        for record in whole:
            if record.value is None:
                restored.pop(record.key or b"", None)
            else:
                restored[record.key or b""] = record.value
    assert restored == model


async def test_what_is_older_than_the_retention_goes_and_the_rest_keeps_its_offsets(logs: Logs) -> None:
    """`brief` keeps 3 s, counted by a broker from the commit marker behind the records; it sees to it itself."""
    async with logs.open() as log:
        await log.append([Output("brief", b"old%d" % i, b"1", START + i) for i in range(5)], writer="w")

        async def first_offset() -> int:
            await log.maintain(int(time.time() * 1000))
            return (await log.ends("brief"))[0][0]

        async def new() -> list[Record]:
            """Written again when it was gone, too, before anybody had read it."""
            await log.append([Output("brief", b"new", b"2", int(time.time() * 1000))], writer="w")
            await log.maintain(int(time.time() * 1000))
            return await everything(log, "brief")

        await shown(first_offset, lambda first: first >= 5)
        kept = await shown(new, bool)
        assert {record.key for record in kept} == {b"new"}
        assert kept[0].offset >= 5


async def test_a_late_member_gets_its_share_and_nothing_is_done_twice(logs: Logs) -> None:
    async with logs.open() as one, logs.open() as two:
        async with echoing(one, "g") as (first, _), echoing(two, "g") as (late, by_late):
            given = 0
            while not len(first.partitions) == len(late.partitions) == 2:  # work goes on as long as that takes
                await one.append(numbered(20, first=given), writer="w")
                given += 20
                await asyncio.sleep(0.01)
            await one.append(numbered(40, first=given), writer="w")
            done = await everything(one, "out", given + 40)
        assert values(done) == echoed(given + 40)
        assert any(by_late)


async def test_two_members_own_each_partition_once(logs: Logs) -> None:
    async with AsyncExitStack() as stack:
        owners = []
        for _ in range(2):
            log = await stack.enter_async_context(logs.open())
            owners.append(await stack.enter_async_context(log.own("g", ["in"], gained=nothing, lost=nothing)))
        readers = [asyncio.create_task(drain(owner)) for owner in owners]

        def shares() -> list[list[tuple[str, int]]]:
            return sorted(sorted(owner.partitions) for owner in owners)

        def shared_out() -> bool:
            one, other = shares()
            return len(one) == len(other) == 2 and sorted(one + other) == [("in", n) for n in range(4)]

        await until(shared_out, shares)
        for owner, reader in zip(owners, readers, strict=True):
            owner.stop()
            await reader


async def drain(owner: Owner) -> None:
    async for _ in owner.batches(10, 0.1):
        pass


async def test_hand_over_waits_for_the_commit_in_flight(logs: Logs) -> None:
    """A member joins while a commit is being decided: that commit counts, and only once."""
    through = asyncio.Event()

    async def work(log: Log) -> None:
        async with echoing(log, "g"):
            await through.wait()

    async with logs.open() as one, logs.open() as two:
        await one.append(numbered(400), writer="w")
        async with one.own("g", ["in"], gained=nothing, lost=nothing) as owner:
            joined: asyncio.Task[None] | None = None
            async for batch in owner.batches(20, 0.1):
                async with batch.partition.lock:
                    if joined is None and batch.records:
                        joined = asyncio.create_task(work(two))
                        await until(lambda: len(owner.partitions) < 4, "the newcomer is felt")
                        await asyncio.sleep(logs.session)  # who did not wait for the lock would have begun by now
                    with suppress(FencedError):
                        await batch.commit([echo(record) for record in batch.records])
                if joined and len(owner.partitions) < 4 and not batch.records:
                    break
        assert joined is not None
        found = await everything(two, "out", 400)
        through.set()
        await joined
        assert values(found) == echoed(400)


async def test_state_is_restored_before_the_first_batch_and_lost_is_told(logs: Logs) -> None:
    events: list[str] = []

    async def gained(partition: Partition) -> None:
        await asyncio.sleep(0.05)
        events.append(f"gained {partition.number}")

    async def lost(partition: Partition) -> None:
        events.append(f"lost {partition.number}")

    async with logs.open(session=8.0) as log:  # nobody is expelled, and gains twice, for a moment's standstill
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
        assert sorted(r.key or b"" for r in await everything(log, "state", 4)) == [b"last%d" % n for n in range(4)]


async def test_a_stalled_owner_is_fenced_and_no_offset_moves_back(logs: Logs) -> None:
    async with logs.open() as log:
        await log.append(numbered(400), writer="w")
        child = logs.child("g", "stall")
        try:
            assert (await said(child))["event"] == "read"
            child.send_signal(signal.SIGSTOP)
            await pass_through(log, "g", until=400)
            await shown(lambda: nothing_unread(log, "g"), bool)
            before = await log.committed("g", "in")
            child.send_signal(signal.SIGCONT)
            assert child.stdin is not None
            child.stdin.write("go\n")
            child.stdin.flush()
            assert (await said(child))["event"] == "fenced"
            assert await log.committed("g", "in") == before
            assert values(await everything(log, "out", 400)) == echoed(400)
        finally:
            end(child)


async def test_processes_killed_at_any_moment_lose_and_double_nothing(logs: Logs) -> None:
    """Each kill waits until a part of what was given last is done, and what is left then waits for the others."""
    rng, kills, portion, done = seeded(), 4, 600, 0
    async with logs.open() as log:
        children, tail = [logs.child("g"), logs.child("g")], log.tail(["out"])
        try:
            for kill in range(kills):
                await log.append(numbered(portion, first=kill * portion), writer="w")
                wanted = kill * portion + rng.randrange(portion // 2)
                while done <= wanted:
                    done += len(await tail.read())
                    await asyncio.sleep(0.01)
                victim = rng.randrange(2)
                end(children[victim])
                children[victim] = logs.child("g")
            await log.append(numbered(portion, first=kills * portion), writer="w")
            found = await everything(log, "out", (kills + 1) * portion)
        finally:
            for child in children:
                end(child)
            await tail.close()
        assert values(found) == echoed((kills + 1) * portion)


async def said(child: Popen[str]) -> dict[str, object]:
    assert child.stdout is not None
    line = await asyncio.wait_for(asyncio.to_thread(child.stdout.readline), PATIENCE)
    return dict(json.loads(line))


def end(child: Popen[str]) -> None:
    child.kill()
    child.send_signal(signal.SIGCONT)
    child.wait()
    for stream in (child.stdin, child.stdout):
        if stream is not None:
            stream.close()
