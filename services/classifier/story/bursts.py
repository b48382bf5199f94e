"""Is this initiative or agency far above its usual rate? Decided from the rates alone. Pure.

What is usual is the share of each publisher's items, in the same hours of the last four weekdays of that name and,
as far as these say little, in all of the last four weeks; times what that publisher said in the window. So a
source that is added, lost, late or louder changes what is expected with what is seen (docs/decisions/0032).
"""

from __future__ import annotations

from typing import NamedTuple

from services.classifier.story.rates import DAY, WEEK, WEEKS, Rates, Seen

WINDOWS = (3 * 3600.0, 12 * 3600.0)
LEAST = 4  # items
TIMES = 3.0  # the expected number
# The chance of so many where nothing happens: below the first a burst begins, above the second it is over.
BEGINS, ENDS = 1e-4, 1e-2
PUBLISHERS = 2  # one paper's series or archive is no burst
# A publisher counts once it has been heard for so long, and so does what new rules see.
LEARNT = 14 * DAY
PRIOR = 150.0  # so many items of the weekday's hours say as much as the four weeks
FLOOR = 0.3 / DAY  # nothing is expected never
SPREAD = 2.0  # size of the negative binomial: news comes in lumps, a Poisson would call each of them a burst


class Height(NamedTuple):
    """How far above its usual rate something is in the window where that is least likely."""

    chance: float
    observed: int
    expected: float
    window: float
    seen: tuple[Seen, ...]

    @property
    def is_burst(self) -> bool:
        return (
            self.chance < BEGINS
            and self.observed >= max(LEAST, TIMES * self.expected)
            and len({one.publisher for one in self.seen}) >= PUBLISHERS
        )

    @property
    def is_over(self) -> bool:
        return self.chance > ENDS


def height(rates: Rates, about: str, taxonomy: str, own: Seen) -> Height:
    """`own` is the item that is being decided about; the rates do not know it yet."""
    if not _is_learnt(rates, about, taxonomy, own.at):
        return Height(1.0, 0, 0.0, WINDOWS[0], ())
    return min((_in(rates, about, own, window) for window in WINDOWS), key=lambda found: found.chance)


def _is_learnt(rates: Rates, about: str, taxonomy: str, now: float) -> bool:
    """What only new rules see was not seen before: its rate is not known. What old rules never saw is news."""
    since = min(rates.known_since(about), rates.rules_since(taxonomy))
    return since <= now - LEARNT


def _in(rates: Rates, about: str, own: Seen, window: float) -> Height:
    start = own.at - window
    if rates.count(about, start, own.at) + 1 < max(LEAST, TIMES / 2 * _roughly(rates, about, start, own.at)):
        # The chance of a few is never small, nor that of about the usual share: nothing else need be counted.
        return Height(1.0, 0, 0.0, window, ())
    known = frozenset(p for p in rates.publishers() if rates.first(p) <= own.at - LEARNT)
    seen = [one for one in rates.seen(about, start, own.at) if one.publisher in known and one.item != own.item]
    seen += [own] if own.publisher in known else []
    if len(seen) < LEAST:
        return Height(1.0, len(seen), 0.0, window, tuple(seen))
    usual = _expected(rates, about, own, window, known)
    return Height(chance(len(seen), usual + FLOOR * window), len(seen), usual, window, tuple(seen))


def _roughly(rates: Rates, about: str, start: float, end: float) -> float:
    """What is expected where all publishers and hours are alike."""
    since = start - WEEK * WEEKS
    return rates.count(about, since, start) * rates.whole(start, end) / max(1, rates.whole(since, start))


def _expected(rates: Rates, about: str, own: Seen, window: float, known: frozenset[str]) -> float:
    start = own.at - window
    weekdays = [(start - WEEK * week, own.at - WEEK * week) for week in range(1, WEEKS + 1)]
    same = [rates.counts(about, *hours) for hours in weekdays]
    month = rates.counts(about, start - WEEK * WEEKS, start)
    expected = 0.0
    for publisher in known & set[str]().union(month, *same):
        said = rates.volume(publisher, start, own.at) + (publisher == own.publisher)
        if said:
            share = month[publisher] / max(1, rates.volume(publisher, start - WEEK * WEEKS, start))
            usual = sum(rates.volume(publisher, *hours) for hours in weekdays)
            expected += said * (sum(c[publisher] for c in same) + PRIOR * share) / (usual + PRIOR)
    return expected


def chance(observed: int, expected: float) -> float:
    """Of `observed` or more, by the negative binomial distribution with this mean."""
    missing = expected / (SPREAD + expected)
    term: float = (1 - missing) ** SPREAD
    total = term
    for number in range(1, observed):
        term *= (SPREAD + number - 1) / number * missing
        total += term
    return max(0.0, 1 - total)
