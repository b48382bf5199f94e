"""How often each initiative and agency comes, and how much each publisher says at all. Pure.

All of it follows from the stories' records, as they are put one after the other or read again after a restart: the
first items of each story with their time, publisher and primary tags. A baseline counts nothing.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

from tinsom import messages as m

DAY, WEEK = 86_400.0, 7 * 86_400.0
WEEKS = 4
KEPT = timedelta(weeks=WEEKS, days=7).total_seconds()
_SUBJECTS = ("initiative:", "agency:")
_TAXONOMY = "taxonomy:"


class Seen(NamedTuple):
    """One item, as it counts; `at` first, for the order."""

    at: float
    item: str
    publisher: str


class _Counted(NamedTuple):
    at: float
    publisher: str
    details: tuple[str, ...]


class Rates:
    def __init__(self) -> None:
        self._volume: dict[str, array[float]] = {}
        self._all = array("d")
        self._of: dict[str, list[Seen]] = {}
        self._taxonomies: dict[str, float] = {}  # when the rules of each version were first seen at work

    def put(self, story: m.Story, known: m.Story | None) -> None:
        """A story as it is now, and as it was before."""
        before, after = _counted(known), _counted(story)
        for item, counted in before.items():
            if after.get(item) != counted:
                self._remove(item, counted)
        for item, counted in after.items():
            if before.get(item) != counted:
                self._add(item, counted)

    def publishers(self) -> list[str]:
        return sorted(self._volume)

    def first(self, publisher: str) -> float:
        """When a publisher was first heard; the end of time for one that never was."""
        times = self._volume.get(publisher)
        return times[0] if times else float("inf")

    def volume(self, publisher: str, start: float, end: float) -> int:
        """Items of a publisher in (start, end]."""
        times = self._volume.get(publisher)
        return bisect_right(times, end) - bisect_right(times, start) if times else 0

    def whole(self, start: float, end: float) -> int:
        """Items of all publishers in (start, end]."""
        return bisect_right(self._all, end) - bisect_right(self._all, start)

    def count(self, about: str, start: float, end: float) -> int:
        """Items about something in (start, end]."""
        found = self._of.get(about, [])
        return bisect_right(found, end, key=_at) - bisect_right(found, start, key=_at)

    def seen(self, about: str, start: float, end: float) -> list[Seen]:
        """Items about something in (start, end], the oldest first."""
        found = self._of.get(about, [])
        return found[bisect_right(found, start, key=_at) : bisect_right(found, end, key=_at)]

    def counts(self, about: str, start: float, end: float) -> Counter[str]:
        """The same by publisher."""
        return Counter(one.publisher for one in self.seen(about, start, end))

    def known_since(self, about: str) -> float:
        found = self._of.get(about)
        return found[0].at if found else float("inf")

    def rules_since(self, taxonomy: str) -> float:
        """When rules of a version were first seen at work; the end of time for new ones."""
        return self._taxonomies.get(taxonomy, float("inf"))

    def _add(self, item: str, counted: _Counted) -> None:
        for times in (self._volume.setdefault(counted.publisher, array("d")), self._all):
            times.insert(bisect_right(times, counted.at), counted.at)
            _forget(times, bisect_left(times, counted.at - KEPT))
        for about in _subjects(counted):
            found = self._of.setdefault(about, [])
            one = Seen(counted.at, item, counted.publisher)
            found.insert(bisect_left(found, one), one)
            _forget(found, bisect_left(found, counted.at - KEPT, key=_at))
        for version in _versions(counted):
            self._taxonomies[version] = min(counted.at, self._taxonomies.get(version, counted.at))

    def _remove(self, item: str, counted: _Counted) -> None:
        """It may be too old to be there still."""
        for times in (self._volume.get(counted.publisher, array("d")), self._all):
            place = bisect_left(times, counted.at)
            if place < len(times) and times[place] == counted.at:
                del times[place]
        for about in _subjects(counted):
            found, one = self._of.get(about, []), Seen(counted.at, item, counted.publisher)
            place = bisect_left(found, one)
            if place < len(found) and found[place] == one:
                del found[place]


def _counted(story: m.Story | None) -> dict[str, _Counted]:
    if story is None:
        return {}
    return {
        item: _Counted(trace.at.timestamp(), trace.publisher, tuple(story.details.get(item, ())))
        for item, trace in story.traces.items()
        if not trace.baseline
    }


def _subjects(counted: _Counted) -> Iterator[str]:
    return (detail.partition("=")[0] for detail in counted.details if detail.startswith(_SUBJECTS))


def _versions(counted: _Counted) -> Iterator[str]:
    return (d.removeprefix(_TAXONOMY) for d in counted.details if d.startswith(_TAXONOMY))


def _at(one: Seen) -> float:
    return one.at


def _forget(series: array[float] | list[Seen], count: int) -> None:
    """A few at a time would move the rest each time."""
    if count > 64 or count == len(series):
        del series[:count]
