from collections.abc import Sequence

class OffsetFetchRequest:
    def __init__(self, consumer_group: str, partitions: list[tuple[str, list[int]]] | None) -> None: ...

# As of version 2 of the protocol.
class OffsetFetchResponse:
    topics: Sequence[tuple[str, Sequence[tuple[int, int, str, int]]]]
    error_code: int
