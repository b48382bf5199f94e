"""What waits and where it would go, as gauges; destinations by state, never by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from services.alerter.book import Book
from tinsom import metrics
from tinsom.messages import Destination

_CHANNELS = ("telegram", "email", "terminal", "recording", "unknown")
_STATES = ("active", "suspended")


def show(book: Book, destinations: Mapping[str, Destination]) -> None:
    pending = Counter(_channel(d.destination, destinations) for d in book.in_state("pending"))
    states: Counter[tuple[str, str]] = Counter((d.channel, d.state) for d in destinations.values())
    for channel in _CHANNELS:
        metrics.PENDING.labels(channel).set(pending[channel])
    for channel in _CHANNELS[:-1]:
        for state in _STATES:
            metrics.DESTINATIONS.labels(channel, state).set(states[channel, state])


def _channel(alias: str, destinations: Mapping[str, Destination]) -> str:
    destination = destinations.get(alias)
    return destination.channel if destination is not None else "unknown"
