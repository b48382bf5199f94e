"""What an update leads to, and what must be known to decide it. Pure data.

Records are committed first; then the reader sees an answer, which is not worth a second try.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from markupsafe import Markup

from services.alerter.book import About
from services.alerter.bot import phrases
from services.alerter.bot.past import Entry, Forecast, Seen
from services.alerter.bot.subjects import Directory, Subject
from services.alerter.bot.updates import Place
from services.alerter.plan import Rules
from tinsom import messages as m

Outcome = Literal[
    "verdict", "same", "acknowledged", "stopped", "started", "entered", "greeted", "refused", "followed", "asked",
    "unfollowed", "set", "muted", "shown", "unknown", "forbidden", "ignored",
]  # fmt: skip
STRANGERS: frozenset[Outcome] = frozenset({"greeted", "refused"})  # all that who has not come in is told
RULES = Rules()
STOPPED = "stopped_by_reader"
BOT = "bot/"


class Write(NamedTuple):
    """One record; `value` None ends the key."""

    topic: Literal["subscriptions", "destinations", "verdicts"]
    key: str
    value: m.Message | None
    partition_by: str


class Button(NamedTuple):
    text: str
    data: str


Rows = tuple[tuple[Button, ...], ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """A message of ours: a new one, or in place of the one whose button was pressed."""

    text: Markup
    rows: Rows = ()
    edit: bool = False


class Ask(NamedTuple):
    """How much of this came in the last 30 days? The answer is made when that is known."""

    match: m.Match
    then: Callable[[Forecast], Effects]


@dataclass(frozen=True, slots=True)
class Effects:
    outcome: Outcome
    learned: m.Destination | None = None
    writes: tuple[Write, ...] = ()
    reply: Reply | None = None
    toast: str = ""  # the answer to a pressed button
    keyboard: Rows | None = None  # the new one of the message whose button was pressed
    ask: Ask | None = None


@dataclass(frozen=True, slots=True)
class Door:
    """Who may come in: those with the invitation code, and chats or people that the operator named."""

    invitation: str = field(default="", repr=False)  # a secret: no trace of a fault may show it
    readers: frozenset[str] = frozenset()
    barred: frozenset[str] = frozenset()

    def bars(self, place: Place) -> bool:
        return bool({place.chat, str(place.person)} & self.barred)

    def opens(self, place: Place, code: str, known: bool) -> bool:
        """`known`: the person has come in elsewhere, and may bring a group along."""
        if known or {place.chat, str(place.person)} & self.readers:
            return True
        return bool(self.invitation) and hmac.compare_digest(code.encode(), self.invitation.encode())


def _nothing(_: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class View:
    """What is known when an update is read."""

    destinations: Mapping[str, m.Destination]
    about: Callable[[str], About | None]
    key: bytes = field(repr=False)
    language: str
    verdicts: Mapping[str, m.Verdict] = field(default_factory=dict)  # reader/alert → the newest judgement
    wishes: Mapping[str, m.Subscription | m.Mute] = field(default_factory=dict)  # key → record
    configured: Callable[[str], bool] = lambda _: True  # does a file name this destination?
    directory: Directory = field(default_factory=Directory)
    latest: Callable[[str], str | None] = _nothing  # alias → the newest alert that was told there
    seen: Callable[[str], Seen | None] = _nothing  # item id → what it said
    recall: Callable[[str], Entry | None] = _nothing  # an address or words of a title → the newest change of it
    rules: Rules = RULES
    favourites: Sequence[Subject] = ()
    door: Door = Door()
    username: str = ""
    admin: bool = True  # may the person change what holds for a group?

    def reader(self, person: int) -> str:
        """The same reader has the same name; nobody can tell from it who it is without the key."""
        return self._hidden(str(person))[:24]

    def _hidden(self, text: str) -> str:
        return hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest()

    def alias(self, place: Place) -> str:
        """For a destination that a reader makes; an address is nothing for a log line."""
        return "tg-" + self._hidden(f"{place.chat}/{place.thread or ''}")[:12]

    def at(self, place: Place) -> m.Destination | None:
        """The destination of this chat, or of this topic."""
        return next((d for d in self.of_chat(place.chat) if d.thread == place.thread), None)

    def of_chat(self, chat: str) -> list[m.Destination]:
        return [d for d in self.destinations.values() if d.channel == "telegram" and d.address == chat]

    def wishes_of(self, alias: str) -> dict[str, m.Subscription]:
        """What is followed there, by key."""
        return {k: w for k, w in self.wishes.items() if isinstance(w, m.Subscription) and w.destination == alias}

    def mutes_of(self, alias: str, now: float) -> dict[str, m.Mute]:
        return {
            key: wish
            for key, wish in self.wishes.items()
            if isinstance(wish, m.Mute) and wish.destination == alias and wish.until.timestamp() > now
        }

    def say(self, phrase: str, **values: object) -> Markup:
        return phrases.say(self.language, phrase, **values)

    def label(self, phrase: str, **values: object) -> str:
        return phrases.label(self.language, phrase, **values)

    def told(self, outcome: Outcome, phrase: str, *rows: Sequence[Button], **values: object) -> Effects:
        """Nothing but an answer."""
        return Effects(outcome, reply=Reply(self.say(phrase, **values), tuple(tuple(row) for row in rows)))


def is_own(key: str) -> bool:
    """Was it a reader who wished it, by the bot?"""
    return key.startswith(BOT)
