"""What only Kafka can do to the log; what both forms promise is in tests/log/test_conformance.py."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from tests.kafka.broker import free_ports
from tests.kafka.opening import PATIENT, admin, alter, finish, narrow, opened
from tests.log.echo import TOPICS, commit_echo, echo, nothing
from tests.log.test_conformance import START, drain, echoed, everything, next_batch, numbered, values
from tests.waiting import PATIENCE, becomes, shown, until
from tinsom.errors import FencedError, LogError, LostOffsetsError, OversizeError, UnreachableError
from tinsom.log import Output, Partition, Record
from tinsom.log.kafka import KafkaLog
from tinsom.log.kafka.cluster import ANSWER_SECONDS
from tinsom.log.kafka.owner import KafkaOwner
from tinsom.log.kafka.writer import Writer

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("quiet")]


# --- starting ----------------------------------------------------------------------------------------------


async def test_no_broker_is_one_line_and_soon(namespace: str) -> None:
    log = KafkaLog(f"127.0.0.1:{free_ports(1)[0]}", namespace, topics=TOPICS)
    began = time.monotonic()
    with pytest.raises(UnreachableError, match="no Kafka broker answers at 127") as caught:
        await log.start()
    assert time.monotonic() - began < ANSWER_SECONDS, "nobody is asked again and again"
    assert "\n" not in str(caught.value)


async def test_other_partition_counts_are_refused(kafka_bootstrap: str, namespace: str) -> None:
    async with opened(kafka_bootstrap, namespace):
        pass
    grown = TOPICS | {"in": replace(TOPICS["in"], partitions=6)}
    with pytest.raises(LogError, match=r"in\.v1 has 4 partitions, not 6"):
        async with opened(kafka_bootstrap, namespace, topics=grown):
            pass


async def test_topics_are_what_the_registry_says(kafka_bootstrap: str, namespace: str) -> None:
    async with opened(kafka_bootstrap, namespace), admin(kafka_bootstrap) as client:
        names = [f"{namespace}.{name}.v1" for name in ("in", "state")]
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        (response,) = await client.describe_configs(resources)
        found = {row[3]: {entry[0]: entry[1] for entry in row[4]} for row in response.resources}
    assert found[names[0]]["cleanup.policy"] == "delete"
    assert found[names[0]]["retention.ms"] == "3600000"
    assert found[names[1]]["cleanup.policy"] == "compact"
    assert found[names[1]]["retention.ms"] == "-1"


async def test_who_only_looks_sees_what_is_missing_and_creates_nothing(
    kafka_bootstrap: str, namespace: str
) -> None:
    async def missing() -> set[str]:
        log = KafkaLog(kafka_bootstrap, namespace, topics=TOPICS)
        await log.start(create=False)
        try:
            there = [name for name in TOPICS if name not in log.missing]
            assert all([await log.ends(name) for name in there])
            assert await log.differences() == []
            return set(log.missing)
        finally:
            await log.close()

    assert [await missing(), await missing()] == [set(TOPICS)] * 2
    async with opened(kafka_bootstrap, namespace, topics={"in": TOPICS["in"]}):
        pass
    assert [await missing(), await missing()] == [set(TOPICS) - {"in"}] * 2


async def test_a_difference_is_told_with_what_to_do(kafka_bootstrap: str, namespace: str) -> None:
    async with opened(kafka_bootstrap, namespace) as log:
        assert await log.differences() == []
        await alter(kafka_bootstrap, f"{namespace}.in.v1", retention_ms="1000", cleanup_policy="compact")
        found = await log.differences()
    for setting, is_, wanted in (("cleanup.policy", "compact", "delete"), ("retention.ms", "1000", "3600000")):
        (line,) = [line for line in found if f" {setting} is " in line]
        assert line.startswith(f"{namespace}.in.v1: {setting} is {is_}, not {wanted}; kafka-configs.sh --alter ")
        assert line.endswith(f" --entity-name {namespace}.in.v1 --add-config {setting}={wanted}")


# --- offsets -----------------------------------------------------------------------------------------------


async def cut(bootstrap: str, namespace: str, before: int) -> None:
    """Delete the first records of `in`, as retention does."""
    async with admin(bootstrap) as client:
        tps = [TopicPartition(f"{namespace}.in.v1", n) for n in range(4)]
        await client.delete_records({tp: RecordsToDelete(before) for tp in tps})


async def test_records_gone_before_they_were_read_stop_the_group(kafka_bootstrap: str, namespace: str) -> None:
    async with opened(kafka_bootstrap, namespace) as log:
        await log.append(numbered(40), writer="w")
        async with log.own("g", ["in"], gained=nothing, lost=nothing) as owner:
            seen: set[int] = set()
            async for batch in owner.batches(2, 0.1):
                await commit_echo(batch)
                seen.add(batch.partition.number)
                if len(seen) == 4:
                    break
        await cut(kafka_bootstrap, namespace, before=8)
        with pytest.raises(LostOffsetsError, match=r"g has offset .*`tinsom topics seek g in`"):
            async with log.own("g", ["in"], gained=nothing, lost=nothing) as owner:
                await drain(owner)


async def test_forgotten_offsets_do_not_begin_anywhere(kafka_bootstrap: str, namespace: str) -> None:
    async with opened(kafka_bootstrap, namespace) as log:
        await log.append(numbered(40), writer="w")
        await cut(kafka_bootstrap, namespace, before=3)
        with pytest.raises(LostOffsetsError, match="no committed offset"):
            async with log.own("g", ["in"], gained=nothing, lost=nothing) as owner:
                await drain(owner)


async def test_records_that_vanish_under_a_running_group_stop_it(kafka_bootstrap: str, namespace: str) -> None:
    async with opened(kafka_bootstrap, namespace) as log:
        await log.append(numbered(40), writer="w")
        async with log.own("g", ["in"], gained=nothing, lost=nothing) as owner:
            await until(lambda: len(owner.partitions) == 4)
            await cut(kafka_bootstrap, namespace, before=8)
            with pytest.raises(LostOffsetsError, match="gone from the topic"):
                await drain(owner)


async def test_a_marker_between_records_is_no_answer_to_when(kafka_bootstrap: str, namespace: str) -> None:
    """A transaction's marker bears the broker's time: it must not be taken for the first newer record."""
    async with opened(kafka_bootstrap, namespace) as log:
        for second in range(5):
            await log.append([Output("in", b"k", b"%d" % second, START + second * 1000, partition=0)], writer="w")
        await everything(log, "in", 5)
        offset = await log.offset_at("in", 0, START + 2500)
        (record,) = [r async for r in log.read("in", 0, offset, offset + 1)]
        assert record.value == b"3"
        assert await log.offset_at("in", 0, START + 4001) == (await log.ends("in"))[0][1]


# --- transactions ------------------------------------------------------------------------------------------


async def test_a_send_that_the_broker_refuses_fails_the_whole_transaction(
    kafka_bootstrap: str, namespace: str
) -> None:
    """aiokafka would commit without the refused record (facts 0.2); then the sequence has a gap as well."""
    async with opened(kafka_bootstrap, namespace) as log:
        await log.append(numbered(4), writer="w")
        await narrow(log, kafka_bootstrap)
        async with log.own("g", ["in"], gained=nothing, lost=nothing) as owner:
            batch = await next_batch(owner.batches(10, 0.1))
            large = Output("small", b"k", os.urandom(5_000), START)
            with pytest.raises(OversizeError):
                await batch.commit([*map(echo, batch.records), large])
            assert not batch.partition.owned
            assert await everything(log, "out") == []
            assert await log.committed("g", "in") == {}
            done = 0
            async for again in owner.batches(10, 0.1):
                done += await commit_echo(again)
                if done == 4:
                    break
        assert values(await everything(log, "out", 4)) == echoed(4)


async def test_a_refused_append_does_not_end_the_writer(kafka_bootstrap: str, namespace: str) -> None:
    async with opened(kafka_bootstrap, namespace) as log:
        await narrow(log, kafka_bootstrap)
        with pytest.raises(OversizeError):
            await log.append([*numbered(4), Output("small", b"k", os.urandom(5_000), START)], writer="w")
        assert await everything(log, "in") == []
        await log.append(numbered(4), writer="w")
        assert len(await everything(log, "in", 4)) == 4


async def test_a_fenced_partition_comes_back_by_a_new_assignment_only(
    kafka_bootstrap: str, namespace: str
) -> None:
    events: list[str] = []

    async def gained(partition: Partition) -> None:
        events.append(f"gained {partition.number}")

    async def lost(partition: Partition) -> None:
        events.append(f"lost {partition.number} {partition.owned}")

    async with opened(kafka_bootstrap, namespace, transaction_timeout=60.0, session=PATIENT) as log:
        await log.append(numbered(40), writer="w")
        async with log.own("g", ["in"], gained=gained, lost=lost) as owner:
            batch = await next_batch(owner.batches(5, 0.1))
            number = batch.partition.number
            rival = Writer(log._cluster, f"{namespace}-g-in-{number}")
            await rival.start()
            began = time.monotonic()
            with pytest.raises(FencedError):
                await batch.commit([echo(record) for record in batch.records])
            assert time.monotonic() - began < 30, "no transaction had to run out"
            assert not batch.partition.owned
            with pytest.raises(FencedError):
                await batch.partition.commit([Output("state", b"k", b"v", START)])
            await rival.stop()
            done = 0
            async for again in owner.batches(5, 0.1):
                done += await commit_echo(again)
                if done == 40:
                    break
        assert values(await everything(log, "out", 40)) == echoed(40)
    assert events.count(f"gained {number}") == 2
    assert events.count(f"lost {number} False") == 1
    assert all(events.count(f"gained {n}") == 1 for n in range(4) if n != number), "others were not disturbed"


async def test_a_caller_that_is_cancelled_leaves_no_half_commit(kafka_bootstrap: str, namespace: str) -> None:
    async with opened(kafka_bootstrap, namespace) as log:
        await log.append(numbered(4), writer="w")
        async with log.own("g", ["in"], gained=nothing, lost=nothing) as owner:
            batch = await next_batch(owner.batches(10, 0.1))
            commit = asyncio.create_task(batch.commit([echo(record) for record in batch.records]))
            await asyncio.sleep(0)
            commit.cancel()
            with pytest.raises(asyncio.CancelledError):
                await commit
            await batch.partition.commit([Output("state", b"k", b"after", START)])
        assert len(await everything(log, "out", len(batch.records))) == len(batch.records)
        await becomes(lambda: log.committed("g", "in"), {batch.partition.number: batch.records[-1].offset + 1})


async def test_killed_inside_a_transaction_holds_nobody_up(kafka_bootstrap: str, namespace: str) -> None:
    """The successor's start ends the open transaction at once: fixed transactional ids."""
    async with opened(kafka_bootstrap, namespace) as log:
        await log.append(numbered(4), writer="w")
        command = [sys.executable, "-m", "tests.kafka.hanging", kafka_bootstrap, namespace, "g"]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        try:
            assert "inside" in await asyncio.wait_for(asyncio.to_thread(child.stdout.readline), PATIENCE)
        finally:
            child.kill()
            child.wait()
            child.stdout.close()
        assert await everything(log, "out") == []
        assert [(topic, offset) for (topic, _), offset in (await log.hidden()).items()] == [("out", 0)]
        began = time.monotonic()
        await finish(log, "g", until=4)
        assert time.monotonic() - began < 45, "the broker's own clock would have ended it after a minute"
        assert values(await everything(log, "out")) == echoed(4)


