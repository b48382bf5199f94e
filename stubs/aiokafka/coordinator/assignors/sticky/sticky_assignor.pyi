from collections.abc import Iterable, Mapping

from aiokafka import TopicPartition
from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata

class StickyAssignorMemberMetadataV1:
    partitions: list[TopicPartition]

class StickyPartitionAssignor:
    name: str
    version: int
    @classmethod
    def assign(
        cls, cluster: ClusterMetadata, members: Mapping[str, ConsumerProtocolMemberMetadata]
    ) -> dict[str, ConsumerProtocolMemberAssignment]: ...
    @classmethod
    def metadata(cls, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata: ...
    @classmethod
    def _metadata(
        cls,
        topics: Iterable[str],
        member_assignment_partitions: list[TopicPartition] | None,
        generation: int = ...,
    ) -> ConsumerProtocolMemberMetadata: ...
    @classmethod
    def parse_member_metadata(cls, metadata: ConsumerProtocolMemberMetadata) -> StickyAssignorMemberMetadataV1: ...
    @classmethod
    def on_assignment(cls, assignment: ConsumerProtocolMemberAssignment) -> None: ...
