"""What a service answers on the process's own server beside /metrics: a few paths, each with one handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    html: str = ""
    retry_after: int = 0  # seconds


Door = Callable[[str, str], Awaitable[Answer]]
"""(method, what follows the name in the path) → the answer; a request's body is never read."""


@dataclass
class Doors:
    """Name → handler; `/name/…` leads there while the service is up."""

    open: dict[str, Door] = field(default_factory=dict)
