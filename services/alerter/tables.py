"""The two tables the alerter reads whole: who wants what, and where they are reached.

A table is complete once the version record that `tinsom apply` writes last was seen; nothing is handled before.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import structlog

from services.alerter import catalogue
from tinsom import codec
from tinsom.errors import DecodeError
from tinsom.follower import Follower
from tinsom.log import Record
from tinsom.messages import Destination, Mute, Subscription

logger = structlog.get_logger(__name__)


@dataclass
class Subscriptions(Follower):
    topic: str = "subscriptions"
    all: list[Subscription] = field(default_factory=list)
    mutes: list[Mute] = field(default_factory=list)

    def changed(self) -> None:
        read = [_message(r) for r in self.table.records.values()]
        self.all = [m for m in read if isinstance(m, Subscription)]
        self.mutes = sorted((m for m in read if isinstance(m, Mute)), key=lambda m: m.id)


@dataclass
class Destinations(Follower):
    """Alias → where it is reached now: the file's record, under what the sender has learned since."""

    topic: str = "destinations"
    all: dict[str, Destination] = field(default_factory=dict)
    paused: bool = False  # by `tinsom pause`: nothing is sent to anybody
    _read: dict[str, Destination] = field(default_factory=dict)
    _learned: dict[str, Destination] = field(default_factory=dict)

    def changed(self) -> None:
        read = {key.decode(): _message(r) for key, r in self.table.records.items()}
        self._read = {key: m for key, m in read.items() if isinstance(m, Destination)}
        self._show()

    def learn(self, key: str, record: Destination) -> None:
        """What the sender has just committed, before it is read back: a blocked chat gets no second request."""
        self._learned[key] = record
        self._show()

    def forget(self) -> None:
        """Another process is the sender now; what it learns is read from the table."""
        self._learned.clear()
        self._show()

    def configured(self, alias: str) -> str:
        """The address in the file, '' for a destination that no file names."""
        destination = self._read.get(catalogue.FILE + alias)
        return destination.address if destination is not None else ""

    def _show(self) -> None:
        self.all = catalogue.effective(self._read | self._learned)
        self.paused = catalogue.is_paused(self._read)


def _message(record: Record) -> object:
    """One bad line must not silence all others; `tinsom check` and `apply` refuse to write one."""
    try:
        return codec.decode(record)
    except DecodeError as error:
        logger.error("unreadable table record", topic=record.topic, offset=record.offset, reason=error.reason)
        return None
