"""Reading without a group: ranges, tails, ends, offsets by time."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from tinsom.log import LATE_MS, Record
from tinsom.log.kafka.cluster import ANSWER_SECONDS, STABLE, Cluster, Isolation, stop_consumer

FETCH_BYTES = 4_194_304  # of one partition at once: a restore reads little else
FOUND_BYTES = 65_536  # of a short span: what else came along would be unpacked for nothing
SHORT_MS = 86_400_000

Found = tuple[TopicPartition, Sequence[ConsumerRecord]]


class Reader:
    """A consumer over given partitions, from given offsets on; stable records only, unless told otherwise."""

    def __init__(
        self,
        cluster: Cluster,
        positions: Mapping[TopicPartition, int],
        fetch_bytes: int = FETCH_BYTES,
        isolation: Isolation = STABLE,
    ) -> None:
        self._cluster, self._positions = cluster, positions
        self._fetch_bytes, self._isolation = fetch_bytes, isolation
        self._consumer: AIOKafkaConsumer | None = None

    async def open(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            consumer = self._cluster.reader(self._fetch_bytes, self._isolation)
            try:
                await self._cluster.answer(consumer.start())
            except BaseException:
                await stop_consumer(consumer)
                raise
            consumer.assign(list(self._positions))
            for partition, position in self._positions.items():
                consumer.seek(partition, position)
            self._consumer = consumer
        return self._consumer

    async def close(self) -> None:
        if self._consumer is not None:
            await stop_consumer(self._consumer)
            self._consumer = None

    async def ends(self) -> dict[TopicPartition, int]:
        consumer = await self.open()
        return await self._cluster.answer(consumer.end_offsets(list(self._positions)))

    async def upto(self, ends: Mapping[TopicPartition, int]) -> AsyncIterator[Found]:
        """What comes until every partition has reached its end; may hold a few records beyond it."""
        consumer = await self.open()
        came = time.monotonic()
        while waiting := [p for p, end in ends.items() if await self.position(p) < end]:
            found = await consumer.getmany(*waiting, timeout_ms=500)
            for partition, records in found.items():
                yield partition, records
            if found:
                came = time.monotonic()
            elif time.monotonic() - came > ANSWER_SECONDS:
                raise self._cluster.unreachable()

    async def position(self, partition: TopicPartition) -> int:
        """The next offset to be read: beyond markers and aborted records, which are no records."""
        consumer = await self.open()
        return await self._cluster.answer(consumer.position(partition))


async def records(
    cluster: Cluster, partition: TopicPartition, start: int, stop: int | None
) -> AsyncIterator[Record]:
    """Records with start ≤ offset < min(stop, stable end of now)."""
    reader = Reader(cluster, {partition: start})
    try:
        end = (await reader.ends())[partition]
        end = end if stop is None else min(stop, end)
        async for _, found in reader.upto({partition: end}):
            for record in found:
                if record.offset < end:
                    yield cluster.record(partition, record)
    finally:
        await reader.close()


async def beginnings(
    cluster: Cluster, consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition], since: int
) -> dict[TopicPartition, int]:
    """Where to begin, lest a record of `since` (ms) or later is missed; partitions without any are left out."""
    if since <= 0:
        return dict.fromkeys(partitions, 0)
    # A millisecond earlier: of several records with the same time a broker's index may know the last.
    found = await cluster.answer(consumer.offsets_for_times(dict.fromkeys(partitions, since - 1)))
    return {p: at.offset for p, at in found.items() if at is not None}


async def within(
    cluster: Cluster, begin: Mapping[TopicPartition, int], since: int, until: int | None
) -> AsyncGenerator[Record, None]:
    """Records from `begin` on, where `since` begins; of each partition up to the first LATE_MS newer than `until`.

    The records tell, not the broker: it would take a commit marker, whose time is its own, for a record.
    """
    if not begin:
        return  # a consumer that is stopped the moment it has started takes its stop for a cancellation of ours
    short = until is not None and until - since < SHORT_MS
    reader = Reader(cluster, begin, FOUND_BYTES if short else FETCH_BYTES)
    try:
        ends = await reader.ends()
        async for partition, found in reader.upto(ends):
            for record in found:
                if until is not None and record.timestamp > until + LATE_MS:
                    ends[partition] = 0
                    break
                if record.offset < ends[partition]:
                    yield cluster.record(partition, record)
    finally:
        await reader.close()


class KafkaTail:
    """See `tinsom.log.Tail`."""

    def __init__(self, cluster: Cluster, topics: Sequence[str]) -> None:
        self._cluster = cluster
        self._reader = Reader(cluster, {p: 0 for topic in topics for p in cluster.partitions(topic)})

    async def read(self) -> list[Record]:
        ends = await self._reader.ends()
        return [
            self._cluster.record(partition, record)
            async for partition, found in self._reader.upto(ends)
            for record in found
        ]

    async def close(self) -> None:
        await self._reader.close()
