"""Webhook: one CloudEvent per alert, signed, for programs that read along.

The event's id is the alert's, so a receiver can tell a repeat; that is why silence is answered with another try
here and not with doubt. Signature as GitHub's and Stripe's: HMAC-SHA256 over time and body.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec

from services.alerter import responses
from services.alerter.channels import BeforeWrite, Part
from services.alerter.channels.email import is_loopback
from services.alerter.channels.guarded import GuardedBody
from services.alerter.channels.session import LazySession
from services.alerter.pacing import UNLIMITED
from services.alerter.rendering import Digest, Letter
from services.alerter.responses import Answer, Verdict
from tinsom.messages import Alert, Destination

_TYPE = "vn.tinsom.alert.v1"


class WebhookChannel:
    name = "webhook"
    pace = UNLIMITED
    slack = 0.0

    def __init__(self, secret: str, timeout: float) -> None:
        self._secret = secret.encode()
        self._session = LazySession(timeout)

    def render(self, letter: Letter, to: Destination) -> Sequence[Part]:
        return [
            Part(
                text=_event(letter.alert.id, letter.decided_at, [letter.alert]), headers=(("id", letter.alert.id),)
            )
        ]

    def render_digest(self, digest: Digest, to: Destination) -> Sequence[Part]:
        alerts = [entry.alert for entry in digest.entries]
        return [Part(text=_event(digest.id, digest.decided_at, alerts), headers=(("id", digest.id),))]

    async def send(self, to: Destination, part: Part, *, before_write: BeforeWrite) -> Answer:
        """A POST without redirects: a receiver that has moved is mended in the file."""
        if not is_safe(to.address):
            return Answer("answered", code=400, description="not https")
        guarded = GuardedBody(part.text.encode(), before_write, "application/cloudevents+json")
        try:
            async with self._session.get().post(
                to.address, data=guarded, headers=self._signature(part.text), allow_redirects=False
            ) as response:
                return _answer(response.status, response.headers.get("Retry-After", ""), dict(part.headers)["id"])
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            if guarded.refused:
                return Answer("refused")
            return Answer("written" if guarded.written else "not_written", description=type(error).__name__)

    def _signature(self, body: str) -> dict[str, str]:
        signature = hmac.new(self._secret, body.encode(), hashlib.sha256).hexdigest()
        return {"X-Tinsom-Signature": f"sha256={signature}"}

    def judge(self, answer: Answer) -> Verdict:
        return responses.webhook(answer)

    def is_group(self, to: Destination) -> bool:
        return False

    async def close(self) -> None:
        await self._session.close()


def is_safe(url: str) -> bool:
    """https anywhere, http on loopback: what is signed is not secret, but it is not for everybody either."""
    parts = urlsplit(url)
    if not parts.hostname or parts.username:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))


def _event(identity: str, at: datetime, alerts: Sequence[Alert]) -> str:
    """CloudEvents 1.0, structured mode; the time is inside, so that the signature covers it."""
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": identity,
        "source": "/tinsom/deliver",
        "type": _TYPE,
        "time": at.isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": {"alerts": alerts},
    }
    return msgspec.json.encode(event).decode()


def _answer(status: int, retry_after: str, message_id: str) -> Answer:
    wait = float(retry_after) if retry_after.isdecimal() else None
    return Answer("answered", ok=200 <= status < 300, code=status, retry_after=wait, message_id=message_id)
