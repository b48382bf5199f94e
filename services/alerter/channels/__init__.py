"""One small module per channel behind one protocol; everything that differs between channels is in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.alerter.pacing import Pace
from services.alerter.rendering import Digest, Letter
from services.alerter.responses import Answer, Verdict
from tinsom.messages import Destination


class StaleIntentError(Exception):
    """`before_write` says no: the intent has run out, and a successor may have taken over."""


BeforeWrite = Callable[[], None]
"""Called by a channel once, at the last moment before a message can leave; raises StaleIntentError."""


@dataclass(frozen=True, slots=True)
class Part:
    """One message of a letter, as the channel wants it; `html` empty means plain `text`."""

    text: str
    html: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    reply_to: str = ""
    edits: str = ""  # id of the message that this one replaces, in a channel that can do so
    buttons: tuple[tuple[str, str], ...] = ()  # (what it says, what it sends back)


class Channel(Protocol):
    name: str
    pace: Pace
    slack: float
    """Seconds more than `Policy.intent` that this channel may need from the intent to the socket."""

    def render(self, letter: Letter, to: Destination) -> Sequence[Part]:
        """The messages of a letter; the same for the same letter, so that part 2 can follow a crash."""
        ...

    def render_digest(self, digest: Digest, to: Destination) -> Sequence[Part]: ...

    async def send(self, to: Destination, part: Part, *, before_write: BeforeWrite) -> Answer:
        """One request. Raises nothing but CancelledError; every failure is an answer, without a secret in it."""
        ...

    def judge(self, answer: Answer) -> Verdict: ...

    def is_group(self, to: Destination) -> bool: ...

    async def close(self) -> None: ...
