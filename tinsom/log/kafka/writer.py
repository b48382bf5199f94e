"""A transactional producer: outputs and offsets become visible as one, or not at all.

aiokafka's rules that shape this module (each was a silent loss or a hang when disregarded):
a failed send does not fail its transaction, so all are awaited before the commit; after a failed send the
sequence numbers of its partition have a gap, so the producer is never used again; a fenced producer may leave
a future open for ever, so every await is bounded and a time-out counts as fencing until shown otherwise.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import (
    IllegalOperation,
    InvalidProducerEpoch,
    InvalidProducerIdMapping,
    InvalidTxnState,
    KafkaError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumber,
    ProducerFenced,
    RecordListTooLargeError,
)
from aiokafka.producer.message_accumulator import BatchBuilder

from tinsom.errors import FencedError, LogError, OversizeError
from tinsom.log import Output
from tinsom.log.kafka.cluster import STOP_SECONDS, Cluster, grouped

# What a producer hears, or an assertion it trips over, once a successor has its transactional id.
_FENCED = (
    ProducerFenced,
    InvalidProducerEpoch,
    InvalidProducerIdMapping,
    InvalidTxnState,
    OutOfOrderSequenceNumber,
    IllegalOperation,
    AssertionError,
)


class Writer:
    """Holds one transactional id from `start` on, until somebody else starts with it."""

    def __init__(self, cluster: Cluster, transactional_id: str) -> None:
        self._cluster, self._id = cluster, transactional_id
        self._producer: AIOKafkaProducer | None = None
        self._lock = asyncio.Lock()
        self.usable = False
        self.fenced = False

    async def start(self) -> None:
        """Fence the holder before us and end what it left open. Raises UnreachableError, LogError."""
        self._producer = self._cluster.producer(self._id)
        try:
            await self._cluster.answer(self._producer.start())
        except BaseException:
            await self.stop()
            raise
        self.usable = True

    async def write(
        self, outputs: Sequence[Output], group: str = "", offsets: Mapping[TopicPartition, int] | None = None
    ) -> None:
        """One transaction. Raises OversizeError, FencedError, LogError: nothing was written.

        After a time-out (FencedError too) all of it may have been; the group's offset tells, which whoever
        holds the id next has to read anyhow. After any error but the size check's this writer is done.
        """
        for output in outputs:
            output.must_fit(self._cluster.topic(output.topic).max_bytes)
        async with self._lock:
            if self._producer is None or not self.usable:
                raise FencedError(f"{self._id} has another holder")
            packed = self._pack(self._producer, outputs)
            try:
                async with asyncio.timeout(self._cluster.transaction_timeout):
                    await self._transaction(self._producer, packed, group, offsets)
            except BaseException as error:
                self.usable = False  # a failed or cancelled transaction is never followed by another
                if isinstance(error, KafkaError | AssertionError | TimeoutError):
                    raise self._explain(error) from error
                raise

    async def idle(self) -> None:
        """Return when no transaction is under way."""
        async with self._lock:
            pass

    async def stop(self) -> None:
        producer, self._producer, self.usable = self._producer, None, False
        if producer is None:
            return
        _retrieve_errors(producer)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await producer.stop()
        except (TimeoutError, KafkaError, OSError):
            await _cut_off(producer)
        _retrieve_errors(producer)

    # --- one transaction -------------------------------------------------------------------------------

    def _pack(
        self, producer: AIOKafkaProducer, outputs: Sequence[Output]
    ) -> list[tuple[TopicPartition, BatchBuilder]]:
        """Whole batches: one future each instead of one per record, and closed, so that none lingers."""
        return [
            (partition, batch)
            for partition, group in grouped(outputs, self._cluster).items()
            for batch in batches(producer, group)
        ]

    async def _transaction(
        self,
        producer: AIOKafkaProducer,
        batches: Sequence[tuple[TopicPartition, BatchBuilder]],
        group: str,
        offsets: Mapping[TopicPartition, int] | None,
    ) -> None:
        await producer.begin_transaction()
        try:
            await self._send(producer, batches, group, offsets)
        except KafkaError:
            await producer.abort_transaction()
            raise
        await producer.commit_transaction()

    async def _send(
        self,
        producer: AIOKafkaProducer,
        batches: Sequence[tuple[TopicPartition, BatchBuilder]],
        group: str,
        offsets: Mapping[TopicPartition, int] | None,
    ) -> None:
        """Return when every batch and the offsets have arrived; raise what failed first.

        The offsets go along with the batches: only the commit, which comes after both, makes them count.
        """
        arriving: list[asyncio.Future[object]] = []
        try:
            for partition, batch in batches:
                arriving.append(await producer.send_batch(batch, partition.topic, partition=partition.partition))
            if offsets:
                work = producer.send_offsets_to_transaction(offsets, self._cluster.group_id(group))
                arriving.append(asyncio.ensure_future(work))
            if arriving:
                done, _ = await asyncio.wait(arriving, return_when=asyncio.FIRST_EXCEPTION)
                for future in done:
                    future.result()
        finally:
            _forget(arriving)

    def _explain(self, error: BaseException) -> LogError:
        if isinstance(error, TimeoutError):
            return FencedError(f"{self._id}: no commit within {self._cluster.transaction_timeout:g} s, given up")
        if isinstance(error, _FENCED):
            self.fenced = True
            return FencedError(f"{self._id} has another holder")
        if isinstance(error, MessageSizeTooLargeError | RecordListTooLargeError):
            return OversizeError(f"{self._id}: Kafka's limit is below the registry's, see `tinsom topics check`")
        return LogError(f"{self._id}: Kafka refused to write: {error}")


def batches(producer: AIOKafkaProducer, outputs: Sequence[Output]) -> list[BatchBuilder]:
    """Batches of one partition, as few as their size allows."""
    made = [producer.create_batch()]
    for output in outputs:
        if not _add(made[-1], output):
            made.append(producer.create_batch())
            if not _add(made[-1], output):
                raise OversizeError(f"a record of {output.size} bytes fits no batch of {output.topic}")
    for batch in made:
        batch.close()
    return made


def _add(batch: BatchBuilder, output: Output) -> bool:
    return (
        batch.append(timestamp=output.timestamp, key=output.key, value=output.value, headers=list(output.headers))
        is not None
    )


def _forget(futures: Sequence[asyncio.Future[object]]) -> None:
    """Retrieve what nobody will ask for any more, or asyncio complains about it later."""
    for future in futures:
        if not future.done():
            future.cancel()
        elif not future.cancelled():
            future.exception()


def _retrieve_errors(producer: AIOKafkaProducer) -> None:
    """A fenced producer leaves errors in futures of its own that nobody awaits; take them out quietly."""
    accumulator = producer._message_accumulator
    batches = [batch for queue in accumulator._batches.values() for batch in queue]
    waiting = [batch._drain_waiter for batch in [*batches, *accumulator._pending_batches]]
    waiter = producer._txn_manager._transaction_waiter
    for future in [*waiting, *([waiter] if waiter is not None else [])]:
        if future.done() and not future.cancelled():
            future.exception()


async def _cut_off(producer: AIOKafkaProducer) -> None:
    """Close a producer that waits for a silent broker: an idempotent one would wait for ever (aiokafka #1101)."""
    sender = producer._sender.sender_task
    if sender is None:
        return await producer.client.close()
    sender.cancel()
    await producer.client.close()
    await asyncio.wait({sender}, timeout=STOP_SECONDS)
    if not sender.done():  # it is connecting once more, and will fail when nobody looks any longer
        sender.add_done_callback(lambda _: _retrieve_errors(producer))
