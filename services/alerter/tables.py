"""The tables the alerter reads whole: who wants what, where they are reached, and how things are called.

A table is complete once the version record that `tinsom apply` writes last was seen; nothing is handled before.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import structlog

from services.alerter import catalogue
from services.alerter.bot.subjects import Directory
from tinsom import codec
from tinsom.errors import DecodeError
from tinsom.follower import Follower
from tinsom.log import Record
from tinsom.messages import Destination, Mute, Name, Subscription

logger = structlog.get_logger(__name__)


@dataclass
class Subscriptions(Follower):
    topic: str = "subscriptions"
    all: list[Subscription] = field(default_factory=list)
    mutes: list[Mute] = field(default_factory=list)
    wishes: dict[str, Subscription | Mute] = field(default_factory=dict)  # the same, by key
    _read: dict[str, Subscription | Mute] = field(default_factory=dict)
    _learned: dict[str, Subscription | Mute | None] = field(default_factory=dict)

    def mutes_at(self, now: float) -> list[Mute]:
        """Those that have not run out (`now`: seconds since the epoch)."""
        return [mute for mute in self.mutes if mute.until.timestamp() > now]

    def changed(self) -> None:
        read = {key.decode(): _message(record) for key, record in self.table.records.items()}
        self._read = {key: m for key, m in read.items() if isinstance(m, Subscription | Mute)}
        self._show()

    def learn(self, key: str, wish: Subscription | Mute | None) -> None:
        """What this process has just committed for a reader, before it is read back; None for what has ended."""
        self._learned[key] = wish
        self._show()

    def forget(self) -> None:
        """Another process writes it now; what it writes is read from the table."""
        self._learned.clear()
        self._show()

    def _show(self) -> None:
        self.wishes = {key: m for key, m in (self._read | self._learned).items() if m is not None}
        self.all = [m for m in self.wishes.values() if isinstance(m, Subscription)]
        self.mutes = sorted((m for m in self.wishes.values() if isinstance(m, Mute)), key=lambda m: m.id)


@dataclass
class Names(Follower):
    """What can be followed. Nobody waits for it: while it is not there, nothing can be chosen by name."""

    topic: str = "names"
    language: str = "vi"
    directory: Directory = field(default_factory=Directory)

    def changed(self) -> None:
        if self.table.complete:
            read = (_message(record) for record in self.table.records.values())
            self.directory = Directory.of((m for m in read if isinstance(m, Name)), self.language)


@dataclass
class Destinations(Follower):
    """Alias → where it is reached now: the file's record, under what the sender has learned since."""

    topic: str = "destinations"
    all: dict[str, Destination] = field(default_factory=dict)
    paused: bool = False  # by `tinsom pause`: nothing is sent to anybody
    _read: dict[str, Destination] = field(default_factory=dict)
    _learned: dict[str, Destination | None] = field(default_factory=dict)

    def changed(self) -> None:
        read = {key.decode(): _message(r) for key, r in self.table.records.items()}
        self._read = {key: m for key, m in read.items() if isinstance(m, Destination)}
        self._show()

    def learn(self, key: str, record: Destination | None) -> None:
        """What the sender has just committed, before it is read back: a blocked chat gets no second request.

        None for one that has ended.
        """
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

    def is_configured(self, alias: str) -> bool:
        """Does a file name it? One that a reader made is his to end."""
        return catalogue.FILE + alias in self._read

    def _show(self) -> None:
        known = {key: d for key, d in (self._read | self._learned).items() if d is not None}
        self.all = catalogue.effective(known)
        self.paused = catalogue.is_paused(self._read)


def _message(record: Record) -> object:
    """One bad line must not silence all others; `tinsom check` and `apply` refuse to write one."""
    try:
        return codec.decode(record)
    except DecodeError as error:
        logger.error("unreadable table record", topic=record.topic, offset=record.offset, reason=error.reason)
        return None
