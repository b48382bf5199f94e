import asyncio
from collections.abc import Iterable, Mapping, Sequence

from aiokafka import TopicPartition

class BatchBuilder:
    def append(
        self,
        *,
        timestamp: int | None,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = ...,
    ) -> object | None: ...
    def close(self) -> None: ...

class MessageBatch:
    future: asyncio.Future[object]
    _drain_waiter: asyncio.Future[None]

class MessageAccumulator:
    _batches: Mapping[TopicPartition, Iterable[MessageBatch]]
    _pending_batches: set[MessageBatch]
