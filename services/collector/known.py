"""What the collector remembers of a publisher: pure, no record of the log in sight.

One message per source and one per item, so that none can outgrow the log. `Known` is the fold of a
publisher's items; a layer over it holds what is decided and not yet committed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from services.collector.manners import Wishes
from services.collector.rhythm import Rhythm
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
    via: str = ""  # the address that the validators came from, when it is not `url`
    wishes: Wishes = Wishes()
    rhythm: Rhythm = Rhythm()


class ItemState(Message, frozen=True, kw_only=True):
    """One item: its id for ever, the names it went by, and what each feed showed of it last."""

    id: str
    publisher: str
    aliases: list[int]
    revision: int = 1
    shown: dict[str, str] = {}  # source → digest
    published: str = ""  # digest of the newest revision, whichever feed brought it
    seen_at: float = 0.0  # written again only when a week older


@dataclass(slots=True)
class Known:
    """Items by id and by alias. `base` is looked at where this layer holds nothing.

    The first owner of an alias keeps it: which item a name means never depends on who came last.
    """

    items: dict[str, ItemState] = field(default_factory=dict)
    owners: dict[int, str] = field(default_factory=dict)
    base: Known | None = None

    def layer(self) -> Known:
        return Known(base=self)

    def get(self, item: str) -> ItemState | None:
        found = self.items.get(item)
        return found if found is not None or self.base is None else self.base.get(item)

    def owner(self, alias: int) -> str | None:
        found = self.owners.get(alias)
        return found if found is not None or self.base is None else self.base.owner(alias)

    def find(self, aliases: Iterable[int]) -> ItemState | None:
        """The item that the first known one of `aliases` means."""
        for alias in aliases:
            owner = self.owner(alias)
            if owner is not None:
                return self.get(owner)
        return None

    def put(self, item: ItemState) -> None:
        self.items[item.id] = item
        for alias in item.aliases:
            if self.owner(alias) is None:
                self.owners[alias] = item.id

    def forget(self, item: str) -> None:
        state = self.items.pop(item, None)
        for alias in state.aliases if state else ():
            if self.owners.get(alias) == item:
                del self.owners[alias]
