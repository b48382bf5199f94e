"""When a source publishes, learned from what it published; and how often to look, hour by hour. Pure.

With the same number of polls, the mean delay is least when the time between polls goes with one over the
square root of the rate; against a fixed interval both the number of polls and the delay then go down
(Jensen), the more so the more a source sleeps at night and at weekends.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo
from math import exp2, sqrt

import msgspec

HOUR, DAY = 3_600.0, 86_400.0
HALF_LIFE = 28 * DAY
HOURS = 24
# How far an hour may depart from the source's mean.
SHORTEST_FACTOR, LONGEST_FACTOR = 1 / 3, 6.0
# Quiet sources are looked at less often than configured, official ones never.
QUIET_RATE = 1.0  # items an hour
LONGEST_QUIET = {1: 1.0, 2: 2.0}
LONGEST_QUIET_ELSE = 4.0
LEAST_DAYS = 3.0  # nothing is learned from less
_PRIOR_HOURS = 3.0


class Rhythm(msgspec.Struct, frozen=True, omit_defaults=True):
    """Items by local hour, weekdays (0 to 23) then weekends (24 to 47), older ones fading; times in seconds."""

    counts: list[float] = []
    since: float = 0.0
    at: float = 0.0  # when the counts faded last


def learn(rhythm: Rhythm, published: Iterable[float], now: float, local: tzinfo) -> Rhythm:
    """`rhythm` with what was published (epoch seconds) since it was last changed."""
    rhythm = _faded(rhythm, now)
    # All hours in which nothing was published share one zero: of ten thousand sources these are ten megabytes.
    counts = [count or 0.0 for count in rhythm.counts]
    for at in published:
        counts[_bin(at, local)] += 1.0
    return Rhythm(counts, rhythm.since, rhythm.at)


def _faded(rhythm: Rhythm, now: float) -> Rhythm:
    """Once a day, since what fades in five minutes is less than what is rounded."""
    if not rhythm.counts:
        return Rhythm([0.0] * (2 * HOURS), now, now)
    if now - rhythm.at < DAY:
        return rhythm
    faded = exp2((rhythm.at - now) / HALF_LIFE)
    return Rhythm([round(count * faded, 2) for count in rhythm.counts], rhythm.since, now)


def interval(rhythm: Rhythm, base: float, tier: int, now: float, local: tzinfo) -> float:
    """Seconds until the next look. `base` is the configured interval, kept until enough was seen.

    A long wait that began in a quiet hour ends early in the busy one that follows: what counts is the share of
    each hour's own interval that has passed.
    """
    if not rhythm.counts or now - rhythm.since < LEAST_DAYS * DAY:
        return base
    at, left = now, 1.0
    while True:
        whole = _of_hour(rhythm, base, tier, now, at, local)
        until = (at // HOUR + 1) * HOUR
        if left * whole <= until - at:
            return at + left * whole - now
        at, left = until, left - (until - at) / whole


def _of_hour(rhythm: Rhythm, base: float, tier: int, now: float, at: float, local: tzinfo) -> float:
    """The interval in the hour of `at`, by what is known `now`."""
    quiet = LONGEST_QUIET.get(tier, LONGEST_QUIET_ELSE)
    mean = sum(rhythm.counts) / _exposure(rhythm, now, None)
    if mean <= 0.0:
        return base * quiet
    slot = _bin(at, local)
    seen = rhythm.counts[slot] + _PRIOR_HOURS * mean
    rate = seen / (_exposure(rhythm, now, slot) + _PRIOR_HOURS)
    hour = _clamp(sqrt(mean / rate), SHORTEST_FACTOR, LONGEST_FACTOR)
    return base * hour * _clamp(sqrt(QUIET_RATE / mean), 1.0, quiet)


def _exposure(rhythm: Rhythm, now: float, slot: int | None) -> float:
    """Hours that were watched, faded as the counts are: of one slot, or of all."""
    life = HALF_LIFE / 0.6931
    days = life * (1 - exp2(-(now - rhythm.since) / HALF_LIFE)) / DAY
    if slot is None:
        return days * HOURS
    return days * (5 / 7 if slot < HOURS else 2 / 7)


def _bin(at: float, local: tzinfo) -> int:
    when = datetime.fromtimestamp(at, local)
    return when.hour + (HOURS if when.weekday() >= 5 else 0)


def _clamp(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)
