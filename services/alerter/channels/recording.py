"""The channel of every replay: takes everything, writes nothing outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.alerter import rendering, responses
from services.alerter.channels import BeforeWrite, Part, StaleIntentError
from services.alerter.pacing import UNLIMITED, Pace
from services.alerter.rendering import Digest, Letter
from services.alerter.responses import Answer, Verdict
from tinsom.messages import Destination

KEPT = 1_000


@dataclass
class RecordingChannel:
    """`sent` keeps the newest (alias, text) for tests and demonstrations."""

    name: str = "recording"
    pace: Pace = UNLIMITED
    slack: float = 0.0
    sent: list[tuple[str, str]] = field(default_factory=list)
    _count: int = 0

    def render(self, letter: Letter, to: Destination) -> Sequence[Part]:
        return [Part(text=rendering.mail_text(letter), edits=letter.edits)]

    def render_digest(self, digest: Digest, to: Destination) -> Sequence[Part]:
        return [Part(text=rendering.digest_text(digest))]

    async def send(self, to: Destination, part: Part, *, before_write: BeforeWrite) -> Answer:
        try:
            before_write()
        except StaleIntentError:
            return Answer("refused")
        self.sent.append((to.alias, part.text))
        del self.sent[:-KEPT]
        self._count += 1
        return Answer("answered", ok=True, message_id=part.edits or str(self._count))

    def judge(self, answer: Answer) -> Verdict:
        return responses.plain(answer)

    def is_group(self, to: Destination) -> bool:
        return False

    async def close(self) -> None:
        pass
