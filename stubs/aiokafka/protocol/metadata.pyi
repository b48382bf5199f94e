from collections.abc import Sequence

_Partition = tuple[int, int, int, Sequence[int], Sequence[int]]

class MetadataResponse_v0:
    def __init__(
        self,
        brokers: Sequence[tuple[int, str, int]],
        topics: Sequence[tuple[int, str, Sequence[_Partition]]],
    ) -> None: ...
