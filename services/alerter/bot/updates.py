"""What we read of the Bot API's updates, and where it was said; the rest of an update is let go. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

ANONYMOUS_ADMIN = 1087968824  # how Telegram shows an administrator who writes as the group
Kind = Literal["private", "group", "other"]
_KINDS: dict[str, Kind] = {"private": "private", "group": "group", "supergroup": "group"}


class Person(msgspec.Struct, frozen=True):
    id: int
    first_name: str = ""
    is_bot: bool = False


class Chat(msgspec.Struct, frozen=True):
    id: int
    type: str = "private"


class Button(msgspec.Struct, frozen=True):
    text: str = ""
    callback_data: str = ""


class Keyboard(msgspec.Struct, frozen=True):
    inline_keyboard: list[list[Button]] = []


class Incoming(msgspec.Struct, frozen=True):
    chat: Chat
    text: str = ""
    sender: Person | None = msgspec.field(default=None, name="from")
    sender_chat: Chat | None = None
    message_id: int = 0
    message_thread_id: int | None = None
    is_topic_message: bool = False  # in a forum; a thread of replies in a plain group has an id too
    reply_to_message: Incoming | None = None
    reply_markup: Keyboard | None = None


class Pressed(msgspec.Struct, frozen=True):
    id: str
    sender: Person = msgspec.field(name="from")
    data: str = ""
    message: Incoming | None = None


class Update(msgspec.Struct, frozen=True):
    update_id: int
    message: Incoming | None = None
    callback_query: Pressed | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was said, and by whom: a chat, or one topic of a forum."""

    chat: str
    thread: int | None
    kind: Kind
    person: int
    message: int = 0  # the message whose button was pressed
    anonymous: bool = False  # written as the group itself, which only administrators can

    @property
    def is_group(self) -> bool:
        return self.kind == "group"


def place_of(update: Update) -> Place | None:
    """None for what nobody said who could be answered."""
    if (pressed := update.callback_query) is not None:
        return (
            None
            if pressed.message is None
            else _place(pressed.message, pressed.sender, pressed.message.message_id)
        )
    if (message := update.message) is None or message.sender is None:
        return None
    return _place(message, message.sender, 0)


def _place(message: Incoming, sender: Person, number: int) -> Place:
    chat = message.chat
    anonymous = (
        sender.id == ANONYMOUS_ADMIN and message.sender_chat is not None and message.sender_chat.id == chat.id
    )
    return Place(
        chat=str(chat.id),
        thread=message.message_thread_id if message.is_topic_message else None,
        kind=_KINDS.get(chat.type, "other"),
        person=sender.id,
        message=number,
        anonymous=anonymous,
    )


def alert_under(message: Incoming | None) -> str:
    """The id of the alert that a message tells, by the buttons under it; '' when there are none."""
    keyboard = message.reply_markup if message is not None else None
    for row in keyboard.inline_keyboard if keyboard is not None else ():
        for button in row:
            if button.callback_data.startswith("v:"):
                return button.callback_data[4:]
    return ""
