"""The Bot API's mind: limits, refusals, moves, faults, and a memory of every accepted message."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.fakes.telegram import keyboards
from tests.fakes.telegram.markup import Entity, MarkupError, found, parse, units

Fault = Literal["hang", "reset", "accept_hang", "accept_reset", "error_500", "html_502"]
UNITS, ENTITIES = 4096, 100


@dataclass(frozen=True)
class Limits:
    """Messages per second (with a burst); None is no limit."""

    chat: tuple[float, float] | None = (1.0, 1.0)
    group: tuple[float, float] | None = (20 / 60, 20.0)
    everybody: tuple[float, float] | None = (30.0, 30.0)


NO_LIMITS = Limits(None, None, None)


@dataclass
class Bucket:
    rate: float
    burst: float
    level: float = field(init=False)
    at: float | None = None

    def __post_init__(self) -> None:
        self.level = self.burst

    def wait(self, now: float) -> float:
        """Seconds until one more is taken; 0 when it may be now."""
        if self.at is not None:
            self.level = min(self.burst, self.level + (now - self.at) * self.rate)
        self.at = now
        return max(0.0, (1.0 - self.level) / self.rate - 1e-9)

    def take(self) -> None:
        self.level -= 1.0


@dataclass
class Chat:
    blocked: str = ""  # the description of a 403
    migrated_to: int | None = None
    closed_topics: set[int] = field(default_factory=set)
    members: dict[int, str] = field(default_factory=dict)  # person → status; a private chat has its own person
    throttled_until: float = 0.0
    buckets: list[Bucket] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True)
class Reply:
    """What goes over the wire: a body, or a fault of the network."""

    status: int
    body: dict[str, Any]
    fault: Fault | None = None


@dataclass(frozen=True)
class Accepted:
    at: float
    chat_id: str
    message_id: int
    text: str
    entities: tuple[Entity, ...]
    method: str = "sendMessage"
    thread: int | None = None
    buttons: tuple[str, ...] = ()  # what each sends back
    rows: keyboards.Rows = ()  # the same with what each says


@dataclass
class BotApi:
    """`clock` gives seconds; `on_accept` hears of every accepted message before it is answered."""

    clock: Callable[[], float]
    limits: Limits = Limits()
    on_accept: Callable[[Accepted], None] = lambda _: None
    accepted: list[Accepted] = field(default_factory=list)
    requests: Counter[tuple[str, int]] = field(default_factory=Counter)  # (chat, status)
    early: int = 0  # requests to a chat that had been told to wait
    faults: list[Fault] = field(default_factory=list)  # for the next requests, whichever chat
    updates: list[dict[str, Any]] = field(default_factory=list)  # for getUpdates, until acknowledged
    answers: list[tuple[str, str]] = field(default_factory=list)  # (pressed button, text shown)
    commands: list[dict[str, str]] = field(default_factory=list)  # the menu
    conflicts: int = 0  # getUpdates that met another one
    on_update: Callable[[], None] = lambda: None
    retry_after: int | None = None  # what a 429 says instead of the truth
    _chats: dict[str, Chat] = field(default_factory=dict)
    _all: Bucket | None = None
    _updates: int = 0
    _asked: set[str] = field(default_factory=set)  # pressed buttons that wait for an answer

    def __post_init__(self) -> None:
        self._all = Bucket(*self.limits.everybody) if self.limits.everybody else None

    def chat(self, chat_id: str | int) -> Chat:
        key = str(chat_id)
        if key not in self._chats:
            limits = [self.limits.chat, self.limits.group if key.startswith(("-", "@")) else None]
            self._chats[key] = Chat(buckets=[Bucket(*limit) for limit in limits if limit is not None])
        return self._chats[key]

    def texts(self, chat_id: str | int) -> list[str]:
        return [m.text for m in self.accepted if m.chat_id == str(chat_id)]

    def press(self, data: str, chat_id: int, person: int, name: str = "") -> None:
        """A reader presses a button: the newest one in the chat that sends `data` back."""
        number = len(self.answers) + len(self.updates) + 1_000
        under = next((m for m in reversed(self.current(chat_id)) if data in m.buttons), None)
        message: dict[str, Any] = {"message_id": 1, "chat": self._chat(chat_id)}
        if under is not None:
            message |= {"message_id": under.message_id, "reply_markup": keyboards.shown(under.rows)}
            message |= _topic(under.thread)
        query = {"id": f"q{number}", "from": _person(person, name), "data": data, "message": message}
        self._asked.add(f"q{number}")
        self._arrived({"callback_query": query})

    def say(
        self,
        text: str,
        chat_id: int,
        person: int,
        *,
        thread: int | None = None,
        answering: int = 0,
        name: str = "",
    ) -> None:
        """A person writes; `answering` is the id of the message that is replied to."""
        message = {"message_id": 1, "chat": self._chat(chat_id), "from": _person(person, name), "text": text}
        message |= _topic(thread)
        if answering:
            to = next(m for m in self.current(chat_id) if m.message_id == answering)
            message["reply_to_message"] = {
                "message_id": to.message_id, "chat": self._chat(chat_id), "text": to.text,
                "reply_markup": keyboards.shown(to.rows),
            }  # fmt: skip
        self._arrived({"message": message})

    def _chat(self, chat_id: int) -> dict[str, Any]:
        return {"id": chat_id, "type": "private" if chat_id > 0 else "supergroup"}

    def _arrived(self, update: dict[str, Any]) -> None:
        self._updates += 1
        self.updates.append({"update_id": self._updates, **update})
        self.on_update()

    def current(self, chat_id: str | int) -> list[Accepted]:
        """The messages of a chat as they stand now, after every edit."""
        newest: dict[int, Accepted] = {}
        for message in self.accepted:
            if message.chat_id == str(chat_id):
                newest[message.message_id] = message
        return list(newest.values())

    def duplicates(self, mark: str = "Có thể trùng") -> dict[tuple[str, str], int]:
        """(chat, text) accepted more than once without saying so."""
        counted = Counter((m.chat_id, m.text) for m in self.accepted if mark not in m.text)
        return {key: count for key, count in counted.items() if count > 1}

    def handle(self, method: str, body: dict[str, Any]) -> Reply:
        quiet = {
            "getMe": self._me, "getUpdates": self._news, "answerCallbackQuery": self._answered,
            "setMyCommands": self._menu, "getChatMember": self._member,
        }.get(method)  # fmt: skip
        if quiet is not None:
            return quiet(body)
        if method not in ("sendMessage", "editMessageText", "editMessageReplyMarkup"):
            return _error(404, "Not Found: method not found")
        chat_id = str(body.get("chat_id", ""))
        reply = self._message(method, chat_id, body)
        self.requests[chat_id, reply.status] += 1
        return reply

    def _message(self, method: str, chat_id: str, body: dict[str, Any]) -> Reply:
        if not chat_id:
            return _error(400, "Bad Request: chat_id is empty")
        chat, now = self.chat(chat_id), self.clock()
        fault = chat.faults.pop(0) if chat.faults else self.faults.pop(0) if self.faults else None
        if fault in ("hang", "reset", "error_500", "html_502"):
            return Reply(502 if fault == "html_502" else 500, _body(500, "Internal Server Error"), fault)
        unfit = None if method == "editMessageReplyMarkup" else _unfit(body)
        refused = self._throttled(chat, now) or _refused(chat, body) or unfit or _bad_keyboard(body)
        if refused is not None:
            return refused
        reply = self._sent(chat_id, body, now) if method == "sendMessage" else self._edited(method, chat_id, body)
        return Reply(reply.status, reply.body, fault)

    def _throttled(self, chat: Chat, now: float) -> Reply | None:
        if now < chat.throttled_until:
            self.early += 1
        buckets = [*chat.buckets, *([self._all] if self._all else [])]
        wait = max([bucket.wait(now) for bucket in buckets], default=0.0)
        if self.retry_after is None and wait <= 0:
            for bucket in buckets:
                bucket.take()
            return None
        seconds = self.retry_after if self.retry_after is not None else max(1, math.ceil(wait))
        self.retry_after = None
        chat.throttled_until = now + seconds
        return _error(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)

    def _sent(self, chat_id: str, body: dict[str, Any], now: float) -> Reply:
        text, entities = _read(body)
        rows = keyboards.rows(body)
        message = Accepted(
            now, chat_id, len(self.accepted) + 1, text, tuple(entities), thread=body.get("message_thread_id"),
            buttons=keyboards.data(rows), rows=rows,
        )  # fmt: skip
        self.accepted.append(message)
        self.on_accept(message)
        return _ok(_message(message))

    def _edited(self, method: str, chat_id: str, body: dict[str, Any]) -> Reply:
        """The text, or the buttons alone; a new text without buttons loses those that were there."""
        wanted = str(body.get("message_id", ""))
        before = next((m for m in self.current(chat_id) if str(m.message_id) == wanted), None)
        if before is None:
            return _error(400, "Bad Request: message to edit not found")
        rows, text, entities = keyboards.rows(body), before.text, list(before.entities)
        if method == "editMessageText":
            text, entities = _read(body)
        if (text, rows) == (before.text, before.rows):
            return _error(400, f"Bad Request: {_UNCHANGED}")
        message = Accepted(
            self.clock(), chat_id, before.message_id, text, tuple(entities), method, before.thread,
            keyboards.data(rows), rows,
        )  # fmt: skip
        self.accepted.append(message)
        self.on_accept(message)
        return _ok(_message(message))

    # --- what is no message ------------------------------------------------------------------------------------

    def _me(self, body: dict[str, Any]) -> Reply:
        return _ok({"id": 1, "is_bot": True, "first_name": "tin sớm", "username": "tinsom_bot"})

    def _news(self, body: dict[str, Any]) -> Reply:
        self.updates = [u for u in self.updates if u["update_id"] >= int(body.get("offset", 0))]
        wanted = body.get("allowed_updates") or ["message", "callback_query"]
        return _ok([u for u in self.updates if any(kind in u for kind in wanted)])

    def _answered(self, body: dict[str, Any]) -> Reply:
        query, text = str(body.get("callback_query_id", "")), str(body.get("text", ""))
        if query not in self._asked:
            expired = "query is too old and response timeout expired or query ID is invalid"
            return _error(400, f"Bad Request: {expired}")
        if len(text) > 200:
            return _error(400, "Bad Request: MESSAGE_TOO_LONG")
        self._asked.discard(query)
        self.answers.append((query, text))
        return _ok(True)

    def _menu(self, body: dict[str, Any]) -> Reply:
        commands = body.get("commands", [])
        if fault := keyboards.menu_fault(commands):
            return _error(400, f"Bad Request: {fault}")
        self.commands = commands
        return _ok(True)

    def _member(self, body: dict[str, Any]) -> Reply:
        chat_id, person = str(body.get("chat_id", "")), body.get("user_id")
        if not isinstance(person, int):
            return _error(400, "Bad Request: invalid user_id specified")
        if chat_id not in self._chats:
            return _error(400, "Bad Request: chat not found")
        status = self._chats[chat_id].members.get(person, "left")
        return _ok({"status": status, "user": _person(person, "")})


_UNCHANGED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current"
    " content and reply markup of the message"
)


def _person(person: int, name: str) -> dict[str, Any]:
    return {"id": person, "is_bot": False, "first_name": name or f"Người {person}"}


def _topic(thread: int | None) -> dict[str, Any]:
    return {} if thread is None else {"message_thread_id": thread, "is_topic_message": True}


def _refused(chat: Chat, body: dict[str, Any]) -> Reply | None:
    if chat.blocked:
        return _error(403, f"Forbidden: {chat.blocked}")
    if chat.migrated_to is not None:
        text = "Bad Request: group chat was upgraded to a supergroup chat"
        return _error(400, text, migrate_to_chat_id=chat.migrated_to)
    if body.get("message_thread_id") in chat.closed_topics:
        return _error(400, "Bad Request: TOPIC_CLOSED")
    return None


def _unfit(body: dict[str, Any]) -> Reply | None:
    try:
        text, entities = _read(body)
    except MarkupError as error:
        return _error(400, f"Bad Request: can't parse entities: {error}")
    if not text.strip():
        return _error(400, "Bad Request: message text is empty")
    if units(text) > UNITS:
        return _error(400, "Bad Request: message is too long")
    if len(entities) > ENTITIES:
        return _error(400, "Bad Request: too many entities")  # the original drops them silently
    return None


def _bad_keyboard(body: dict[str, Any]) -> Reply | None:
    fault = keyboards.fault(body)
    return _error(400, f"Bad Request: {fault}") if fault else None


def _read(body: dict[str, Any]) -> tuple[str, list[Entity]]:
    raw = str(body.get("text", ""))
    mode = body.get("parse_mode", "")
    if mode not in ("", "HTML"):
        raise MarkupError(f"unsupported parse_mode {mode}")
    text, entities = parse(raw) if mode == "HTML" else (raw, [])
    return text.strip(), entities + found(text, entities)


def _message(message: Accepted) -> dict[str, Any]:
    return {"message_id": message.message_id, "date": int(message.at), "chat": {"id": message.chat_id}}


def _ok(result: Any) -> Reply:
    return Reply(200, {"ok": True, "result": result})


def _error(code: int, description: str, **parameters: int) -> Reply:
    return Reply(code, _body(code, description, **parameters))


def _body(code: int, description: str, **parameters: int) -> dict[str, Any]:
    body: dict[str, Any] = {"ok": False, "error_code": code, "description": description}
    return body | ({"parameters": parameters} if parameters else {})
