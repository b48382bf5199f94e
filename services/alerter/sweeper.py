"""Nothing stays behind: what was to be sent at once and still waits after five minutes, and what for. Pure.

What waits for a digest, for the end of quiet hours or for its budget has been decided and is not looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, get_args

from services.alerter import ledger
from services.alerter.book import Book
from tinsom.messages import Delivery

Reason = Literal[
    "turn",  # its line is long: pacing
    "paused",  # by `tinsom pause`
    "no_channel",  # this process has no settings for it
    "in_flight",  # an attempt whose result is not known yet
    "unreachable",
    "too_many_requests",
    "deferred",
    "server_error",
    "no_answer",
    "unauthorized",
    "tls",
    "other",
]
REASONS: tuple[Reason, ...] = get_args(Reason)


@dataclass(frozen=True, slots=True)
class Finding:
    delivery: Delivery
    reason: Reason


@dataclass
class Sweeper:
    """Remembers what it has told, so that each is told once."""

    _told: set[str] = field(default_factory=set)

    def news(self, findings: list[Finding]) -> list[Finding]:
        """Those that were not found before; what is not among the findings is forgotten."""
        new = [one for one in findings if one.delivery.alert_id not in self._told]
        self._told = {one.delivery.alert_id for one in findings}
        return new


def sweep(book: Book, now: float, after: float, *, paused: bool, routed: Callable[[str], bool]) -> list[Finding]:
    """What was accepted more than `after` seconds ago, to be sent at once, and is neither sent nor given up."""
    waiting = [*book.in_state("pending"), *book.in_state("sending")]
    return [
        Finding(delivery, _reason(delivery, paused, routed))
        for delivery in waiting
        if delivery.lane == "now" and now - ledger.seconds(delivery.history[0].at) > after
    ]


def _reason(delivery: Delivery, paused: bool, routed: Callable[[str], bool]) -> Reason:
    if delivery.state == "sending":
        return "in_flight"
    if paused:
        return "paused"
    if not routed(delivery.destination):
        return "no_channel"
    last = delivery.history[-1].reason or "turn"
    return next((reason for reason in REASONS if reason == last), "other")
