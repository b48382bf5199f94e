"""The collector's memory as records of `feed-state`: `feed/<source id>`, `item/<item id>/<publisher>` and
`page/<item id>/<publisher>`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from services.collector.articles import rereading
from services.collector.known import FeedState, ItemState, Known, PageState, State
from tinsom import codec
from tinsom.errors import DecodeError
from tinsom.log import Output, Record

TOPIC = "feed-state"
_FEED, _ITEM, _PAGE = "feed", "item", "page"

codec.register("vn.tinsom.collector.feed-state.v1", FeedState)
codec.register("vn.tinsom.collector.item-state.v1", ItemState)
codec.register("vn.tinsom.collector.page-state.v1", PageState)


@dataclass(slots=True)
class PartitionState:
    """The fold of one partition of `feed-state`."""

    feeds: dict[str, FeedState] = field(default_factory=dict)
    publishers: dict[str, Known] = field(default_factory=dict)
    pages: dict[str, dict[str, PageState]] = field(default_factory=dict)  # publisher → item → its page
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
            if isinstance(message, PageState):
                rereading.item_in(message)  # else each poll of its source would end with it
            if isinstance(message, FeedState | ItemState | PageState):
                self.put(message)
        except (DecodeError, ValueError):  # or an item's id that is no id
            self.unreadable += 1

    def put(self, message: State) -> None:
        if isinstance(message, FeedState):
            self.feeds[message.source] = message
        elif isinstance(message, PageState):
            self.pages.setdefault(message.publisher, {})[message.item] = message
        else:
            self.known(message.publisher).put(message)

    def forget(self, messages: Iterable[State]) -> None:
        for message in messages:
            self._forget(key_of(message))

    def pages_of(self, publisher: str) -> dict[str, PageState]:
        return self.pages.get(publisher, {})

    def pages_without(self, sources: Collection[str]) -> list[PageState]:
        """Pages of other sources."""
        return [page for pages in self.pages.values() for page in pages.values() if page.source not in sources]

    def _forget(self, key: str) -> None:
        kind, _, rest = key.partition("/")
        if kind == _FEED:
            self.feeds.pop(rest, None)
            return
        item, _, publisher = rest.partition("/")
        if kind == _ITEM:
            self.known(publisher).forget(item)
        elif kind == _PAGE and publisher in self.pages:
            self.pages[publisher].pop(item, None)
            if not self.pages[publisher]:
                del self.pages[publisher]


def key_of(message: State) -> str:
    if isinstance(message, FeedState):
        return f"{_FEED}/{message.source}"
    if isinstance(message, PageState):
        return f"{_PAGE}/{message.item}/{message.publisher}"
    return f"{_ITEM}/{message.id}/{message.publisher}"


def output(message: State, timestamp: int) -> Output:
    return codec.output(
        TOPIC, key_of(message), message, timestamp, source="collector", partition_by=message.publisher
    )


def tombstone(message: State, timestamp: int) -> Output:
    return codec.tombstone(TOPIC, key_of(message), timestamp, partition_by=message.publisher)
