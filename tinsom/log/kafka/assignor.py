"""Who gets which partition: sticky, and in two steps, so that a hand-over never cuts off its giver.

aiokafka knows only the eager protocol, in which everybody gives up everything before each assignment. Here a
member keeps working; a partition that has to move is withheld from its taker until its holder has let go of it
and asked for the next round (the idea of KIP-429, in the assignor, where every client can have it).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from aiokafka import TopicPartition
from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata


def withhold(
    target: Mapping[str, Sequence[TopicPartition]], held: Mapping[str, Collection[TopicPartition]]
) -> dict[str, list[TopicPartition]]:
    """`target` without what another member still holds. Pure; member → partitions."""
    holders = {partition: member for member, partitions in held.items() for partition in partitions}
    return {
        member: [partition for partition in partitions if holders.get(partition, member) == member]
        for member, partitions in target.items()
    }


def assignor_for(held: Callable[[], list[TopicPartition]]) -> type[StickyPartitionAssignor]:
    """An assignor for one consumer; `held` tells what this member holds whenever it (re)joins.

    A class of its own each time, since aiokafka keeps an assignor's state on its class.
    """

    class Assignor(StickyPartitionAssignor):
        name = "tinsom-sticky"  # another name than the eager one: members of both kinds must not mix

        @classmethod
        def metadata(cls, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
            return cls._metadata(topics, held())

        @classmethod
        def on_assignment(cls, assignment: ConsumerProtocolMemberAssignment) -> None:
            """Nothing is remembered: what is held is asked for at each join."""

        @classmethod
        def assign(
            cls, cluster: ClusterMetadata, members: Mapping[str, ConsumerProtocolMemberMetadata]
        ) -> dict[str, ConsumerProtocolMemberAssignment]:
            target = {member: given.partitions() for member, given in super().assign(cluster, members).items()}
            claims = {m: cls.parse_member_metadata(metadata).partitions for m, metadata in members.items()}
            return {member: _assignment(cls.version, tps) for member, tps in withhold(target, claims).items()}

    return Assignor


def _assignment(version: int, partitions: Sequence[TopicPartition]) -> ConsumerProtocolMemberAssignment:
    topics: dict[str, list[int]] = {}
    for partition in partitions:
        topics.setdefault(partition.topic, []).append(partition.partition)
    return ConsumerProtocolMemberAssignment(version, sorted(topics.items()), b"")
