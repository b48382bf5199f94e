"""Alerts on the terminal, as staff would read them: for the demo and for trying a configuration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from services.alerter import rendering, responses
from services.alerter.channels import BeforeWrite, Part, StaleIntentError
from services.alerter.pacing import UNLIMITED, Pace
from services.alerter.rendering import Digest, Letter
from services.alerter.responses import Answer, Verdict
from tinsom.messages import Destination
from tinsom.screen import Screen


@dataclass
class TerminalChannel:
    """Prints to `console`; a panel per alert, lines only where the output is no terminal."""

    console: Screen = field(default_factory=Screen)
    name: str = "terminal"
    pace: Pace = UNLIMITED
    slack: float = 0.0

    def render(self, letter: Letter, to: Destination) -> Sequence[Part]:
        seen = rendering.terminal(letter)
        return [Part(text=rendering.mail_text(letter), headers=(("title", seen["title"]), ("kind", seen["kind"])))]

    def render_digest(self, digest: Digest, to: Destination) -> Sequence[Part]:
        title = rendering.digest_subject(digest)
        return [Part(text=rendering.digest_text(digest), headers=(("title", title), ("kind", "")))]

    async def send(self, to: Destination, part: Part, *, before_write: BeforeWrite) -> Answer:
        try:
            before_write()
        except StaleIntentError:
            return Answer("refused")
        try:
            self.console.print(_panel(to, part))
        except (OSError, ValueError):  # a closed pipe or terminal
            return Answer("not_written")
        return Answer("not_written") if self.console.gone else Answer("answered", ok=True)

    def judge(self, answer: Answer) -> Verdict:
        return responses.plain(answer)

    def is_group(self, to: Destination) -> bool:
        return False

    async def close(self) -> None:
        pass


def _panel(to: Destination, part: Part) -> RenderableType:
    """The text part in a frame: the title stands out, the reason steps back."""
    body, _, reason = part.text.rstrip("\n").partition("\n--\n")
    title = dict(part.headers)["title"]
    text = Text(body.strip())
    text.highlight_words([title], style="bold")
    return Panel(
        Group(text, Text(""), Text(reason.strip(), style="dim italic")) if reason else text,
        title=Text(f"→ {to.alias}"),
        title_align="left",
        border_style="red" if dict(part.headers)["kind"] else "cyan",
        width=None,
    )
