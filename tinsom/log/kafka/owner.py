"""Owning partitions on Kafka: take-over, hand-over, batches.

Each partition is brought to where it should be by a task of its own (`_reconcile`): fence, position, restore
when it is wanted; last results, release when it is not. A partition that was fenced is let go and asked for
again in the group: a writer is started only for what the group has just assigned.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Sequence

import structlog
from aiokafka import ConsumerRecord, TopicPartition

from tinsom.errors import FencedError, UnreachableError
from tinsom.log import Gained, Lost, Record
from tinsom.log.kafka.cluster import FETCH_WAIT, Cluster
from tinsom.log.kafka.member import Member, fatal
from tinsom.log.kafka.partition import KafkaBatch, KafkaPartition
from tinsom.log.kafka.writer import Writer

logger = structlog.get_logger(__name__)

LOCK_SECONDS = 15.0  # for the batch or the request in hand
LOST_SECONDS = 12.0  # `lost` may write its last results; a stage that needs longer is cut off
STALL_SECONDS = 20.0
QUIET_SECONDS = 2 * FETCH_WAIT  # after the last record or change: what else there is has been fetched by then
BUSY_SECONDS = 10.0
AGAIN_SECONDS = 1.0  # between two attempts of what has just failed

Fetched = tuple[KafkaPartition, int, Sequence[Record]]


class KafkaOwner:
    """See `tinsom.log.Owner`; one member of a group."""

    def __init__(
        self, cluster: Cluster, group: str, topics: Sequence[str], gained: Gained, lost: Lost, queue: bool
    ) -> None:
        self.partitions: dict[tuple[str, int], KafkaPartition] = {}
        self._failure: BaseException | None = None
        self._cluster, self._group, self._topics = cluster, group, topics
        self._gained, self._lost, self._queue = gained, lost, queue
        self._held: dict[TopicPartition, KafkaPartition] = {}  # from the fence to the release
        self._wanted: frozenset[TopicPartition] = frozenset()
        self._owed: set[TopicPartition] = set()  # to be let go of before the group shares out again
        self._working: dict[TopicPartition, asyncio.Task[None]] = {}
        self._restoring: dict[TopicPartition, asyncio.Task[None]] = {}
        self._member: Member | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._body: asyncio.Task[object] | None = None
        self._settled, self._stopped = asyncio.Event(), asyncio.Event()
        self._closing = self._reading = self._cancelled = self._told = False
        self._given_back_at = self._pause = self._data_at = 0.0
        self._max_records = 500
        self._fetched: deque[Fetched] = deque()
        self._news, self._room = asyncio.Event(), asyncio.Event()

    # --- life ------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Join, and wait a while for the first share to be restored. Raises UnreachableError, LogError."""
        await self._join()
        self._supervisor = asyncio.create_task(self._supervise())
        try:
            async with asyncio.timeout(2 * self._cluster.session_timeout):
                await self._settled.wait()
        except TimeoutError:
            logger.info("no share of the partitions yet", group=self._group)
        self.raise_failure()
        self._body = asyncio.current_task()

    async def close(self) -> None:
        """Hand everything over: last results written, writers stopped, group left."""
        self._closing = True
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.gather(self._supervisor, return_exceptions=True)
        await self._release_all()
        if self._member is not None:
            await self._member.stop()

    def stop(self) -> None:
        self._stopped.set()
        self._news.set()

    async def _join(self) -> Member:
        self._member = Member(self._cluster, self._group, self._topics, lambda: self._held, self._assigned)
        await self._member.start()
        return self._member

    async def _supervise(self) -> None:
        """Poll for ever; a member that fails is replaced by a fresh one."""
        while True:
            try:
                await self._poll()
            except Exception as error:
                if fatal(error):
                    return self._fail(error)
                logger.warning("joining the group again", group=self._group, reason=repr(error))
            await self._leave()

    async def _leave(self) -> None:
        """Let everything go and end the membership."""
        await self._release_all()
        member, self._member = self._member, None
        if member is not None:
            await member.stop()
            await asyncio.sleep(AGAIN_SECONDS)

    async def _release_all(self) -> None:
        self._wanted = frozenset()
        for partition in list(self._held):
            self._kick(partition)
        while self._working:
            await asyncio.wait(self._working.values())

    def _fail(self, error: BaseException) -> None:
        """`batches` raises it; whoever does not iterate is cancelled (and told by `Log.own`)."""
        if self._failure is None and not self._queue and self._body is not None:
            self._cancelled = self._body.cancel()
        self._failure = self._failure or error
        self._settled.set()
        self._news.set()

    def raise_failure(self) -> None:
        if self._failure is not None:
            self._told = True
            raise self._failure

    def raise_untold(self) -> None:
        """At the end: raise the failure unless somebody has met it already."""
        if not self._told:
            self.raise_failure()

    def cancelled_body(self) -> bool:
        """Was it this owner, and nobody else, who cancelled the task that entered `Log.own`?"""
        return self._cancelled and self._body is not None and self._body.uncancel() == 0

    # --- what the group assigns ------------------------------------------------------------------------

    def _assigned(
        self, assigned: frozenset[TopicPartition], withheld: frozenset[TopicPartition], continuous: bool
    ) -> None:
        if self._closing:
            return
        if not continuous:  # somebody else may have had these in between
            for partition in self._held.values():
                partition.release()
        self._wanted, self._owed, self._pause = assigned, set(withheld), 0.0
        for partition in self._held.values():
            self.follow(partition)
        for id in {*self._held, *assigned}:
            self._kick(id)
        self._settle()

    def _kick(self, id: TopicPartition) -> None:
        """Something has changed for this partition: see to it."""
        held, restoring = self._held.get(id), self._restoring.get(id)
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
        held, wanted = self._held.get(id), id in self._wanted and self._failure is None
        if held is not None and not (wanted and held.owned):
            return self._let_go(held)
        if held is None and wanted:
            return self._take_over(id)
        return None

    def _settle(self) -> None:
        """After each change: ask for the next round once nothing that it needs is held any more."""
        if self._owed and not self._closing and not any(id in self._held for id in self._owed):
            self._owed.clear()
            asyncio.get_running_loop().call_later(self._pause, self._rejoin)
        if not self._working:
            self._settled.set()

    def _rejoin(self) -> None:
        if self._member is not None and not self._closing:
            self._member.rejoin()

    def _give_back(self, id: TopicPartition) -> None:
        """Fenced means lost: only a new assignment brings it back."""
        now = time.monotonic()
        self._pause = AGAIN_SECONDS if now - self._given_back_at < 5 * AGAIN_SECONDS else 0.0
        self._given_back_at = now
        self._wanted -= {id}
        self._owed.add(id)
        self._kick(id)

    # --- take-over and hand-over -----------------------------------------------------------------------

    async def _take_over(self, id: TopicPartition) -> None:
        """Fence the former owner, then find the position, then restore, then let batches come."""
        topic = self._cluster.short(id.topic)
        writer = Writer(self._cluster, self._cluster.owner_id(self._group, topic, id.partition))
        partition = self._held[id] = KafkaPartition(self, id, topic, self._group, writer)
        try:
            await writer.start()
            await self._find_position(partition)
            if id not in self._wanted:
                return
            await self._restore(partition)
            # Read once more: a 3.x coordinator may show the former owner's last offset a moment late.
            await self._find_position(partition)
        except (FencedError, UnreachableError) as error:
            logger.warning("take-over failed", group=self._group, partition=str(id), reason=str(error))
            self._give_back(id)
        except asyncio.CancelledError:
            if not partition.owned or id not in self._wanted:
                return  # `_kick` has cancelled the restore, not somebody this task
            raise
        if partition.owned and id in self._wanted:
            partition.ready = True
            partition.touch()
            self.partitions[topic, id.partition] = partition
            self.follow(partition)
            self._news.set()

    async def _find_position(self, partition: KafkaPartition) -> None:
        if self._queue and self._member is not None:
            partition.position = await self._member.position(partition.id, partition.topic)

    async def _restore(self, partition: KafkaPartition) -> None:
        restoring = asyncio.ensure_future(self._gained(partition))
        self._restoring[partition.id] = restoring
        try:
            await restoring
        finally:
            del self._restoring[partition.id]

    async def _let_go(self, partition: KafkaPartition) -> None:
        """No new batch, the commit in hand ends, the stage writes its last, then the writer stops."""
        restored, partition.ready = partition.ready, False
        self.partitions.pop((partition.topic, partition.number), None)
        self.follow(partition)
        try:
            if restored:
                await self._hand_over(partition)
            partition.release()
            await partition.writer.stop()
        finally:
            del self._held[partition.id]

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
        except Exception as error:
            self._fail(error)

    def broken(self, partition: KafkaPartition) -> None:
        """Its writer was fenced, or cannot go on: see `Keeper`."""
        if self._held.get(partition.id) is partition and not self._closing:
            self._give_back(partition.id)

    def follow(self, partition: KafkaPartition) -> None:
        """Let the consumer do what the partition's position and pause say: see `Keeper`."""
        partition.version += 1
        self._data_at = time.monotonic()
        if self._member is not None:
            fetch = self._reading and partition.ready and partition.owned and not partition.paused
            self._member.follow(partition.id, partition.position, fetch)

    # --- reading ---------------------------------------------------------------------------------------

    async def _poll(self) -> None:
        """Fetch ahead by one poll. Also what keeps the membership alive, so it goes on when all is paused."""
        member = self._member or await self._join()
        watched = time.monotonic()
        while True:
            found = await member.poll(self._max_records)
            for id, records in found.items():
                self._take_in(id, records)
            while self._fetched:
                self._room.clear()
                await self._room.wait()
            now = time.monotonic()
            if found:
                watched = now
            elif now - watched > STALL_SECONDS:
                watched = now
                await self._watch(member)

    def _take_in(self, id: TopicPartition, records: Sequence[ConsumerRecord]) -> None:
        partition = self._held.get(id)
        if partition is not None and partition.ready:
            converted = [self._cluster.record(id, record) for record in records]
            self._fetched.append((partition, partition.version, converted))
            self._data_at = time.monotonic()
            self._news.set()

    async def _watch(self, member: Member) -> None:
        """A consumer can stop fetching after a broker's restart without a word (aiokafka #1154)."""
        active = [p.id for p in self.partitions.values() if self._reading and p.owned and not p.paused]
        if active and await member.stalled(active):
            raise TimeoutError("records are there, but no fetch brings them")

    async def batches(self, max_records: int, timeout: float) -> AsyncIterator[KafkaBatch]:
        self._max_records = max_records
        self._begin_reading()
        while not self._stopped.is_set():
            self.raise_failure()
            batch = self._due(max(timeout, BUSY_SECONDS)) or self._next(max_records) or self._due(timeout)
            if batch is not None:
                batch.partition.touch()
                yield batch
                continue
            await self._wait(timeout)

    def _begin_reading(self) -> None:
        """Nothing is fetched before somebody iterates: how many records a batch may have is not known before."""
        if self._queue and not self._reading:
            self._reading = True
            for partition in self._held.values():
                self.follow(partition)

    def _next(self, max_records: int) -> KafkaBatch | None:
        """The next fetched records that are still what their partition should read."""
        while self._fetched:
            partition, version, records = self._fetched.popleft()
            batch, rest = records[:max_records], records[max_records:]
            if rest:
                self._fetched.appendleft((partition, version, rest))
            if not self._fetched:
                self._room.set()  # fetch on while the batch is worked on
            self._data_at = time.monotonic()
            if version == partition.version and partition.owned:
                partition.position = batch[-1].offset + 1
                return KafkaBatch(partition, batch)
        return None

    def _due(self, timeout: float) -> KafkaBatch | None:
        """An empty batch for the partition whose timers have waited longest, when that is long enough.

        Records go before timers, but not for ever: other partitions may be busy the whole day.
        """
        waiting = [p for p in self.partitions.values() if p.owned and not p.paused]
        partition = min(waiting, key=lambda p: p.idle_since, default=None)
        if partition is None or time.monotonic() < self._due_at(partition, timeout):
            return None
        return KafkaBatch(partition, ())

    def _due_at(self, partition: KafkaPartition, timeout: float) -> float:
        due = partition.idle_since + timeout
        return due if timeout >= BUSY_SECONDS else max(due, self._data_at + QUIET_SECONDS)

    async def _wait(self, timeout: float) -> None:
        """Until something comes, or the next timer is due."""
        due = [self._due_at(p, timeout) for p in self.partitions.values() if p.owned and not p.paused]
        now = time.monotonic()
        self._news.clear()
        if self._fetched or self._stopped.is_set() or self._failure is not None:
            return
        try:
            async with asyncio.timeout(max(0.0, min([*due, now + timeout]) - now)):
                await self._news.wait()
        except TimeoutError:
            return