# --- membership --------------------------------------------------------------------------------------------


async def test_a_restore_longer_than_the_session_is_one_join(
    kafka_bootstrap: str, namespace: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="aiokafka.consumer.group_coordinator")
    gains: Counter[int] = Counter()

    async def slow(partition: Partition) -> None:
        gains[partition.number] += 1
        await asyncio.sleep(1.25 * PATIENT)

    async with opened(kafka_bootstrap, namespace, session=PATIENT) as log:
        await log.append(numbered(8), writer="w")
        async with log.own("g", ["in"], gained=slow, lost=nothing) as owner:
            done = 0
            async for batch in owner.batches(10, 0.1):
                done += await commit_echo(batch)
                if done == 8:
                    break
    assert gains == dict.fromkeys(range(4), 1)
    assert sum("Joined group" in r.getMessage() for r in caplog.records) == 1


async def test_what_stays_is_not_restored_again_and_what_moves_may_write_its_last(
    kafka_bootstrap: str, namespace: str
) -> None:
    gains, over = Counter[int](), asyncio.Event()

    async def gained(partition: Partition) -> None:
        gains[partition.number] += 1

    async def lost(partition: Partition) -> None:
        if not over.is_set():
            await asyncio.sleep(1.25 * PATIENT)  # longer than a rebalance would wait
        await partition.commit([Output("state", b"last", b"%d" % partition.number, START)])

    async with (
        opened(kafka_bootstrap, namespace, session=PATIENT) as one,
        opened(kafka_bootstrap, namespace, session=PATIENT) as two,
        one.own("g", ["in"], gained=gained, lost=lost) as owner,
    ):
        reading = asyncio.create_task(drain(owner))
        async with two.own("g", ["in"], gained=nothing, lost=nothing) as late:
            other = asyncio.create_task(drain(late))
            await until(lambda: len(late.partitions) == 2)
            moved = {number for _, number in late.partitions}
            last = {int(r.value or b"") for r in await everything(two, "state")}
            assert last == moved
            assert {number for _, number in owner.partitions} == {0, 1, 2, 3} - moved
            late.stop()
            await other
        over.set()
        owner.stop()
        await reading
    assert all(gains[n] == 1 for n in range(4) if n not in moved)


