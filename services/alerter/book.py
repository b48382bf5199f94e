"""What deliver knows: the fold of `deliveries`, in memory. Pure; no I/O, no clock.

Closed deliveries leave only their id (a replayed alert is not sent again) and what their story was told in,
so that 100,000 of them are restored in seconds.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field

from services.alerter import ledger
from tinsom.messages import Delivery

_RANK = {"urgent": 0, "normal": 1, "low": 2}


@dataclass
class Book:
    open: dict[str, Delivery] = field(default_factory=dict)
    _states: dict[str, dict[str, None]] = field(default_factory=dict)
    _known: set[bytes] = field(default_factory=set)
    _told: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    _lines: dict[str, list[tuple[int, float, int, str]]] = field(default_factory=dict)
    _places: dict[str, tuple[int, float, int, str]] = field(default_factory=dict)
    _count: int = 0

    def put(self, delivery: Delivery) -> None:
        """Take over the newest record of a delivery."""
        identity = delivery.alert_id
        self._known.add(_short(identity))
        self._remember_told(delivery)
        before = self.open.pop(identity, None)
        if before is not None:
            self._states[before.state].pop(identity, None)
        if delivery.state in ledger.OPEN:
            self.open[identity] = delivery
            self._states.setdefault(delivery.state, {})[identity] = None
        if delivery.state == "pending" and identity not in self._places:
            self._enqueue(delivery)
        elif delivery.state not in ("pending", "sending"):
            self._places.pop(identity, None)

    def _remember_told(self, delivery: Delivery) -> None:
        """What is on its way counts as told; what ended untold does not."""
        key = delivery.destination, delivery.story
        if delivery.message_ids:
            self._told[key] = tuple(delivery.message_ids)
        elif delivery.state in ("suppressed", "expired", "failed"):
            if not self._told.get(key, ("",)):
                del self._told[key]
        else:
            self._told.setdefault(key, ())

    def _enqueue(self, delivery: Delivery) -> None:
        priority = delivery.alert.priority if delivery.alert else "normal"
        self._count += 1
        place = (_RANK[priority], ledger.seconds(delivery.history[0].at), self._count, delivery.alert_id)
        self._places[delivery.alert_id] = place
        heapq.heappush(self._lines.setdefault(delivery.destination, []), place)

    def knows(self, alert_id: str) -> bool:
        return _short(alert_id) in self._known

    def told(self, destination: str, story: str) -> bool:
        """Has this destination been told of the story, or is it about to be?"""
        return (destination, story) in self._told

    def messages(self, destination: str, story: str) -> tuple[str, ...]:
        """Ids of the newest messages in which it was told."""
        return self._told.get((destination, story), ())

    def heads(self) -> Iterator[Delivery]:
        """The next pending delivery of each destination: urgent first, else in the order of their decisions."""
        for destination in list(self._lines):
            if (head := self._head(destination)) is not None:
                yield head

    def _head(self, destination: str) -> Delivery | None:
        line = self._lines[destination]
        while line:
            delivery = self.open.get(line[0][3])
            if delivery is not None and self._places.get(delivery.alert_id) == line[0]:
                return delivery if delivery.state == "pending" else None
            heapq.heappop(line)
        del self._lines[destination]
        return None

    def in_state(self, state: str) -> list[Delivery]:
        return [self.open[i] for i in self._states.get(state, ())]

    def count(self, state: str) -> int:
        return len(self._states.get(state, ()))


def _short(alert_id: str) -> bytes:
    """Half the memory for the ids we make; any other id stands as it is."""
    try:
        return bytes.fromhex(alert_id)
    except ValueError:
        return b"\0" + alert_id.encode()
