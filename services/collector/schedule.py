"""When a source is polled next: pure, with the jitter taken from a hash, so that the same input agrees."""

from __future__ import annotations

import hashlib
from email.utils import parsedate_to_datetime
from typing import Literal

from services.collector.web.response import GOOD, Outcome

State = Literal["new", "ok", "failing", "parked"]

DAY = 86_400.0
JITTER = 0.1
LEAST_SHOWN = 5  # a document of fewer entries says nothing about how fast it is replaced
# Nobody is polled more often than this, whatever is configured.
SHORTEST = 5.0
LONGEST = DAY
# How long one failure of each kind weighs against another: a name server hiccup is nothing, a 404 is a message.
_WEIGHT: dict[Outcome, float] = {
    "dns": 0.25,
    "timeout": 0.5,
    "connection": 0.5,
    "http_5xx": 0.5,
    "tls": 1.0,
    "http_4xx": 1.0,
    "refused": 2.0,
}
_OTHER_WEIGHT = 1.0
# What may pass at any moment is asked about at least so often, until the source is parked: what was published when
# a server comes back is not to wait for a quarter of its outage.
LONGEST_TEMPORARY = 3_600.0
_TEMPORARY: frozenset[Outcome] = frozenset(("dns", "timeout", "connection", "http_5xx"))
# 410 says "for good"; sites do come back all the same, so it is asked again, rarely.
PARKED_FOR: dict[Outcome, float] = {"gone": 7 * DAY}
PARK_AFTER = 30.0  # weighted failures
LONGEST_RETRY_AFTER = DAY


def fraction(source: str, salt: str = "") -> float:
    """A number in [0, 1) that is always the same for `source`."""
    raw = hashlib.blake2b(f"{source}\0{salt}".encode(), digest_size=8).digest()
    return int.from_bytes(raw, "big") / 2**64


def first_poll(source: str, now: float, interval: float, count: int, planned: float = 0.0) -> float:
    """After a start: what was planned if that is still ahead, else spread so that `count` do not rush at once."""
    if planned > now:
        return min(planned, now + LONGEST_RETRY_AFTER * 7)
    return now + fraction(source) * min(interval, 0.1 * count)


def roll_off(longest: float, new: int, shown: int, elapsed: float) -> float:
    """The longest time between two looks in which no more than a third of a document is replaced.

    `new` of `shown` entries came in `elapsed` seconds. What was learned from a rush is forgotten step by step.
    """
    if shown < LEAST_SHOWN or new * 3 <= shown:
        return longest * 1.5
    return max(SHORTEST, min(longest, elapsed * shown / (3 * new)))


def next_poll(
    source: str, interval: float, outcome: Outcome, failures: float, now: float, *, asked_to_wait: float = 0.0
) -> float:
    """Seconds since the epoch of the next poll. `failures` as counted by `failures_after`, this one included."""
    if outcome in GOOD:
        delay = max(interval, SHORTEST)
    elif outcome in PARKED_FOR:
        delay = PARKED_FOR[outcome]
    else:
        passing = outcome in _TEMPORARY and failures < PARK_AFTER
        longest = max(interval, LONGEST_TEMPORARY) if passing else LONGEST
        delay = min(longest, max(interval, SHORTEST) * (1 + failures) ** 1.5)
    spread = 1 + JITTER * (2 * fraction(source, str(int(now))) - 1)
    return now + max(delay * spread, asked_to_wait)


def failures_after(failures: float, outcome: Outcome) -> float:
    """Weighted failures in a row."""
    return 0.0 if outcome in GOOD else failures + _WEIGHT.get(outcome, _OTHER_WEIGHT)


def state_of(outcome: Outcome | None, failures: float) -> State:
    if outcome is None:
        return "new"
    if outcome in GOOD:
        return "ok"
    return "parked" if outcome in PARKED_FOR or failures >= PARK_AFTER else "failing"


def retry_after(value: str, now: float) -> float:
    """Seconds that a `Retry-After` header asks for, in either form; 0 when it cannot be read."""
    value = value.strip()
    if not value:
        return 0.0
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), LONGEST_RETRY_AFTER)
    try:
        wait = parsedate_to_datetime(value).timestamp() - now
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return min(max(wait, 0.0), LONGEST_RETRY_AFTER)
