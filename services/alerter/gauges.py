"""What waits and where it would go, as gauges; destinations by state, never by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import get_args

from services.alerter import conversation, lanes, ledger
from services.alerter.book import Book
from tinsom import metrics
from tinsom.messages import Destination

_CHANNELS = ("telegram", "email", "webhook", "terminal", "recording", "unknown")
_STATES = ("active", "suspended")
_REASONS = ("turn", "unreachable", "too_many_requests", "deferred", "server_error", "unauthorized", "tls")
OVERDUE_AFTER = 300.0


def prepare() -> None:
    """Label sets of what counts rarely, so that graphs begin at 0 and the first of a kind is an increase."""
    for reason in get_args(lanes.Reason):
        metrics.POSTPONED.labels(reason)
    for outcome in get_args(conversation.Outcome):
        metrics.UPDATES.labels(outcome)
    metrics.UNSUBSCRIBES.labels("link")
    for verdict in get_args(conversation.Judgement):
        metrics.VERDICTS.labels("keyword", verdict)


def show(book: Book, destinations: Mapping[str, Destination], now: float) -> None:
    pending = Counter(_channel(d.destination, destinations) for d in book.in_state("pending"))
    states: Counter[tuple[str, str]] = Counter((d.channel, d.state) for d in destinations.values())
    late = overdue(book, now)
    for reason in (*_REASONS, "other"):
        metrics.OVERDUE.labels(reason).set(late[reason])
    for channel in _CHANNELS:
        metrics.PENDING.labels(channel).set(pending[channel])
    for channel in _CHANNELS[:-1]:
        for state in _STATES:
            metrics.DESTINATIONS.labels(channel, state).set(states[channel, state])


def overdue(book: Book, now: float) -> Counter[str]:
    """What was to be sent at once and was not within five minutes, by what it waits for."""
    late: Counter[str] = Counter()
    for delivery in book.in_state("pending"):
        if delivery.lane == "now" and now - ledger.seconds(delivery.history[0].at) > OVERDUE_AFTER:
            reason = delivery.history[-1].reason or "turn"
            late[reason if reason in _REASONS else "other"] += 1
    return late


def _channel(alias: str, destinations: Mapping[str, Destination]) -> str:
    destination = destinations.get(alias)
    return destination.channel if destination is not None else "unknown"
