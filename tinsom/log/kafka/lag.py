"""How far a group is behind: records, not offsets, as far as that is affordable.

Between a committed offset and the stable end there may be nothing but markers of transactions, so offsets
alone would show a lag that never ends. Little is read: asked every few seconds, this must not cost what the
work costs.
"""

from __future__ import annotations

from collections.abc import Mapping

from aiokafka import TopicPartition

from tinsom.log.kafka.cluster import Cluster
from tinsom.log.kafka.reader import Reader

# Up to so many unread offsets are looked at one by one; of more, the offsets are counted.
COUNTED = 100
FETCH_BYTES = 65_536

Unread = tuple[int, int | None]
"""(records, timestamp of the first)"""


class Unreads:
    """Remembers where there was nothing: a group that has caught up costs no reading."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._nothing: dict[TopicPartition, tuple[int, int]] = {}

    async def between(
        self, positions: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, Unread]:
        """What is unread from each position up to its end, for partitions that have unread records."""
        asked = {
            p: position
            for p, position in positions.items()
            if position < ends[p] and self._nothing.get(p) != (position, ends[p])
        }
        found = await self._read(asked, ends) if asked else {}
        self._nothing.update({p: (position, ends[p]) for p, position in asked.items() if p not in found})
        return found

    async def _read(
        self, positions: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, Unread]:
        stops = {p: min(ends[p], position + COUNTED) for p, position in positions.items()}
        unread: dict[TopicPartition, Unread] = {}
        reader = Reader(self._cluster, positions, FETCH_BYTES)
        try:
            async for partition, records in reader.upto(stops):
                count, oldest = unread.get(partition, (0, None))
                here = [record.timestamp for record in records if record.offset < stops[partition]]
                if here:
                    unread[partition] = (count + len(here), here[0] if oldest is None else oldest)
        finally:
            await reader.close()
        for p in positions:  # nothing but markers so far, and more behind them
            if stops[p] < ends[p]:
                unread.setdefault(p, (0, None))
        return {p: (count + ends[p] - stops[p], oldest) for p, (count, oldest) in unread.items()}
