# Minimal stubs of aiokafka 0.14, which ships no type information that mypy may use.
# Members with a leading underscore are private there; each use in tinsom/log/kafka says why it is needed.
import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from aiokafka.producer.message_accumulator import BatchBuilder as _BatchBuilder
from aiokafka.producer.message_accumulator import MessageAccumulator as _MessageAccumulator
from aiokafka.producer.sender import Sender as _Sender
from aiokafka.producer.transaction_manager import TransactionManager as _TransactionManager

class TopicPartition(NamedTuple):
    topic: str
    partition: int

class OffsetAndTimestamp(NamedTuple):
    offset: int
    timestamp: int | None

class ConsumerRecord:
    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]

class ConsumerRebalanceListener:
    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> object: ...
    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> object: ...

class AIOKafkaClient:
    async def close(self) -> None: ...

class AIOKafkaProducer:
    client: AIOKafkaClient
    _message_accumulator: _MessageAccumulator
    _sender: _Sender
    _txn_manager: _TransactionManager
    def __init__(
        self,
        *,
        bootstrap_servers: str,
        client_id: str | None = ...,
        request_timeout_ms: int = ...,
        acks: int | str = ...,
        compression_type: str | None = ...,
        max_batch_size: int = ...,
        linger_ms: int = ...,
        retry_backoff_ms: int = ...,
        transactional_id: str | None = ...,
        transaction_timeout_ms: int = ...,
        **security: Any,
    ) -> None: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def begin_transaction(self) -> None: ...
    async def commit_transaction(self) -> None: ...
    async def abort_transaction(self) -> None: ...
    async def send_offsets_to_transaction(self, offsets: Mapping[TopicPartition, int], group_id: str) -> None: ...
    def create_batch(self) -> _BatchBuilder: ...
    async def send_batch(self, batch: _BatchBuilder, topic: str, *, partition: int) -> asyncio.Future[object]: ...

class _Coordinator:
    member_id: str
    _coordination_task: asyncio.Task[None] | None
    def request_rejoin(self) -> None: ...

class AIOKafkaConsumer:
    _client: AIOKafkaClient
    _coordinator: _Coordinator | None
    def __init__(
        self,
        *,
        bootstrap_servers: str,
        client_id: str = ...,
        group_id: str | None = ...,
        fetch_max_wait_ms: int = ...,
        max_partition_fetch_bytes: int = ...,
        request_timeout_ms: int = ...,
        retry_backoff_ms: int = ...,
        auto_offset_reset: str = ...,
        enable_auto_commit: bool = ...,
        partition_assignment_strategy: Sequence[type] = ...,
        rebalance_timeout_ms: int | None = ...,
        session_timeout_ms: int = ...,
        heartbeat_interval_ms: int = ...,
        isolation_level: str = ...,
        **security: Any,
    ) -> None: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    def assign(self, partitions: Collection[TopicPartition]) -> None: ...
    def assignment(self) -> frozenset[TopicPartition]: ...
    def subscribe(
        self, topics: Collection[str] = ..., *, listener: ConsumerRebalanceListener | None = ...
    ) -> None: ...
    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None: ...
    async def position(self, partition: TopicPartition) -> int: ...
    def seek(self, partition: TopicPartition, offset: int) -> None: ...
    def pause(self, *partitions: TopicPartition) -> None: ...
    def resume(self, *partitions: TopicPartition) -> None: ...
    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = ..., max_records: int | None = ...
    ) -> dict[TopicPartition, list[ConsumerRecord]]: ...
    async def offsets_for_times(
        self, timestamps: dict[TopicPartition, int]
    ) -> dict[TopicPartition, OffsetAndTimestamp | None]: ...
    async def beginning_offsets(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]: ...
    async def end_offsets(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]: ...
