from collections.abc import Sequence

from aiokafka import TopicPartition

class ConsumerProtocolMemberMetadata:
    subscription: list[str]
    user_data: bytes

class ConsumerProtocolMemberAssignment:
    def __init__(self, version: int, assignment: Sequence[tuple[str, list[int]]], user_data: bytes) -> None: ...
    def partitions(self) -> list[TopicPartition]: ...
