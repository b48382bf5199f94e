"""The Kafka log beside a bare aiokafka loop that does the same, in the same run on the same broker.

    python -m benchmarks.kafka_log [BOOTSTRAP]        starts a broker from tests/kafka without an argument

`pass_through`: records per second through read-decide-commit, 1 KB values, batches of up to 500, one
transactional producer per partition on both sides. `hops`: seconds from writing an item until a read_committed
reader has it after three such steps, at 20 items/s.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from benchmarks.report import Figure, show
from tinsom.log import Output, Partition, Record
from tinsom.log.kafka import KafkaLog
from tinsom.topics import Topic

PARTITIONS = 4
RECORDS = 20_000
BATCH = 500
ITEMS, PER_SECOND = 200, 20
HOPS = ("a", "b", "c", "d")


def topics() -> dict[str, Topic]:
    names = ("in", "out")
    return {n: Topic(n, PARTITIONS, "delete") for n in names} | {n: Topic(n, 1, "delete") for n in HOPS}


async def run(bootstrap: str) -> list[Figure]:
    log_rate, bare_rate = [], []
    for _ in range(2):  # turn about, and the better of two: the first run also warms the broker up
        bare_rate.append(await pass_through(bootstrap, bare_steps))
        log_rate.append(await pass_through(bootstrap, log_steps))
    bare_ms, log_ms = await hops(bootstrap, bare_hops), await hops(bootstrap, log_hops)
    return [
        Figure("Kafka log, pass-through", max(log_rate), "messages/s", max(bare_rate), "bare aiokafka loop", 0.8),
        *(
            Figure(
                f"Kafka log, three hops at {PER_SECOND} items/s, p{share * 100:.0f}",
                quantile(log_ms, share),
                "ms",
                quantile(bare_ms, share),
                "three bare transactional hops",
                1.0,
            )
            for share in (0.5, 0.99)
        ),
    ]


def quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


@asynccontextmanager
async def opened(bootstrap: str) -> AsyncIterator[KafkaLog]:
    log = KafkaLog(bootstrap, f"bench{uuid.uuid4().hex[:8]}", topics=topics())
    await log.start()
    try:
        yield log
    finally:
        await log.close()


# --- throughput --------------------------------------------------------------------------------------------


async def pass_through(bootstrap: str, steps: object) -> float:
    """Records per second from the first batch to the last commit, filling and joining not counted."""
    values = [os.urandom(500).hex().encode() for _ in range(RECORDS)]  # compresses by half, as texts do
    now = int(time.time() * 1000)
    async with opened(bootstrap) as log:
        for start in range(0, RECORDS, 2_000):
            records = [
                Output("in", b"k%d" % i, values[i], now, (("n", b"%d" % i),), partition=i % PARTITIONS)
                for i in range(start, start + 2_000)
            ]
            await log.append(records, writer="fill")
        seconds = await steps(bootstrap, log)  # type: ignore[operator]
    return RECORDS / seconds


async def nothing(_: Partition) -> None:
    pass


def passed(r: Record) -> Output:
    return Output("out", r.key, r.value, r.timestamp, r.headers, partition=r.partition)


async def log_steps(bootstrap: str, log: KafkaLog) -> float:
    done, began = 0, 0.0
    async with log.own("pass", ["in"], gained=nothing, lost=nothing) as owner:
        async for batch in owner.batches(BATCH, 1.0):
            began = began or time.monotonic()
            await batch.commit([passed(record) for record in batch.records])
            done += len(batch.records)
            if done == RECORDS:
                break
        return time.monotonic() - began


async def bare_steps(bootstrap: str, log: KafkaLog) -> float:
    source, target = f"{log.namespace}.in.v1", f"{log.namespace}.out.v1"
    done, began = 0, 0.0
    async with bare(bootstrap, log.namespace, source, PARTITIONS) as (consumer, producers):
        while done < RECORDS:
            found = await consumer.getmany(timeout_ms=1000, max_records=BATCH)
            began = began or time.monotonic()
            for partition, records in found.items():
                await step(producers[partition], target, partition, records, log.namespace)
                done += len(records)
        return time.monotonic() - began


@asynccontextmanager
async def bare(
    bootstrap: str, group: str, source: str, partitions: int
) -> AsyncIterator[tuple[AIOKafkaConsumer, dict[TopicPartition, AIOKafkaProducer]]]:
    """A consumer in a group and a producer per partition, with the settings of the log."""
    async with AsyncExitStack() as stack:
        producers = {}
        for number in range(partitions):
            producer = AIOKafkaProducer(
                bootstrap_servers=bootstrap,
                transactional_id=f"{group}-bare-{source}-{number}",
                transaction_timeout_ms=10_000,
                compression_type="zstd",
                max_batch_size=262_144,
                linger_ms=5,
            )
            producers[TopicPartition(source, number)] = await stack.enter_async_context(producer)
        consumer = AIOKafkaConsumer(
            source,
            bootstrap_servers=bootstrap,
            group_id=f"{group}.bare.{source}",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )
        yield await stack.enter_async_context(consumer), producers


async def step(
    producer: AIOKafkaProducer,
    target: str,
    partition: TopicPartition,
    records: Sequence[ConsumerRecord],
    group: str,
) -> None:
    async with producer.transaction():
        sent = [
            await producer.send(
                target,
                r.value,
                key=r.key,
                partition=partition.partition,
                timestamp_ms=r.timestamp,
                headers=list(r.headers),
            )
            for r in records
        ]
        await asyncio.gather(*sent)
        group_id = f"{group}.bare.{partition.topic}"
        await producer.send_offsets_to_transaction({partition: records[-1].offset + 1}, group_id)


# --- latency -----------------------------------------------------------------------------------------------


async def hops(bootstrap: str, steps: object) -> list[float]:
    """Milliseconds of each item from its write to the reader behind the last of three steps."""
    async with opened(bootstrap) as log, AsyncExitStack() as stack:
        ready = asyncio.Event()
        running = asyncio.create_task(steps(bootstrap, log, ready))  # type: ignore[operator]
        stack.push_async_callback(ended, running)
        await ready.wait()
        reader = AIOKafkaConsumer(
            f"{log.namespace}.{HOPS[-1]}.v1",
            bootstrap_servers=bootstrap,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )
        await stack.enter_async_context(reader)
        writing = asyncio.create_task(write_items(log))
        took = []
        while len(took) < ITEMS:
            record = await asyncio.wait_for(reader.getone(), 30)
            took.append((time.time() - float(record.value)) * 1000)
        await writing
        return took


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def write_items(log: KafkaLog) -> None:
    began = time.monotonic()
    for i in range(ITEMS):
        await asyncio.sleep(max(0.0, began + i / PER_SECOND - time.monotonic()))
        now = time.time()
        await log.append([Output(HOPS[0], b"%d" % i, b"%f" % now, int(now * 1000))], writer="items")


async def log_hops(bootstrap: str, log: KafkaLog, ready: asyncio.Event) -> None:
    async def hop(source: str, target: str) -> None:
        async with log.own(f"to-{target}", [source], gained=nothing, lost=nothing) as owner:
            joined.release()
            async for batch in owner.batches(BATCH, 1.0):
                await batch.commit([Output(target, r.key, r.value, r.timestamp) for r in batch.records])

    joined = asyncio.Semaphore(0)
    async with asyncio.TaskGroup() as group:
        for source, target in pairwise(HOPS):
            group.create_task(hop(source, target))
            await joined.acquire()
        ready.set()


async def bare_hops(bootstrap: str, log: KafkaLog, ready: asyncio.Event) -> None:
    async def hop(source: str, target: str) -> None:
        names = [f"{log.namespace}.{name}.v1" for name in (source, target)]
        async with bare(bootstrap, log.namespace, names[0], 1) as (consumer, producers):
            joined.release()
            while True:
                for partition, records in (await consumer.getmany(timeout_ms=1000)).items():
                    await step(producers[partition], names[1], partition, records, log.namespace)

    joined = asyncio.Semaphore(0)
    async with asyncio.TaskGroup() as group:
        for source, target in pairwise(HOPS):
            group.create_task(hop(source, target))
            await joined.acquire()
        ready.set()


def main() -> None:
    if len(sys.argv) > 1:
        show(asyncio.run(run(sys.argv[1])))
        return
    from tests.kafka.broker import Cluster

    with Cluster() as cluster:
        show(asyncio.run(run(cluster.bootstrap)))


if __name__ == "__main__":
    main()
