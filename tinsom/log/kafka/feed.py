"""What was fetched and not yet handed out, and whose timers are due: the reading side of an owner."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Mapping, Sequence

from tinsom.log import Record
from tinsom.log.kafka.cluster import FETCH_WAIT
from tinsom.log.kafka.partition import KafkaBatch, KafkaPartition

QUIET_SECONDS = 2 * FETCH_WAIT  # after the last record or change: what else there is has been fetched by then
BUSY_SECONDS = 10.0


class Feed:
    """Records go before timers, but not for ever: other partitions may be busy the whole day."""

    def __init__(self, partitions: Mapping[tuple[str, int], KafkaPartition]) -> None:
        self._partitions = partitions
        self._fetched: deque[tuple[KafkaPartition, int, Sequence[Record]]] = deque()
        self._news, self._room = asyncio.Event(), asyncio.Event()
        self._moved_at = 0.0

    def add(self, partition: KafkaPartition, records: Sequence[Record]) -> None:
        self._fetched.append((partition, partition.version, records))
        self.moved()
        self.wake()

    def moved(self) -> None:
        """Something came or changed: more may come in a moment."""
        self._moved_at = time.monotonic()

    def wake(self) -> None:
        """Let `wait` return: there is something to look at."""
        self._news.set()

    async def room(self) -> None:
        """Return when all that was added has been handed out."""
        while self._fetched:
            self._room.clear()
            await self._room.wait()

    def next(self, max_records: int, timeout: float) -> KafkaBatch | None:
        """The batch whose turn it is, records or none; None when there is nothing to do yet."""
        return self._due(max(timeout, BUSY_SECONDS)) or self._records(max_records) or self._due(timeout)

    def _records(self, max_records: int) -> KafkaBatch | None:
        """The next fetched records that are still what their partition should read."""
        while self._fetched:
            partition, version, records = self._fetched.popleft()
            batch, rest = records[:max_records], records[max_records:]
            if rest:
                self._fetched.appendleft((partition, version, rest))
            if not self._fetched:
                self._room.set()  # fetch on while the batch is worked on
            self.moved()
            if version == partition.version and partition.owned:
                partition.position = batch[-1].offset + 1
                return KafkaBatch(partition, batch)
        return None

    def _due(self, timeout: float) -> KafkaBatch | None:
        """An empty batch for the partition whose timers have waited longest, when that is long enough."""
        partition = min(self._active(), key=lambda p: p.idle_since, default=None)
        if partition is None or time.monotonic() < self._due_at(partition, timeout):
            return None
        return KafkaBatch(partition, ())

    def _due_at(self, partition: KafkaPartition, timeout: float) -> float:
        due = partition.idle_since + timeout
        return due if timeout >= BUSY_SECONDS else max(due, self._moved_at + QUIET_SECONDS)

    def _active(self) -> list[KafkaPartition]:
        return [p for p in self._partitions.values() if p.owned and not p.paused]

    async def wait(self, timeout: float) -> None:
        """Until `wake`, or the next timer is due, or `timeout` s. Call only after `next` has found nothing."""
        now = time.monotonic()
        until = min([now + timeout, *(self._due_at(p, timeout) for p in self._active())])
        try:
            async with asyncio.timeout(max(0.0, until - now)):
                await self._news.wait()
        except TimeoutError:
            return

    def look(self) -> None:
        """From here on `wake` counts for the next `wait`; call before looking at what it may announce."""
        self._news.clear()
