"""What waits and where it would go, as gauges; destinations by state, never by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import get_args

from services.alerter import lanes, sweeper
from services.alerter.book import Book
from services.alerter.bot import effects, judging
from services.alerter.sweeper import Finding
from tinsom import metrics
from tinsom.messages import Destination

_CHANNELS = ("telegram", "email", "webhook", "apprise", "terminal", "recording", "unknown")
_STATES = ("active", "suspended")


def prepare() -> None:
    """Label sets of what counts rarely, so that graphs begin at 0 and the first of a kind is an increase."""
    for reason in get_args(lanes.Reason):
        metrics.POSTPONED.labels(reason)
    for outcome in get_args(effects.Outcome):
        metrics.UPDATES.labels(outcome)
    metrics.UNSUBSCRIBES.labels("link")
    for verdict in get_args(judging.Judgement):
        metrics.VERDICTS.labels("keyword", verdict)


def show(book: Book, destinations: Mapping[str, Destination], late: Iterable[Finding]) -> None:
    to_be_sent = (d for d in book.in_state("pending") if d.lane == "now")
    pending = Counter(_channel(d.destination, destinations) for d in to_be_sent)
    states: Counter[tuple[str, str]] = Counter((d.channel, d.state) for d in destinations.values())
    overdue = Counter(finding.reason for finding in late)
    for reason in sweeper.REASONS:
        metrics.OVERDUE.labels(reason).set(overdue[reason])
    for channel in _CHANNELS:
        metrics.PENDING.labels(channel).set(pending[channel])
    for channel in _CHANNELS[:-1]:
        for state in _STATES:
            metrics.DESTINATIONS.labels(channel, state).set(states[channel, state])


def _channel(alias: str, destinations: Mapping[str, Destination]) -> str:
    destination = destinations.get(alias)
    return destination.channel if destination is not None else "unknown"
