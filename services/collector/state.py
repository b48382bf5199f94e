"""The collector's memory as records of `feed-state`: `feed/<source id>` and `item/<item id>/<publisher>`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from services.collector.known import FeedState, ItemState, Known
from tinsom import codec
from tinsom.errors import DecodeError
from tinsom.log import Output, Record

TOPIC = "feed-state"
_FEED, _ITEM = "feed", "item"

codec.register("vn.tinsom.collector.feed-state.v1", FeedState)
codec.register("vn.tinsom.collector.item-state.v1", ItemState)


@dataclass(slots=True)
class PartitionState:
    """The fold of one partition of `feed-state`."""

    feeds: dict[str, FeedState] = field(default_factory=dict)
    publishers: dict[str, Known] = field(default_factory=dict)
    unreadable: int = 0

    def known(self, publisher: str) -> Known:
        return self.publishers.setdefault(publisher, Known())

    def apply(self, record: Record) -> None:
        """Fold one record in. One that cannot be read is counted and left out: its item may show as new."""
        if record.value is None:
            self._forget((record.key or b"").decode("utf-8", "replace"))
            return
        try:
            message = codec.decode(record)
        except DecodeError:
            self.unreadable += 1
            return
        if isinstance(message, FeedState):
            self.feeds[message.source] = message
        elif isinstance(message, ItemState):
            self.known(message.publisher).put(message, record.value)

    def put(self, message: FeedState | ItemState) -> None:
        if isinstance(message, FeedState):
            self.feeds[message.source] = message
        else:
            self.known(message.publisher).put(message)

    def forget_items(self, items: Iterable[ItemState]) -> None:
        for item in items:
            self.known(item.publisher).forget(item.id)

    def _forget(self, key: str) -> None:
        kind, _, rest = key.partition("/")
        if kind == _FEED:
            self.feeds.pop(rest, None)
        elif kind == _ITEM:
            item, _, publisher = rest.partition("/")
            self.known(publisher).forget(item)


def key_of(message: FeedState | ItemState) -> str:
    if isinstance(message, FeedState):
        return f"{_FEED}/{message.source}"
    return f"{_ITEM}/{message.id}/{message.publisher}"


def output(message: FeedState | ItemState, timestamp: int) -> Output:
    return codec.output(
        TOPIC, key_of(message), message, timestamp, source="collector", partition_by=message.publisher
    )


def tombstone(message: FeedState | ItemState, timestamp: int) -> Output:
    return codec.tombstone(TOPIC, key_of(message), timestamp, partition_by=message.publisher)
