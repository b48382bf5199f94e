"""The Kafka form of the log (aiokafka), for production and scale-out.

One transactional producer per owned partition: starting it fences the former owner, ends what that one left
open and returns when all of it shows. Reading is read_committed throughout; what a commit or an append wrote
shows to readers a moment after the call has returned, when the brokers have written its markers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager

from aiokafka import TopicPartition

from tinsom.errors import FencedError, UnreachableError
from tinsom.log import Gained, Lag, Lost, Output, Record
from tinsom.log.kafka.admin import Admin
from tinsom.log.kafka.cluster import Cluster
from tinsom.log.kafka.lag import Unreads
from tinsom.log.kafka.owner import KafkaOwner
from tinsom.log.kafka.reader import KafkaTail, Reader, beginnings, records, within
from tinsom.log.kafka.security import PLAIN, Security
from tinsom.log.kafka.writer import Writer
from tinsom.topics import TOPICS, Topic


class KafkaLog:
    """See `tinsom.log.Log`. Times in seconds; `replication` counts only for topics that are created here."""

    def __init__(
        self,
        bootstrap_servers: str,
        namespace: str = "tinsom",
        *,
        replication: int = 1,
        session_timeout: float = 10.0,
        transaction_timeout: float = 10.0,
        topics: Mapping[str, Topic] = TOPICS,
        security: Security = PLAIN,
    ) -> None:
        self.namespace = namespace
        self.missing: Collection[str] = ()
        self._cluster = Cluster(
            bootstrap_servers, namespace, replication, session_timeout, transaction_timeout, topics, security
        )
        self._admin = Admin(self._cluster)
        self._asker = Reader(self._cluster, {})
        self._observer = Reader(self._cluster, {}, isolation="read_uncommitted")
        self._unreads = Unreads(self._cluster)
        self._writers: dict[str, Writer] = {}
        self._appending = asyncio.Lock()

    async def start(self, *, create: bool = True) -> None:
        await self._admin.start()
        try:
            self.missing = await self._admin.prepare_topics(create=create)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        for writer in self._writers.values():
            await writer.stop()
        self._writers.clear()
        await self._asker.close()
        await self._observer.close()
        await self._admin.close()

    # --- owning and writing ----------------------------------------------------------------------------

    @asynccontextmanager
    async def own(
        self, group: str, topics: Sequence[str], *, gained: Gained, lost: Lost, queue: bool = True
    ) -> AsyncIterator[KafkaOwner]:
        owner = KafkaOwner(self._cluster, self._admin, group, topics, gained, lost, queue)
        try:
            await owner.start()
            yield owner
        except asyncio.CancelledError:
            if not owner.cancelled_body():
                raise
        finally:
            await owner.close()
        owner.raise_untold()

    async def append(self, outputs: Iterable[Output], *, writer: str) -> None:
        async with self._appending:
            holder = await self._writer(writer)
            await self._append(holder, list(outputs), writer)

    async def _writer(self, name: str) -> Writer:
        if name not in self._writers:
            writer = Writer(self._cluster, self._cluster.writer_id(name))
            await writer.start()
            self._writers[name] = writer
        return self._writers[name]

    async def _append(self, holder: Writer, outputs: Sequence[Output], name: str) -> None:
        try:
            if outputs:
                await holder.write(outputs)
        except FencedError as error:
            if holder.fenced:
                raise FencedError(f"another process writes as {name} now; start this one again") from error
            raise UnreachableError(f"no answer from Kafka: it is not known whether {name} has written") from error
        finally:
            # Fenced means lost, here too; after any other failure the next append may begin anew.
            if not holder.usable and not holder.fenced:
                del self._writers[name]
                await holder.stop()

    # --- reading ---------------------------------------------------------------------------------------

    def read(self, topic: str, partition: int, start: int = 0, stop: int | None = None) -> AsyncIterator[Record]:
        return records(self._cluster, self._cluster.partition(topic, partition), start, stop)

    async def find(
        self,
        topic: str,
        *,
        since: int = 0,
        until: int | None = None,
        keys: Collection[bytes] | None = None,
        partitions: Sequence[int] | None = None,
    ) -> AsyncGenerator[Record, None]:
        numbers = range(self.partitions_of(topic)) if partitions is None else partitions
        ids = [self._cluster.partition(topic, number) for number in numbers]
        begin = await beginnings(self._cluster, await self._asker.open(), ids, since)
        async with aclosing(within(self._cluster, begin, since, until)) as records_within:
            async for record in records_within:
                timely = record.timestamp >= since and (until is None or record.timestamp <= until)
                if timely and (keys is None or record.key in keys):
                    yield record

    def tail(self, topics: Sequence[str]) -> KafkaTail:
        return KafkaTail(self._cluster, topics)

    def partitions_of(self, topic: str) -> int:
        return self._cluster.topic(topic).partitions

    async def ends(self, topic: str) -> dict[int, tuple[int, int]]:
        partitions = self._cluster.partitions(topic)
        consumer = await self._asker.open()
        first = await self._cluster.answer(consumer.beginning_offsets(partitions))
        end = await self._cluster.answer(consumer.end_offsets(partitions))
        return {p.partition: (first[p], end[p]) for p in partitions}

    async def offset_at(self, topic: str, partition: int, timestamp: int) -> int:
        id = self._cluster.partition(topic, partition)
        consumer = await self._asker.open()
        found = (await self._cluster.answer(consumer.offsets_for_times({id: timestamp})))[id]
        if found is not None:
            # Kafka may have found a transaction's marker, whose time is the broker's: look at records only.
            async for record in self.read(topic, partition, found.offset):
                if record.timestamp >= timestamp:
                    return record.offset
        return (await self._cluster.answer(consumer.end_offsets([id])))[id]

    async def committed(self, group: str, topic: str) -> dict[int, int]:
        found = await self._admin.committed(group, self._cluster.partitions(topic))
        return {p.partition: offset for p, offset in found.items()}

    async def reset(self, group: str, topic: str, partition: int, offset: int) -> None:
        await self._admin.reset(group, self._cluster.partition(topic, partition), offset)

    async def lag(self, group: str, topic: str) -> list[Lag]:
        committed = await self.committed(group, topic)
        positions: dict[TopicPartition, int] = {}
        ends: dict[TopicPartition, int] = {}
        for number, (first, end) in (await self.ends(topic)).items():
            id = self._cluster.partition(topic, number)
            positions[id], ends[id] = max(first, committed.get(number, first)), end
        unread = await self._unreads.between(positions, ends)
        return [Lag(topic, id.partition, *unread.get(id, (0, None))) for id in ends]

    async def hidden(self) -> dict[tuple[str, int], int]:
        partitions = {p: (t, p.partition) for t in self._cluster.topics for p in self._cluster.partitions(t)}
        asker, observer = await self._asker.open(), await self._observer.open()
        stable = await self._cluster.answer(asker.end_offsets(list(partitions)))
        ends = await self._cluster.answer(observer.end_offsets(list(partitions)))
        return {name: stable[p] for p, name in partitions.items() if stable[p] < ends[p]}

    async def differences(self) -> list[str]:
        return await self._admin.differences()

    async def maintain(self, now: int) -> None:
        """Nothing: brokers see to retention and compaction themselves."""
