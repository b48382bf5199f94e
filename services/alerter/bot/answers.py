"""What the bot says, on its way to readers: within the pace of each chat, and no word holds up another chat."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakValueDictionary

from services.alerter.bot.effects import STRANGERS, Button, Effects, Reply
from services.alerter.bot.updates import Place
from services.alerter.channels.telegram import TelegramChannel
from services.alerter.split import split
from services.alerter.tools import Tools

Rows = Sequence[Sequence[Button]]
TOAST = 200  # characters that an answer to a pressed button may have
SHORT = 0.05  # seconds until another look at a chat in which an alert is under way
AGAIN = 2.0  # seconds until an answer that was refused, or got no reply, is said once more
PATIENCE = 60.0  # an answer that would come later than this is left out
STRANGERS_AT_ONCE = 20  # who wait for an answer and have not come in; more get none


@dataclass
class Answers:
    tools: Tools
    channel: TelegramChannel
    # An entry lives as long as somebody has something to say there: anybody may write to a bot.
    _chats: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _strangers: set[asyncio.Task[None]] = field(default_factory=set)

    def show(self, effects: Effects, place: Place, pressed: str) -> None:
        """Begin to tell what came of an update. `pressed`: the button's own question, to be answered at once."""
        stranger = effects.outcome in STRANGERS
        if stranger and len(self._strangers) >= STRANGERS_AT_ONCE:
            return
        task = asyncio.create_task(self._tell(effects, place, pressed))
        for tasks in (self._tasks, *((self._strangers,) if stranger else ())):
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    async def close(self) -> None:
        """What was not said yet is not worth waiting for."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _tell(self, effects: Effects, place: Place, pressed: str) -> None:
        if pressed:
            await self.channel.ask(
                "answerCallbackQuery", {"callback_query_id": pressed, "text": effects.toast[:TOAST]}
            )
        if effects.keyboard is not None and place.message:
            body = {
                "chat_id": place.chat,
                "message_id": place.message,
                "reply_markup": _keyboard(effects.keyboard),
            }
            await self.channel.ask("editMessageReplyMarkup", body)
        if effects.reply is not None:
            await self._say(effects.reply, place, last=effects.outcome in STRANGERS)

    async def _say(self, reply: Reply, place: Place, *, last: bool) -> None:
        """In order within a chat; a message too long for one is several, the buttons under the last.

        One that is not taken is said once more: to hear it twice is better than to wonder.
        """
        lock = self._chats.setdefault(place.chat, asyncio.Lock())
        async with lock:
            parts = split(str(reply.text))
            for number, part in enumerate(parts, 1):
                if not await self._turn(place, last=last):
                    return
                rows = reply.rows if number == len(parts) else ()
                request = _request(part, rows, place, edit=reply.edit and len(parts) == 1)
                if await self.channel.ask(*request) is None:
                    await self.tools.wall.sleep(AGAIN)
                    await self.channel.ask(*request)

    async def _turn(self, place: Place, *, last: bool) -> bool:
        """Wait until the chat may be written to; what is said counts against the same limits as alerts do.

        A reader waits for an answer, so it goes before what is not urgent; a stranger's comes `last`, when the
        channel has nothing else to send: whoever floods the bot must not hold up alerts.
        """
        pacer, wall = self.tools.pacer_of(self.channel), self.tools.wall
        asked = wall.now()
        while True:
            now = wall.now()
            wait = pacer.free_at(place.chat, place.is_group, now, not last) - now
            if last:
                wait = max(wait, pacer.calm_at(now) - now)
            if wait <= 0 and pacer.is_idle(place.chat):
                break
            if wall.now() + wait > asked + PATIENCE:
                return False
            await wall.sleep(max(wait, SHORT))
        pacer.take(place.chat, place.is_group, wall.now())
        return True


def _request(
    text: str, rows: Sequence[Sequence[Button]], place: Place, *, edit: bool
) -> tuple[str, dict[str, Any]]:
    body: dict[str, Any] = {
        "chat_id": place.chat,
        "text": text,
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
    }
    if rows:
        body["reply_markup"] = _keyboard(rows)
    if edit and place.message:
        return "editMessageText", body | {"message_id": place.message}
    if place.thread is not None:
        body["message_thread_id"] = place.thread
    return "sendMessage", body


def _keyboard(rows: Rows) -> dict[str, Any]:
    return {"inline_keyboard": [[{"text": b.text, "callback_data": b.data} for b in row] for row in rows if row]}
