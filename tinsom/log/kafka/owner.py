"""A member of a group that owns partitions: joins, polls, hands out batches, starts afresh when it must."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence

import structlog
from aiokafka import TopicPartition

from tinsom.log import Gained, Lost
from tinsom.log.kafka.admin import Admin
from tinsom.log.kafka.cluster import Cluster
from tinsom.log.kafka.feed import Feed
from tinsom.log.kafka.holdings import AGAIN_SECONDS, Holdings
from tinsom.log.kafka.member import Member, fatal, position
from tinsom.log.kafka.partition import KafkaBatch, KafkaPartition

logger = structlog.get_logger(__name__)

STALL_SECONDS = 20.0


class KafkaOwner:
    """See `tinsom.log.Owner`. To its partitions it is their `Keeper`, to its holdings their `Host`."""

    def __init__(
        self,
        cluster: Cluster,
        admin: Admin,
        group: str,
        topics: Sequence[str],
        gained: Gained,
        lost: Lost,
        queue: bool,
    ) -> None:
        self._cluster, self._admin = cluster, admin
        self._group, self._topics, self._queue = group, topics, queue
        self._holdings = Holdings(self, cluster, group, gained, lost)
        self._feed = Feed(self._holdings.restored)
        self._member: Member | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._body: asyncio.Task[object] | None = None
        self._failure: BaseException | None = None
        self._stopped = asyncio.Event()
        self._closing = self._reading = self._cancelled = self._told = False
        self._max_records = 500

    @property
    def partitions(self) -> Mapping[tuple[str, int], KafkaPartition]:
        return self._holdings.restored

    # --- life ------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Join, and wait a while for the first share to be restored. Raises UnreachableError, LogError."""
        await self._join()
        self._supervisor = asyncio.create_task(self._supervise())
        try:
            async with asyncio.timeout(2 * self._cluster.session_timeout):
                await self._holdings.settled.wait()
        except TimeoutError:
            logger.info("no share of the partitions yet", group=self._group)
        self._raise_failure()
        self._body = asyncio.current_task()

    async def close(self) -> None:
        """Hand everything over: last results written, writers stopped, group left."""
        self._closing = True
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.gather(self._supervisor, return_exceptions=True)
        await self._holdings.release_all()
        if self._member is not None:
            await self._member.stop()

    def stop(self) -> None:
        self._stopped.set()
        self._feed.wake()

    async def _join(self) -> Member:
        self._member = Member(
            self._cluster, self._group, self._topics, lambda: self._holdings.held, self._assigned
        )
        await self._member.start()
        return self._member

    async def _supervise(self) -> None:
        """Poll for ever; a member that fails is replaced by a fresh one."""
        while True:
            try:
                await self._poll()
            except Exception as error:
                if fatal(error):
                    return self.failed(error)
                logger.warning("joining the group again", group=self._group, reason=repr(error))
            await self._leave()

    async def _leave(self) -> None:
        """Let everything go and end the membership."""
        await self._holdings.release_all()
        member, self._member = self._member, None
        if member is not None:
            await member.stop()
        await asyncio.sleep(AGAIN_SECONDS)

    # --- failures --------------------------------------------------------------------------------------

    def failed(self, error: BaseException) -> None:
        """`batches` raises it; whoever does not iterate is cancelled, and `Log.own` raises it."""
        if self._failure is None and not self._queue and self._body is not None:
            self._cancelled = self._body.cancel()
        self._failure = self._failure or error
        self._feed.wake()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            self._told = True
            raise self._failure

    def raise_untold(self) -> None:
        """At the end: raise the failure unless somebody has met it already."""
        if not self._told:
            self._raise_failure()

    def cancelled_body(self) -> bool:
        """Was it this owner, and nobody else, who cancelled the task that entered `Log.own`?"""
        return self._cancelled and self._body is not None and self._body.uncancel() == 0

    # --- between the group, the holdings and the partitions --------------------------------------------

    def _assigned(
        self, assigned: frozenset[TopicPartition], withheld: frozenset[TopicPartition], continuous: bool
    ) -> None:
        if not self._closing:
            self._holdings.assign(assigned, withheld, continuous)
            for partition in self._holdings.held.values():
                self.follow(partition)

    def rejoin(self) -> None:
        if self._member is not None and not self._closing:
            self._member.rejoin()

    async def find_position(self, partition: KafkaPartition) -> None:
        if self._queue and self._member is not None:
            first, end = await self._member.ends(partition.id)
            committed = await self._admin.committed(self._group, [partition.id])
            name = f"{partition.topic}[{partition.number}]"
            partition.position = position(self._group, name, committed.get(partition.id), first, end)

    def broken(self, partition: KafkaPartition) -> None:
        """Its writer was fenced, or cannot go on."""
        if self._holdings.held.get(partition.id) is partition and not self._closing:
            self._holdings.give_back(partition.id)

    def follow(self, partition: KafkaPartition) -> None:
        """Let the consumer do what the partition's position and pause say."""
        partition.version += 1
        self._feed.moved()
        self._feed.wake()
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
                partition = self._holdings.held.get(id)
                if partition is not None and partition.ready:
                    self._feed.add(partition, [self._cluster.record(id, record) for record in records])
            await self._feed.room()
            if found:
                watched = time.monotonic()
            elif time.monotonic() - watched > STALL_SECONDS:
                watched = time.monotonic()
                await self._watch(member)

    async def _watch(self, member: Member) -> None:
        """A consumer can stop fetching after a broker's restart without a word (aiokafka #1154)."""
        active = [p.id for p in self.partitions.values() if self._reading and p.owned and not p.paused]
        if active and await member.stalled(active):
            raise TimeoutError("records are there, but no fetch brings them")

    async def batches(self, max_records: int, timeout: float) -> AsyncIterator[KafkaBatch]:
        self._max_records = max_records
        self._begin_reading()
        while not self._stopped.is_set():
            self._feed.look()
            self._raise_failure()
            batch = self._feed.next(max_records, timeout)
            if batch is None:
                await self._feed.wait(timeout)
                continue
            batch.partition.touch()
            yield batch

    def _begin_reading(self) -> None:
        """Nothing is fetched before somebody iterates: how many records a batch may have is not known before."""
        if self._queue and not self._reading:
            self._reading = True
            for partition in self._holdings.held.values():
                self.follow(partition)