async def test_partitions_that_nobody_reads_are_kept(kafka_bootstrap: str, namespace: str) -> None:
    async with opened(kafka_bootstrap, namespace, session=PATIENT) as log:
        await log.append(numbered(4), writer="w")
        async with log.own("g", ["in"], gained=nothing, lost=nothing, queue=False) as owner:
            await until(lambda: ("in", 2) in owner.partitions)
            partition = owner.partitions["in", 2]
            await asyncio.sleep(1.25 * PATIENT)
            assert owner.partitions["in", 2] is partition
            await partition.commit([Output("state", b"k", b"v", START)])
        assert await log.committed("g", "in") == {}
        assert len(await everything(log, "state", 1)) == 1


async def test_a_restore_that_fails_reaches_whoever_does_not_iterate(kafka_bootstrap: str, namespace: str) -> None:
    async def gained(partition: Partition) -> None:
        await asyncio.sleep(0.2)
        raise ValueError("state is not readable")

    async with opened(kafka_bootstrap, namespace) as log:
        with pytest.raises(ValueError, match="state is not readable"):
            async with log.own("g", ["in"], gained=gained, lost=nothing, queue=False):
                await asyncio.sleep(PATIENCE)


async def test_a_restore_that_fails_ends_the_batches(kafka_bootstrap: str, namespace: str) -> None:
    async def gained(partition: Partition) -> None:
        raise ValueError("state is not readable")

    async with opened(kafka_bootstrap, namespace) as log:
        with pytest.raises(ValueError, match="state is not readable"):
            async with log.own("g", ["in"], gained=gained, lost=nothing) as owner:
                await drain(owner)


