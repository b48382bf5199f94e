"""What deliver knows: the fold of `deliveries`, in memory. Pure; no I/O, no clock.

Closed deliveries leave only their id (a replayed alert is not sent again) and what their story was told in,
so that 100,000 of them are restored in seconds.
"""

from __future__ import annotations

import heapq
import math
from bisect import bisect, insort
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from services.alerter import ledger
from services.alerter.originals import Originals
from tinsom.messages import Alert, Delivery

REQUESTS = 2_000  # the newest requests that are remembered: more than any minute's
HOUR, WEEK = 3_600.0, 7 * 86_400.0
_RANK = {"urgent": 0, "normal": 1, "low": 2}
_LAST = 3  # edits, in the order in which they are due


class About(NamedTuple):
    """To whom an alert went, what item it was about, and what had matched."""

    destination: str
    item: str
    matched: tuple[str, ...]
    task: str = ""  # of a reminder: the task's id and its deadline


class Told(NamedTuple):
    """In which messages a story was told; until there is one, by which deliveries it is to be."""

    messages: tuple[str, ...]
    by: tuple[bytes, ...]


class Rate(NamedTuple):
    """Alerts meant to be sent at once: in the last hour, in the last week, and seconds since the first."""

    hour: int
    week: int
    known_for: float


@dataclass
class Book:
    open: dict[str, Delivery] = field(default_factory=dict)
    originals: Originals = field(default_factory=Originals)
    backfilled: set[str] = field(default_factory=set)  # beginnings of subscriptions whose past was told
    _states: dict[str, dict[str, None]] = field(default_factory=dict)
    _known: dict[bytes, About | None] = field(default_factory=dict)
    _same: dict[About, About] = field(default_factory=dict)  # one object for equal ones: most are
    _told: dict[tuple[str, str], Told] = field(default_factory=dict)
    _lines: dict[str, list[tuple[int, float, int, str]]] = field(default_factory=dict)
    _waiting: dict[str, dict[str, None]] = field(default_factory=dict)
    _ripe_at: dict[str, float] = field(default_factory=dict)  # computed when asked for
    _latest: dict[str, str] = field(default_factory=dict)  # destination → the newest alert that it was told
    _requests: deque[tuple[float, str]] = field(default_factory=lambda: deque(maxlen=REQUESTS))
    _recent: dict[str, list[float]] = field(default_factory=dict)
    _places: dict[str, tuple[int, float, int, str]] = field(default_factory=dict)
    _count: int = 0

    def put(self, delivery: Delivery) -> None:
        """Take over the newest record of a delivery."""
        identity = delivery.alert_id
        self._remember(delivery)
        before = self.open.pop(identity, None)
        if before is not None:
            self._states[before.state].pop(identity, None)
        if self._is_open(delivery):
            self.open[identity] = delivery
            self._states.setdefault(delivery.state, {})[identity] = None
        self._place(delivery)
        self._count_now(delivery, first=before is None)
        self._requests.extend(
            (ledger.seconds(step.at), delivery.destination)
            for step in delivery.history[-2:]
            if step.state == "sending" and (before is None or step not in before.history)
        )

    def _remember(self, delivery: Delivery) -> None:
        """What holds of it whether it is open or over."""
        about = About(delivery.destination, delivery.item, tuple(delivery.matched), delivery.task)
        self._known[_short(delivery.alert_id)] = self._same.setdefault(about, about) if delivery.item else None
        self._remember_told(delivery)
        self.originals.put(delivery)
        self.backfilled.update(delivery.backfills)
        if delivery.item and (delivery.message_ids or delivery.state == "digested"):
            self._latest[delivery.destination] = delivery.alert_id

    def _place(self, delivery: Delivery) -> None:
        """Into the line of its destination, among what waits for a digest, or out of both."""
        identity = delivery.alert_id
        waiting = identity in self.open and (delivery.lane == "digest" or delivery.state == "ambiguous")
        in_line = identity in self.open and not waiting
        if in_line and delivery.state == "pending" and identity not in self._places:
            self._enqueue(delivery)
        elif not in_line:
            self._places.pop(identity, None)
        self._wait(delivery, waiting or (in_line and bool(delivery.digest)))

    @staticmethod
    def _is_open(delivery: Delivery) -> bool:
        """A digest in doubt is over: its alerts go on without it."""
        return delivery.state in ledger.OPEN and not (delivery.digest and delivery.state == "ambiguous")

    def _wait(self, delivery: Delivery, waits: bool) -> None:
        """Keep the list of what waits for a digest, and of the digest under way."""
        self._ripe_at.pop(delivery.destination, None)
        line = self._waiting.setdefault(delivery.destination, {})
        if waits:
            line[delivery.alert_id] = None
        else:
            line.pop(delivery.alert_id, None)
            if not line:
                del self._waiting[delivery.destination]

    def _count_now(self, delivery: Delivery, first: bool) -> None:
        """What was meant to be sent at once counts against the budget, from when it came."""
        silent = delivery.digest or delivery.edits or delivery.state == "suppressed"
        if first and delivery.lane == "now" and not silent:
            at = ledger.seconds(delivery.history[0].at)
            insort(self._recent.setdefault(delivery.destination, []), at)

    def rate(self, destination: str, now: float) -> Rate:
        times = self._recent.get(destination, [])
        del times[: bisect(times, now - WEEK)]
        if not times:
            return Rate(0, 0, 0.0)
        return Rate(len(times) - bisect(times, now - HOUR), len(times), now - times[0])

    def last_requests(self, since: float) -> list[tuple[float, str]]:
        """(when, destination) of requests after `since`, as far as the records tell."""
        return [(at, alias) for at, alias in self._requests if at > since]

    def waiting(self, destination: str) -> list[Delivery]:
        """What waits for a digest of this destination, and the digest under way if there is one."""
        return [self.open[i] for i in self._waiting.get(destination, ())]

    def ripe(self, now: float) -> list[str]:
        """Destinations that have something due for a digest."""
        return [alias for alias in self._waiting if self._ripe_from(alias) <= now]

    def _ripe_from(self, alias: str) -> float:
        if alias not in self._ripe_at:
            waiting = self.waiting(alias)
            under_way = any(d.digest for d in waiting)
            self._ripe_at[alias] = math.inf if under_way else min(ledger.seconds(d.not_before) for d in waiting)
        return self._ripe_at[alias]

    def line(self, destination: str) -> list[Delivery]:
        """Everything pending that is to be sent at once."""
        places = self._lines.get(destination, ())
        found = (self.open.get(place[3]) for place in places if self._places.get(place[3]) == place)
        return [d for d in found if d is not None and d.state == "pending"]

    def _remember_told(self, delivery: Delivery) -> None:
        """What is on its way counts as told; what ended untold does not, and takes nothing from the others."""
        key, me = (delivery.destination, delivery.story), _short(delivery.alert_id)
        if not delivery.story or delivery.edits:
            return
        told = self._told.get(key, Told((), ()))
        others = tuple(one for one in told.by if one != me)
        if delivery.message_ids:
            told = Told(told.messages or tuple(delivery.message_ids), ())
        elif delivery.state in ("suppressed", "expired", "failed"):
            told = Told(told.messages, others)
        elif not told.messages:
            told = Told((), (*others, me))
        if told.messages or told.by:
            self._told[key] = told
        else:
            self._told.pop(key, None)

    def _enqueue(self, delivery: Delivery) -> None:
        priority = delivery.alert.priority if delivery.alert else "normal"
        rank = _LAST if delivery.edits else _RANK[priority]
        since = max(ledger.seconds(delivery.history[0].at), self.originals.due(delivery))
        self._count += 1
        place = (rank, since, self._count, delivery.alert_id)
        self._places[delivery.alert_id] = place
        heapq.heappush(self._lines.setdefault(delivery.destination, []), place)

    def knows(self, alert_id: str) -> bool:
        return _short(alert_id) in self._known

    def about(self, alert_id: str) -> About | None:
        """What a verdict on this alert speaks of."""
        return self._known.get(_short(alert_id))

    def latest(self, destination: str) -> str | None:
        """The newest alert that was told there: what `why` is asked of."""
        return self._latest.get(destination)

    def told(self, destination: str, story: str) -> bool:
        """Has this destination been told of the story, or is it about to be?"""
        return (destination, story) in self._told

    def told_of(self, alert: Alert) -> bool:
        """The same, whichever of its stories it was."""
        return any(self.told(alert.destination, story) for story in (alert.story, *alert.merged))

    def messages(self, destination: str, story: str) -> tuple[str, ...]:
        """Ids of the first messages in which it was told."""
        return self._told.get((destination, story), Told((), ())).messages

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
