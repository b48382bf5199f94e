"""A chat with the bot, without a network: what is known, what is said, what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.alerter.book import About
from services.alerter.bot import conversation
from services.alerter.bot.effects import Door, Effects, View
from services.alerter.bot.past import Forecast, Line, Past, Seen
from services.alerter.bot.subjects import Directory
from services.alerter.bot.updates import (
    ANONYMOUS_ADMIN,
    Button,
    Chat,
    Incoming,
    Keyboard,
    Person,
    Pressed,
    Update,
)
from services.classifier import naming, taxonomy
from tests.alerter import builders as b
from tinsom.messages import Destination, Mute, Subscription, Verdict

ALERT = "a" * 32
INVITATION = "moi-vao-nha-nhe"
DIRECTORY = Directory.of(naming.names(taxonomy.load()))
DOOR = Door(INVITATION, frozenset({"55"}))
ENGLISH = Directory.of(DIRECTORY.names.values(), "en")
BUSY = Forecast(1_350, 30.0, (Line("Một tin <b>", "https://bao.vn/1", b.NOW_S),))
QUIET_MONTH = Forecast(0, 30.0, ())


def press(data: str, chat: int = 7, person: int = 7, *, markup: Keyboard | None = None, **more: Any) -> Update:
    message = Incoming(Chat(chat, kind_of(chat)), message_id=3, reply_markup=markup, **more)
    return Update(1, callback_query=Pressed("q", Person(person, "Lan"), data, message))


def say(text: str, chat: int = 7, person: int = 7, **more: Any) -> Update:
    return Update(1, message=Incoming(Chat(chat, kind_of(chat)), text, Person(person, "Lan"), **more))


def anonymously(text: str, chat: int) -> Update:
    sender = Person(ANONYMOUS_ADMIN, "Group", is_bot=True)
    return Update(1, message=Incoming(Chat(chat, "supergroup"), text, sender, Chat(chat, "supergroup")))


def kind_of(chat: int) -> str:
    return "private" if chat > 0 else "supergroup"


@dataclass
class Talk:
    """Remembers what was written, as the tables do; `forecast` is what the past says of anything."""

    destinations: dict[str, Destination] = field(default_factory=dict)
    in_file: frozenset[str] = frozenset()
    wishes: dict[str, Subscription | Mute] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    abouts: dict[str, About] = field(default_factory=dict)
    latest: dict[str, str] = field(default_factory=dict)
    items: dict[str, Seen] = field(default_factory=dict)
    past: Past = field(default_factory=Past)
    forecast: Forecast = QUIET_MONTH
    door: Door = DOOR
    directory: Directory = field(default_factory=lambda: DIRECTORY)
    language: str = "vi"
    admin: bool = True
    now: float = b.NOW_S

    def view(self) -> View:
        return View(
            destinations=self.destinations, about=self.abouts.get, key=b"key", language=self.language,
            verdicts=self.verdicts, wishes=self.wishes, configured=self.in_file.__contains__,
            directory=self.directory, latest=self.latest.get, seen=self.items.get, recall=self.past.recall,
            favourites=self.directory.favourites((), 8), door=self.door, username="tinsom_bot", admin=self.admin,
        )  # fmt: skip

    def __call__(self, update: Update) -> Effects:
        effects = conversation.decide(update, self.view(), self.now)
        if effects.ask is not None:
            effects = effects.ask.then(self.forecast)
        self._keep(effects)
        return effects

    def _keep(self, effects: Effects) -> None:
        if (learned := effects.learned) is not None:
            self.destinations[learned.alias] = learned
        for write in effects.writes:
            tables: dict[str, dict[Any, Any]] = {
                "subscriptions": self.wishes, "verdicts": self.verdicts, "destinations": self.destinations,
            }  # fmt: skip
            table = tables[write.topic]
            key = write.partition_by if write.topic == "destinations" else write.key
            if write.value is None:
                table.pop(key, None)
            else:
                table[key] = write.value

    def says(self, text: str, **more: Any) -> str:
        """What the bot answers to it, '' for nothing."""
        return shown(self(say(text, **more)))

    def presses(self, data: str, **more: Any) -> str:
        return shown(self(press(data, **more)))


def shown(effects: Effects) -> str:
    return effects.toast or (str(effects.reply.text) if effects.reply is not None else "")


def buttons(effects: Effects) -> dict[str, str]:
    """What each says → what it sends back."""
    rows = effects.reply.rows if effects.reply is not None else effects.keyboard or ()
    return {button.text: button.data for row in rows for button in row}


def inside(**more: Any) -> Talk:
    """A private chat that has come in."""
    talk = Talk(**more)
    talk(say(f"/start {INVITATION}"))
    return talk


def in_group(**more: Any) -> Talk:
    """A group that the file names."""
    to = b.destination(channel="telegram", address="-5")
    return Talk(destinations={"nhom": to}, in_file=frozenset({"nhom"}), **more)


def markup(*rows: Mapping[str, str]) -> Keyboard:
    return Keyboard([[Button(text, data) for text, data in row.items()] for row in rows])
