"""What a reader says to the bot, and what follows. Pure: an update in, effects out.

The bot is for readers who are already known: buttons under their alerts, /start and /stop in a chat that is a
destination. A stranger learns the number of his own chat, which an operator needs to add him, and nothing else.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from services.alerter import ledger
from services.alerter.book import About
from tinsom import messages as m

Outcome = Literal["verdict", "same", "stopped", "started", "greeted", "unknown", "ignored"]
STOPPED = "stopped_by_reader"
Judgement = Literal["right", "irrelevant"]

_CHOICES: dict[str, Judgement] = {"+": "right", "-": "irrelevant"}

WORDS = {
    "vi": {
        "right": "Đã ghi nhận: đúng. Cảm ơn.",
        "irrelevant": "Đã ghi nhận: không liên quan. Cảm ơn.",
        "unknown": "Không tìm thấy tin này.",
        "stopped": "Đã dừng gửi tin tới đây và xóa các đánh giá của bạn. Gửi /start để nhận lại.",
        "started": "Bạn sẽ nhận tin tại đây. Gửi /stop để dừng.",
        "stranger": "Đây là bot Tin sớm. Để nhận tin, gửi số này cho người quản trị: {}",
    },
    "en": {
        "right": "Noted: right. Thank you.",
        "irrelevant": "Noted: not relevant. Thank you.",
        "unknown": "This alert is not known.",
        "stopped": "Nothing more comes here, and your judgements are erased. Send /start to begin again.",
        "started": "You get alerts here. Send /stop to end it.",
        "stranger": "This is the bot Tin sớm. To get alerts, give this number to the operator: {}",
    },
}


class Person(msgspec.Struct, frozen=True):
    id: int


class Chat(msgspec.Struct, frozen=True):
    id: int


class Incoming(msgspec.Struct, frozen=True):
    chat: Chat
    text: str = ""
    sender: Person | None = msgspec.field(default=None, name="from")


class Pressed(msgspec.Struct, frozen=True):
    id: str
    sender: Person = msgspec.field(name="from")
    data: str = ""
    message: Incoming | None = None


class Update(msgspec.Struct, frozen=True):
    """What we read of a Bot API update; the rest of it is let go."""

    update_id: int
    message: Incoming | None = None
    callback_query: Pressed | None = None


@dataclass(frozen=True, slots=True)
class Effects:
    """What an update leads to: records first, then what the reader sees."""

    outcome: Outcome
    verdict: m.Verdict | None = None
    learned: m.Destination | None = None
    erase: tuple[str, ...] = ()  # keys of `verdicts`
    says: str = ""
    chat: str = ""  # where it is said; empty: as the answer to a pressed button
    pressed: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """What is known when an update is read. `verdicts`: reader/alert → the newest judgement."""

    destinations: Mapping[str, m.Destination]
    about: Callable[[str], About | None]
    verdicts: Mapping[str, m.Verdict]
    key: bytes
    language: str

    def reader(self, person: int) -> str:
        """The same reader has the same name; nobody can tell from it who it is without the key."""
        return hmac.new(self.key, str(person).encode(), hashlib.sha256).hexdigest()[:24]

    def at(self, chat: str) -> m.Destination | None:
        found = (d for d in self.destinations.values() if d.channel == "telegram" and d.address == chat)
        return next(found, None)


def decide(update: Update, view: View, now: float) -> Effects:
    if update.callback_query is not None:
        return _pressed(update.callback_query, view, now)
    if update.message is not None and update.message.text.startswith("/"):
        return _command(update.message, view)
    return Effects("ignored")


def _pressed(pressed: Pressed, view: View, now: float) -> Effects:
    """A button counts only in the chat that got the alert, and once for each reader: the newest holds."""
    words = WORDS[view.language]
    kind, _, rest = pressed.data.partition(":")
    sign, _, alert = rest.partition(":")
    about = view.about(alert)
    chat = str(pressed.message.chat.id) if pressed.message is not None else ""
    to = view.destinations.get(about.destination) if about is not None else None
    if kind != "v" or sign not in _CHOICES or about is None or to is None or to.address != chat:
        return Effects("unknown", says=words["unknown"], pressed=pressed.id)
    choice = _CHOICES[sign]
    verdict = m.Verdict(
        reader=view.reader(pressed.sender.id), alert=alert, verdict=choice, item=about.item,
        matched=list(about.matched), at=ledger.when(now),
    )  # fmt: skip
    before = view.verdicts.get(key_of(verdict))
    if before is not None and before.verdict == choice:
        return Effects("same", says=words[choice], pressed=pressed.id)
    return Effects("verdict", verdict=verdict, says=words[choice], pressed=pressed.id)


def key_of(verdict: m.Verdict) -> str:
    return f"{verdict.reader}/{verdict.alert}"


def _command(message: Incoming, view: View) -> Effects:
    command = message.text.split()[0].split("@")[0]
    chat, words = str(message.chat.id), WORDS[view.language]
    to = view.at(chat)
    if command == "/start" and to is None:
        return Effects("greeted", says=words["stranger"].format(chat), chat=chat)
    if command == "/start" and to is not None:
        active = msgspec.structs.replace(to, state="active", reason="")
        return Effects(
            "started", learned=active if to.state != "active" else None, says=words["started"], chat=chat
        )
    if command == "/stop" and to is not None:
        stopped = msgspec.structs.replace(to, state="suspended", reason=STOPPED)
        return Effects("stopped", learned=stopped, erase=_of(message, view), says=words["stopped"], chat=chat)
    return Effects("ignored")


def _of(message: Incoming, view: View) -> tuple[str, ...]:
    """Everything that is kept about a person."""
    if message.sender is None:
        return ()
    reader = view.reader(message.sender.id)
    return tuple(key for key in view.verdicts if key.startswith(f"{reader}/"))
