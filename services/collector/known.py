"""What the collector remembers of a publisher: pure, no record of the log in sight.

One message per source and one per item, so that none can outgrow the log. `Known` is the fold of a
publisher's items; a layer over it holds what is decided and not yet committed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from services.collector.rhythm import Rhythm
from services.collector.web.manners import Wishes
from tinsom.messages import Message


class FeedState(Message, frozen=True, kw_only=True):
    """One source. Validators and `body_hash` belong to `url` and to a document whose entries are all committed."""

    source: str
    publisher: str
    url: str = ""
    etag: str = ""
    last_modified: str = ""
    body_hash: str = ""
    baseline_done: bool = False
    document_at: float = 0.0  # when the newest document was read
    next_at: float = 0.0  # when to poll again, kept where a restart must not forget it
    failures: float = 0.0
    distrust: list[str] = []  # `guid`, `validators`: what turned out not to mean what it says
    moved_to: str = ""  # where permanent redirects lead
    moved_since: float = 0.0
    via: str = ""  # the address that was asked for the validators, when it is not `url`
    answered_at: str = ""  # where redirects led from there: validators hold where they came from, and nowhere else
    wishes: Wishes = Wishes()
    rhythm: Rhythm = Rhythm()


class ItemState(Message, frozen=True, kw_only=True):
    """One item: its id for ever, the names it went by, and what each feed showed of it last."""

    id: str
    publisher: str
    aliases: list[int]
    revision: int = 1
    shown: dict[str, str] = {}  # source → digest
    published: str = ""  # digest of the newest revision; empty while that is what the first feed showed
    seen_at: float = 0.0  # written again only when a week older

    @property
    def digest(self) -> str:
        """What the newest revision says, whichever feed brought it."""
        return self.published or next(iter(self.shown.values()), "")


class PageState(Message, frozen=True, kw_only=True):
    """A page that is to be looked at again, since it did not come, or since it may change."""

    item: str
    publisher: str
    source: str
    out_at: float  # when its item went out
    next_at: float = 0.0
    tries: int = 0  # looks in a row that led to nothing
    came: bool = False  # its text is published
    doubt: str = ""  # what the last look saw and another one must see too
    title: str = ""  # as the page says it
    guessed: bool = False  # the item's title is made of its address
    files: list[str] = []  # documents that the feed named, beside those of the page
    packed: bytes = b""  # the item as it went out last (`rereading.packed`)


State = FeedState | ItemState | PageState


class _Kept(msgspec.Struct, array_like=True, gc=False):
    """An `ItemState` in memory: a third of the bytes of its record, without names of fields and the publisher."""

    id: bytes
    aliases: list[int]
    revision: int
    shown: dict[str, str]
    published: str
    seen_at: float


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Kept)


def _encoded(item: ItemState) -> bytes:
    return _ENCODER.encode(
        _Kept(bytes.fromhex(item.id), item.aliases, item.revision, item.shown, item.published, item.seen_at)
    )


def _decoded(value: bytes, publisher: str) -> ItemState:
    kept = _DECODER.decode(value)
    return ItemState(
        id=kept.id.hex(),
        publisher=publisher,
        aliases=kept.aliases,
        revision=kept.revision,
        shown=kept.shown,
        published=kept.published,
        seen_at=kept.seen_at,
    )


# Aliases are below 2**53; an item's id takes its place among them above that.
_ID_BIT = 1 << 53


@dataclass(slots=True)
class Known:
    """Items by their names. `base` is looked at where this layer holds nothing.

    An item is kept as bytes, once, under each of its names: a quarter of the memory of a decoded one, and a poll
    looks at forty of them. The first owner of an alias keeps it: which item a name means never depends
    on who came last.
    """

    names: dict[int, bytes] = field(default_factory=dict)
    base: Known | None = None
    publisher: str = field(default="", compare=False)  # of all items, said by each

    def layer(self) -> Known:
        return Known(base=self, publisher=self.publisher)

    def get(self, item: str) -> ItemState | None:
        return self.owner(id_name(item))

    def owner(self, alias: int) -> ItemState | None:
        """The item that goes by `alias`."""
        found = self.names.get(alias)
        if found is not None:
            return _decoded(found, self.publisher)
        return None if self.base is None else self.base.owner(alias)

    def find(self, aliases: Iterable[int]) -> ItemState | None:
        """The item that the first known one of `aliases` means."""
        return next((found for alias in aliases if (found := self.owner(alias)) is not None), None)

    def put(self, item: ItemState) -> None:
        value, self.publisher = _encoded(item), item.publisher
        self.names[id_name(item.id)] = value
        for alias in item.aliases:
            owner = self.owner(alias)
            if owner is None or owner.id == item.id:
                self.names[alias] = value

    def forget(self, item: str) -> None:
        state = self.get(item)
        if state is None:
            return
        del self.names[id_name(item)]
        for alias in state.aliases:
            owner = self.owner(alias)
            if owner is not None and owner.id == item:
                del self.names[alias]

    def items(self) -> Iterator[ItemState]:
        """Every item once; slow, not for each poll."""
        return (_decoded(value, self.publisher) for name, value in self.names.items() if name & _ID_BIT)

    def __len__(self) -> int:
        return sum(1 for name in self.names if name & _ID_BIT)


def id_name(item: str) -> int:
    """What an item's id is among the names of its publisher."""
    return _ID_BIT | int(item[:13], 16)
