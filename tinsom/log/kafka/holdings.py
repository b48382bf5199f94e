"""Taking over and handing over: each partition is brought to where the group wants it by a task of its own.

Fence, position, restore when it is wanted; last results, release when it is not. A partition that was fenced is
let go of and only comes back by a new assignment: a writer is never started for anything else.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Protocol

import structlog
from aiokafka import TopicPartition

from tinsom.errors import FencedError, UnreachableError
from tinsom.log import Gained, Lost
from tinsom.log.kafka.cluster import Cluster
from tinsom.log.kafka.partition import KafkaPartition, Keeper
from tinsom.log.kafka.writer import Writer

logger = structlog.get_logger(__name__)

LOCK_SECONDS = 15.0  # for the batch or the request in hand
LOST_SECONDS = 12.0  # `lost` may write its last results; a stage that needs longer is cut off
AGAIN_SECONDS = 1.0  # between two attempts of what has just failed


class Host(Keeper, Protocol):
    """What holdings need of the owner they belong to."""

    async def find_position(self, partition: KafkaPartition) -> None:
        """Set the partition's position to where the group goes on. Raises UnreachableError, LogError."""
        ...

    def failed(self, error: BaseException) -> None:
        """Something that no other member and no retry can cure."""
        ...

    def rejoin(self) -> None:
        """Ask the group for another round of assignments."""
        ...


class Holdings:
    def __init__(self, host: Host, cluster: Cluster, group: str, gained: Gained, lost: Lost) -> None:
        self.restored: dict[tuple[str, int], KafkaPartition] = {}
        self.held: dict[TopicPartition, KafkaPartition] = {}  # from before the fence to the release
        self.settled = asyncio.Event()
        self._host, self._cluster, self._group = host, cluster, group
        self._gained, self._lost = gained, lost
        self._wanted: frozenset[TopicPartition] = frozenset()
        self._owed: set[TopicPartition] = set()  # to be let go of before the group shares out again
        self._working: dict[TopicPartition, asyncio.Task[None]] = {}
        self._restoring: dict[TopicPartition, asyncio.Future[None]] = {}
        self._given_back_at = self._pause = 0.0
        self._failed = False

    # --- what is wanted --------------------------------------------------------------------------------

    def assign(self, wanted: frozenset[TopicPartition], owed: frozenset[TopicPartition], continuous: bool) -> None:
        """The group's word. `owed` goes to others as soon as it is let go of; without `continuous`
        membership somebody else may have had anything in between."""
        if not continuous:
            for partition in self.held.values():
                partition.release()
        self._wanted, self._owed, self._pause = wanted, set(owed), 0.0
        for id in {*self.held, *wanted}:
            self._kick(id)
        self._settle()

    async def release_all(self) -> None:
        self._wanted, self._owed = frozenset(), set()
        for id in list(self.held):
            self._kick(id)
        while self._working:
            await asyncio.wait(self._working.values())

    def give_back(self, id: TopicPartition) -> None:
        """Fenced means lost: only a new assignment brings it back; not at once when that has just failed."""
        now = time.monotonic()
        self._pause = AGAIN_SECONDS if now - self._given_back_at < 5 * AGAIN_SECONDS else 0.0
        self._given_back_at = now
        self._wanted -= {id}
        self._owed.add(id)
        self._kick(id)

    def _kick(self, id: TopicPartition) -> None:
        """Something has changed for this partition: see to it."""
        held, restoring = self.held.get(id), self._restoring.get(id)
        if restoring is not None and not (id in self._wanted and held is not None and held.owned):
            restoring.cancel()
        if id not in self._working:
            self._working[id] = asyncio.create_task(self._reconcile(id))

    async def _reconcile(self, id: TopicPartition) -> None:
        try:
            while (step := self._step(id)) is not None:
                try:
                    await step
                except Exception as error:  # a bug in a stage's `gained`, lost offsets: nothing to go on with
                    self._fail(error)
        finally:
            del self._working[id]
            self._settle()

    def _step(self, id: TopicPartition) -> Coroutine[None, None, None] | None:
        held, wanted = self.held.get(id), id in self._wanted and not self._failed
        if held is not None and not (wanted and held.owned):
            return self._let_go(held)
        if held is None and wanted:
            return self._take_over(id)
        return None

    def _settle(self) -> None:
        """After each change: ask for the next round once nothing that it needs is held any more."""
        if self._owed and not any(id in self.held for id in self._owed):
            self._owed.clear()
            asyncio.get_running_loop().call_later(self._pause, self._host.rejoin)
        if not self._working:
            self.settled.set()

    def _fail(self, error: BaseException) -> None:
        self._failed = True
        self.settled.set()
        self._host.failed(error)

    # --- take-over -------------------------------------------------------------------------------------

    async def _take_over(self, id: TopicPartition) -> None:
        """Fence the former owner, then find the position, then restore, then let batches come."""
        topic = self._cluster.short(id.topic)
        writer = Writer(self._cluster, self._cluster.owner_id(self._group, topic, id.partition))
        partition = self.held[id] = KafkaPartition(self._host, id, topic, self._group, writer)
        try:
            await writer.start()
            await self._host.find_position(partition)
            if id in self._wanted:
                await self._restore(partition)
            # Read once more: a 3.x coordinator may show the former owner's last offset a moment late.
            await self._host.find_position(partition)
        except (FencedError, UnreachableError) as error:
            logger.warning("take-over failed", group=self._group, partition=str(id), reason=str(error))
            self.give_back(id)
        except asyncio.CancelledError:
            if partition.owned and id in self._wanted:
                raise  # it was this task, not the restore, that was cancelled
        if partition.owned and id in self._wanted:
            partition.ready = True
            partition.touch()
            self.restored[topic, id.partition] = partition
            self._host.follow(partition)

    async def _restore(self, partition: KafkaPartition) -> None:
        restoring = asyncio.ensure_future(self._gained(partition))
        self._restoring[partition.id] = restoring
        try:
            await restoring
        finally:
            del self._restoring[partition.id]

    # --- hand-over -------------------------------------------------------------------------------------

    async def _let_go(self, partition: KafkaPartition) -> None:
        """No new batch, the commit in hand ends, the stage writes its last, then the writer stops."""
        restored, partition.ready = partition.ready, False
        self.restored.pop((partition.topic, partition.number), None)
        self._host.follow(partition)
        try:
            if restored:
                await self._hand_over(partition)
        finally:
            partition.release()
            await partition.writer.stop()
            del self.held[partition.id]

    async def _hand_over(self, partition: KafkaPartition) -> None:
        try:
            async with asyncio.timeout(LOCK_SECONDS):
                async with partition.lock:
                    await partition.writer.idle()
            async with asyncio.timeout(LOST_SECONDS):
                await self._lost(partition)
        except FencedError as error:
            logger.info("fenced at the hand-over", group=self._group, reason=str(error))
        except TimeoutError:
            logger.warning("hand-over cut off", group=self._group, partition=str(partition.id))
