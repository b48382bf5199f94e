"""A partition that this process owns on Kafka, and a batch of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from aiokafka import TopicPartition

from tinsom.errors import FencedError
from tinsom.log import Output, Record
from tinsom.log.kafka.writer import Writer


class Keeper(Protocol):
    """What a partition tells the owner it belongs to."""

    def follow(self, partition: KafkaPartition) -> None:
        """Position or pause have changed: let the consumer follow."""
        ...

    def broken(self, partition: KafkaPartition) -> None:
        """Its writer was fenced or cannot go on."""
        ...


class KafkaPartition:
    """`ready` once restored; `version` counts seeks and assignments, so that what was fetched before is known."""

    def __init__(self, keeper: Keeper, id: TopicPartition, topic: str, group: str, writer: Writer) -> None:
        self.id, self.topic, self.number = id, topic, id.partition
        self.lock = asyncio.Lock()
        self.writer = writer
        self.position = 0
        self.version = 0
        self.paused = self.ready = False
        self.idle_since = 0.0
        self._keeper, self._group, self._held = keeper, group, True

    @property
    def owned(self) -> bool:
        return self._held and self.writer.usable

    def release(self) -> None:
        """Nothing is written for it any more."""
        self._held = False

    async def commit(self, outputs: Sequence[Output], offset: int | None = None) -> None:
        if not self.owned:
            raise FencedError(f"{self.topic}[{self.number}] is not owned any more")
        if not outputs and offset is None:
            return
        # A caller that is cancelled leaves the transaction to its end: half a commit would cost the partition.
        await asyncio.shield(asyncio.ensure_future(self._write(outputs, offset)))

    async def _write(self, outputs: Sequence[Output], offset: int | None) -> None:
        try:
            await self.writer.write(outputs, self._group, None if offset is None else {self.id: offset})
        finally:
            if not self.writer.usable:
                self._keeper.broken(self)

    def pause(self) -> None:
        self.paused = True
        self._keeper.follow(self)

    def resume(self) -> None:
        self.paused = False
        self._keeper.follow(self)

    async def seek(self, offset: int) -> None:
        self.position = offset
        self._keeper.follow(self)

    def touch(self) -> None:
        self.idle_since = time.monotonic()


@dataclass(frozen=True)
class KafkaBatch:
    partition: KafkaPartition
    records: Sequence[Record]

    async def commit(self, outputs: Sequence[Output]) -> None:
        await self.partition.commit(outputs, self.records[-1].offset + 1 if self.records else None)
