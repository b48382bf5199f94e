"""Everything else, through Apprise: an optional library (the extra `apprise`) that knows 130 services.

A service's address holds its secrets, so destinations name it and the file of addresses stays off the log. Apprise
says yes or no and nothing more: no number of the message, no time to wait, no reason (facts: it splits badly and
asks for no leave), which is why chats and mailboxes have channels of their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from services.alerter import rendering, responses
from services.alerter.channels import BeforeWrite, Part, StaleIntentError
from services.alerter.pacing import UNLIMITED
from services.alerter.rendering import Digest, Letter
from services.alerter.responses import Answer, Verdict
from tinsom.errors import ConfigError
from tinsom.messages import Destination


class AppriseChannel:
    name = "apprise"
    pace = UNLIMITED
    slack = 0.0

    def __init__(self, addresses: Mapping[str, str], timeout: float) -> None:
        """Name → Apprise's address. Raises ConfigError, which never quotes one."""
        self._services = {name: _service(name, address) for name, address in addresses.items()}
        self._timeout = timeout

    def render(self, letter: Letter, to: Destination) -> Sequence[Part]:
        return [Part(rendering.mail_text(letter), headers=(("title", rendering.subject(letter)),))]

    def render_digest(self, digest: Digest, to: Destination) -> Sequence[Part]:
        return [Part(rendering.digest_text(digest), headers=(("title", rendering.digest_subject(digest)),))]

    async def send(self, to: Destination, part: Part, *, before_write: BeforeWrite) -> Answer:
        service = self._services.get(to.address)
        if service is None:
            return Answer("answered", code=404, description="no such service")
        try:
            before_write()
        except StaleIntentError:
            return Answer("refused")
        # It blocks, and cannot be broken off: what takes longer than the time-out may still arrive.
        title = dict(part.headers)["title"]
        told = asyncio.to_thread(service.notify, body=part.text, title=title, body_format="text")
        try:
            return Answer("answered", ok=bool(await asyncio.wait_for(told, self._timeout)), code=500)
        except Exception as error:
            return Answer("written", description=type(error).__name__)

    def judge(self, answer: Answer) -> Verdict:
        return responses.apprise(answer)

    def is_group(self, to: Destination) -> bool:
        return False

    async def close(self) -> None:
        pass


def _service(name: str, address: str) -> Any:
    try:
        import apprise
    except ImportError:
        raise ConfigError("apprise: not installed; run in a clone of tinsom: pip install '.[apprise]'") from None
    service = apprise.Apprise()
    if not service.add(address):
        raise ConfigError(f"apprise: the address of {name!r} is none that Apprise knows")
    return service


def addresses_of(text: str) -> dict[str, str]:
    """`name address` lines; empty ones and those that begin with # are passed over. Raises ConfigError."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split(None, 1)
        if not words or words[0].startswith("#"):
            continue
        if len(words) != 2:
            raise ConfigError(f"apprise: line {number} of the file of addresses must be `name address`")
        found[words[0]] = words[1].strip()
    return found