async def test_a_consumer_that_stops_fetching_is_replaced(
    kafka_bootstrap: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tinsom.log.kafka.owner.STALL_SECONDS", 0.5)
    async with opened(kafka_bootstrap, namespace) as log:
        await log.append(numbered(8), writer="w")
        async with log.own("g", ["in"], gained=nothing, lost=nothing) as owner:
            assert isinstance(owner, KafkaOwner)
            stuck = owner._member
            assert stuck is not None

            stopped = asyncio.Event()

            async def nothing_comes(**_: object) -> dict[object, object]:
                stopped.set()
                await asyncio.sleep(0.1)
                return {}

            monkeypatch.setattr(stuck._consumer, "getmany", nothing_comes)
            await stopped.wait()  # the real poll that was under way has ended
            done = 0
            async for batch in owner.batches(10, 0.1):
                done += await commit_echo(batch)
                if done == 8:
                    break
            assert owner._member is not stuck
        assert values(await everything(log, "out", 8)) == echoed(8)


async def test_state_restored_after_the_broker_has_compacted(kafka_bootstrap: str, namespace: str) -> None:
    async with opened(kafka_bootstrap, namespace) as log:
        eager = {"cleanup.policy": "compact", "segment.ms": "100", "min.cleanable.dirty.ratio": "0.001"}
        async with admin(kafka_bootstrap) as client:
            await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, f"{namespace}.state.v1", eager)])
        now = int(time.time() * 1000)
        for i in range(60):
            row = [Output("state", b"%d" % (i % 5), b"%d" % i, now + i, partition=0)]
            await log.append(row, writer="w")

        async def rows() -> list[Record]:
            # The newest segment is never compacted: a further record rolls it.
            await log.append([Output("state", b"x", b"", int(time.time() * 1000), partition=0)], writer="w")
            return [r for r in await everything(log, "state") if r.key != b"x"]

        # The last of the sixty is there, and not all of them.
        found = await shown(rows, lambda rows: len(rows) < 60 and any(r.value == b"59" for r in rows))
        assert {r.key: r.value for r in found} == {b"%d" % k: b"%d" % (55 + k) for k in range(5)}
