"""Telegram: sendMessage of the Bot API over aiohttp, in HTML mode.

The token is part of every URL, so no exception of the client and no URL ever leaves this module: an answer
carries the class of an error and what the server described, cleaned of the token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import aiohttp
import msgspec

from services.alerter import pacing, rendering, responses
from services.alerter.channels import BeforeWrite, Part
from services.alerter.channels.guarded import GuardedBody
from services.alerter.channels.session import LazySession, whole
from services.alerter.rendering import Digest, Letter
from services.alerter.responses import Answer, Verdict
from tinsom.messages import Destination

# Of the longest messages, in an alphabet that JSON escapes, one poll brings some megabytes.
_LONGEST_ANSWER = 8_000_000


class _Parameters(msgspec.Struct, frozen=True):
    retry_after: float | None = None
    migrate_to_chat_id: int | None = None


class _Body(msgspec.Struct, frozen=True):
    ok: bool
    result: Any = None
    error_code: int = 0
    description: str = ""
    parameters: _Parameters = _Parameters()


class TelegramChannel:
    name = "telegram"
    pace = pacing.TELEGRAM
    slack = 0.0

    def __init__(self, token: str, api_url: str, timeout: float, *, buttons: bool = False) -> None:
        self._buttons = buttons
        self._token = token
        self._base = f"{api_url.rstrip('/')}/bot{token}/"
        self._session = LazySession(timeout)

    def render(self, letter: Letter, to: Destination) -> Sequence[Part]:
        parts = rendering.telegram(letter)
        if letter.edits and len(parts) > 1:
            return ()  # a message cannot become two
        buttons = rendering.buttons(letter) if self._buttons else ()
        last = len(parts) - 1
        return [_part(p, letter, buttons if n == last else ()) for n, p in enumerate(parts)]

    def render_digest(self, digest: Digest, to: Destination) -> Sequence[Part]:
        return [_digest_part(p, digest.plain) for p in rendering.telegram_digest(digest)]

    async def send(self, to: Destination, part: Part, *, before_write: BeforeWrite) -> Answer:
        if part.edits:
            return await self.call("editMessageText", _edit_message(to, part), before_write)
        return await self.call("sendMessage", _send_message(to, part), before_write)

    async def call(self, method: str, body: dict[str, Any], before_write: BeforeWrite) -> Answer:
        """One request to the Bot API; a POST, which aiohttp never repeats by itself."""
        guarded = GuardedBody(msgspec.json.encode(body), before_write)
        try:
            async with self._session.get().post(
                self._base + method, data=guarded, allow_redirects=False
            ) as response:
                return self._answer(response.status, await whole(response, _LONGEST_ANSWER))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            if guarded.refused:
                return Answer("refused")
            return Answer("written" if guarded.written else "not_written", description=type(error).__name__)

    async def ask(self, method: str, body: dict[str, Any], wait: float = 0.0) -> Any:
        """Any other method; its result, or None for whatever kept it from coming. `wait`: long polling, in s."""
        limit = aiohttp.ClientTimeout(total=self._session.timeout + wait)
        try:
            async with self._session.get().post(
                self._base + method, json=body, timeout=limit, allow_redirects=False
            ) as response:
                answer = msgspec.json.decode(await whole(response, _LONGEST_ANSWER), type=_Body)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return None
        return answer.result if answer.ok else None

    def judge(self, answer: Answer) -> Verdict:
        return responses.telegram(answer)

    def is_group(self, to: Destination) -> bool:
        """Groups and supergroups have negative ids, public ones and channels an @name."""
        return to.address.startswith(("-", "@"))

    async def close(self) -> None:
        await self._session.close()

    def _answer(self, status: int, raw: bytes) -> Answer:
        try:
            body = msgspec.json.decode(raw, type=_Body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return _foreign(status)
        migrated = body.parameters.migrate_to_chat_id
        return Answer(
            "answered",
            ok=body.ok,
            code=body.error_code or status,
            description=body.description.replace(self._token, "…")[:200],
            retry_after=body.parameters.retry_after,
            migrate_to="" if migrated is None else str(migrated),
            message_id=_message_id(body.result) if body.ok else "",
        )


def _part(text: str, letter: Letter, buttons: tuple[tuple[str, str], ...]) -> Part:
    part = _digest_part(text, letter.plain)
    return replace(part, reply_to=letter.reply_to, edits=letter.edits, buttons=buttons)


def _digest_part(text: str, plain: bool) -> Part:
    return Part(text) if plain else Part("", text)


def _foreign(status: int) -> Answer:
    """Not the Bot API's JSON: a proxy's page. A 2xx of that kind says nothing about our message."""
    return Answer("written") if status < 300 else Answer("answered", code=status, description="not the Bot API")


def _message_id(result: Any) -> str:
    return str(result.get("message_id", "")) if isinstance(result, dict) else ""


def _send_message(to: Destination, part: Part) -> dict[str, Any]:
    body = _message(to, part)
    if part.reply_to.isdecimal():
        # In another topic, or with the original gone, it is a message of its own.
        body["reply_parameters"] = {"message_id": int(part.reply_to), "allow_sending_without_reply": True}
    if to.thread is not None:
        body["message_thread_id"] = to.thread
    return body


def _edit_message(to: Destination, part: Part) -> dict[str, Any]:
    """Buttons are sent again: an edit without them takes them away."""
    return _message(to, part) | {"message_id": int(part.edits)}


def _message(to: Destination, part: Part) -> dict[str, Any]:
    body: dict[str, Any] = {
        "chat_id": to.address,
        "text": part.html or part.text,
        "link_preview_options": {"is_disabled": True},
    }
    if part.html:
        body["parse_mode"] = "HTML"
    if part.buttons:
        buttons = [{"text": says, "callback_data": sends} for says, sends in part.buttons]
        body["reply_markup"] = {"inline_keyboard": [row for row in (buttons[:2], buttons[2:]) if row]}
    return body
