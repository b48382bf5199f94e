"""One consumer in a group: it joins, fetches, and tells what it was assigned."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence

from aiokafka import ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from tinsom.errors import LogError, LostOffsetsError, UnreachableError
from tinsom.log.kafka.assignor import assignor_for
from tinsom.log.kafka.cluster import Cluster, stop_consumer

POLL_SECONDS = 1.0
# A poll waits through rebalances; one that waits longer than this has lost its coordinator (aiokafka #625).
HUNG_SECONDS = 90.0

Assigned = Callable[[frozenset[TopicPartition], frozenset[TopicPartition], bool], None]
"""(assigned, claimed but not assigned, was this member in the group all the time)"""


class Member(ConsumerRebalanceListener):
    def __init__(
        self,
        cluster: Cluster,
        group: str,
        topics: Sequence[str],
        held: Callable[[], Collection[TopicPartition]],
        assigned: Assigned,
    ) -> None:
        self._cluster, self._group, self._topics = cluster, group, topics
        self._held, self._assigned = held, assigned
        self._claimed: frozenset[TopicPartition] = frozenset()
        self._id = ""
        self._behind: dict[TopicPartition, int] = {}
        self._consumer = cluster.member(group, assignor_for(self._claims))

    async def start(self) -> None:
        """Connect, then join in the background. Raises UnreachableError, LogError."""
        try:
            await self._cluster.answer(self._consumer.start())
        except BaseException:
            await self.stop()
            raise
        names = [self._cluster.topic(name).full_name(self._cluster.namespace) for name in self._topics]
        self._consumer.subscribe(names, listener=self)

    async def stop(self) -> None:
        await stop_consumer(self._consumer)

    # --- the group -------------------------------------------------------------------------------------

    @property
    def _member_id(self) -> str:
        """The broker's name for this member, empty once it was expelled; aiokafka keeps it to itself."""
        coordinator = self._consumer._coordinator
        return coordinator.member_id if coordinator is not None else ""

    def rejoin(self) -> None:
        """Ask for another round of assignments; aiokafka has no public way."""
        if self._consumer._coordinator is not None:
            self._consumer._coordinator.request_rejoin()

    def _claims(self) -> list[TopicPartition]:
        """What this member holds, asked at every join. Who was expelled holds nothing, whatever it thinks."""
        self._claimed = frozenset(self._held() if self._member_id else ())
        return sorted(self._claimed)

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Nothing is given up before it is known who gets what (assignor.py)."""

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """No await here: aiokafka's heartbeat rests until this returns (facts 0.3)."""
        continuous, self._id = self._member_id == self._id, self._member_id
        for partition in assigned:
            # Any valid position, lest aiokafka looks for one itself; the real one follows with `follow`.
            self._consumer.pause(partition)
            self._consumer.seek(partition, 0)
        self._assigned(frozenset(assigned), self._claimed - frozenset(assigned), continuous)

    # --- fetching --------------------------------------------------------------------------------------

    def follow(self, partition: TopicPartition, position: int, fetch: bool) -> None:
        """Let the next fetch of a partition begin at `position`, or fetch nothing of it."""
        if partition not in self._consumer.assignment():
            return
        self._consumer.seek(partition, position)
        (self._consumer.resume if fetch else self._consumer.pause)(partition)

    async def poll(self, max_records: int) -> dict[TopicPartition, list[ConsumerRecord]]:
        """Records by partition, none after a second without. Raises LostOffsetsError, KafkaError, TimeoutError."""
        try:
            async with asyncio.timeout(HUNG_SECONDS):
                return await self._consumer.getmany(timeout_ms=round(POLL_SECONDS * 1000), max_records=max_records)
        except OffsetOutOfRangeError as error:
            raise LostOffsetsError(
                f"{self._group}: records that were not read yet are gone from the topic ({error});"
                f" decide with `tinsom topics seek {self._group} {'|'.join(self._topics)}`"
            ) from error

    async def ends(self, partition: TopicPartition) -> tuple[int, int]:
        """(first offset kept, next offset as stable readers see it). Raises UnreachableError."""
        first = await self._cluster.answer(self._consumer.beginning_offsets([partition]))
        end = await self._cluster.answer(self._consumer.end_offsets([partition]))
        return first[partition], end[partition]

    async def stalled(self, partitions: Sequence[TopicPartition]) -> bool:
        """Asked when nothing came for a while: is there something that already was to be read the last time?"""
        ends = await self._cluster.answer(self._consumer.end_offsets(partitions))
        positions = {p: await self._cluster.answer(self._consumer.position(p)) for p in partitions}
        behind = {p: position for p, position in positions.items() if position < ends[p]}
        stalled = any(self._behind.get(p) == position for p, position in behind.items())
        self._behind = behind
        return stalled


TRANSIENT = (KafkaError, UnreachableError, TimeoutError, OSError)
"""What a fresh member may cure."""


def fatal(error: BaseException) -> bool:
    return isinstance(error, LogError) or not isinstance(error, TRANSIENT)


def position(group: str, partition: str, committed: int | None, first: int, end: int) -> int:
    """Where a group goes on; raises LostOffsetsError when that cannot be known. Pure."""
    # Without a committed offset this is the first start, unless the broker forgot the offsets: only a topic
    # that still has its very first record may be read from there.
    if committed is None and first == 0:
        return 0
    if committed is None or not first <= committed <= end:
        had = "no committed offset" if committed is None else f"offset {committed}"
        raise LostOffsetsError(
            f"{group} has {had} for {partition}, which holds {first} to {end};"
            f" decide with `tinsom topics seek {group} {partition.partition('[')[0]}`"
        )
    return committed
