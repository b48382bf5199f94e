"""The stories that are known, which item belongs to which, and which a new item may belong to. Pure.

Everything here follows from the stories' records alone: a shelf filled from the log in any order answers as the
one that was there when they were written.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from services.classifier.story.contradictions import differ
from services.classifier.story.likeness import DRIFT, in_common, likeness
from services.classifier.story.neighbours import Neighbours
from services.classifier.story.rarity import Rare
from tinsom import messages as m

WINDOW = timedelta(days=7)
# Items of another partition may come later than newer ones; what is older than this finds no story any more.
LATE = timedelta(days=1)
# A story of so many items is no announcement but a fault: it takes no more, and its record stays small.
MOST_ITEMS = 300
MOST_MERGED = 50
# Of more candidates those that share most are looked at, so that no item costs more; three papers make about 60.
# By age would be wrong: an archive of hundreds of pages would push out what stood there before.
MOST_COMPARED = 300


class Match(NamedTuple):
    story: m.Story
    score: float


class Shelf:
    def __init__(self) -> None:
        self.stories: dict[str, m.Story] = {}
        self._home: dict[str, str] = {}
        self._near = Neighbours()
        self._newest: datetime | None = None
        self._by_age: list[tuple[datetime, str]] = []  # heap of those that can be joined
        self._ends: list[tuple[datetime, str]] = []  # heap of all

    def put(self, story: m.Story) -> None:
        """Add a story or replace it. One that is merged gives its items up to the other's own record."""
        known = self.stories.get(story.id)
        self.stories[story.id] = story
        if known is None:
            heapq.heappush(self._ends, (story.began_at, story.id))
            heapq.heappush(self._by_age, (story.began_at, story.id))
            self._newest = max(self._newest or story.began_at, story.began_at)
        if not story.merged_into:
            self._home.update(dict.fromkeys(story.items, story.id))
        self._index(story, known)
        self._forget_old()

    def drop(self, identity: str) -> None:
        story = self.stories.pop(identity)
        self._unindex(story)
        for item in story.items:
            if self._home.get(item) == identity:
                del self._home[item]

    def of(self, item: str) -> m.Story | None:
        """The story that an item belongs to."""
        home = self._home.get(item)
        return None if home is None else self.stories[home]

    def standing(self, identity: str) -> m.Story | None:
        """The story of that id, or the one that it turned out to be."""
        story = self.stories.get(identity)
        while story is not None and story.merged_into:
            story = self.stories.get(story.merged_into)
        return story

    def matches(self, trace: m.Trace) -> list[Match]:
        """Stories with the same announcement, the most alike first; of equals the oldest."""
        near = map(self.stories.__getitem__, self._candidates(trace))
        rare = self._near.rarity.rare(trace)
        found = [Match(story, _score(story, trace, rare)) for story in near]
        alike = [match for match in found if match.score >= 0]
        return sorted(alike, key=lambda match: (-match.score, match.story.began_at, match.story.id))

    def _candidates(self, trace: m.Trace) -> set[str]:
        items = self._near.near(trace)
        if len(items) > MOST_COMPARED:
            items = set(heapq.nlargest(MOST_COMPARED, items, key=lambda item: self._in_common(item, trace)))
        return {self._home[item] for item in items}

    def _in_common(self, item: str, trace: m.Trace) -> tuple[float, datetime, str]:
        story = self.stories[self._home[item]]
        known = story.traces.get(item)  # none between the two records of a merge
        return in_common(known, trace) if known else 0.0, story.began_at, item

    def ended(self, before: datetime) -> Iterator[m.Story]:
        """Each story that began before a moment, the oldest first, once; the caller drops it, or asks `again`."""
        while self._ends and self._ends[0][0] <= before:
            story = self.stories.get(heapq.heappop(self._ends)[1])
            if story is not None:
                yield story

    def again(self, story: m.Story) -> None:
        """What held a story back when `ended` named it is over: it is named once more."""
        heapq.heappush(self._ends, (story.began_at, story.id))

    def _index(self, story: m.Story, known: m.Story | None) -> None:
        before = {} if known is None else known.traces
        for item in before.keys() - story.traces.keys():
            if item not in self.stories[self._home[item]].traces:
                self._near.remove(item)
        for item, trace in story.traces.items():
            if before.get(item) != trace and self._joinable(story):
                self._near.put(item, trace)
        if story.merged_into or len(story.items) >= MOST_ITEMS:
            self._unindex(story)

    def _unindex(self, story: m.Story) -> None:
        for item in story.traces:
            if self._home.get(item) == story.id:
                self._near.remove(item)

    def _joinable(self, story: m.Story) -> bool:
        return self._newest is None or story.began_at >= self._newest - WINDOW - LATE

    def _forget_old(self) -> None:
        while self._by_age and self._newest and self._by_age[0][0] < self._newest - WINDOW - LATE:
            story = self.stories.get(heapq.heappop(self._by_age)[1])
            if story is not None:
                self._unindex(story)


def _score(story: m.Story, trace: m.Trace, rare: Rare | None) -> float:
    """Of the most alike of its items; one that contradicts any of them does not belong, nor one that has nothing
    of the first: else a story drifts from one event to the next.
    """
    if abs(trace.at - story.began_at) > WINDOW or not story.traces:
        return -math.inf
    scores = [likeness(other, trace, rare) for other in story.traces.values()]
    best = max(scores)
    # A site that made its guids anew shows the same words later; what was in the story then is in it now.
    drifted = scores[0] < DRIFT and not any(_same_words(other, trace) for other in story.traces.values())
    if best >= 0 and (drifted or any(differ(other, trace) for other in story.traces.values())):
        return -math.inf
    return best


def _same_words(a: m.Trace, b: m.Trace) -> bool:
    return bool(b.words) and (a.title, a.words) == (b.title, b.words)


def agree(first: m.Story, second: m.Story) -> bool:
    """Nothing in one forbids the other, both began within the window, and one story can hold them."""
    if abs(first.began_at - second.began_at) > WINDOW or len(first.items) + len(second.items) > MOST_ITEMS:
        return False
    if len(first.merged) + len(second.merged) >= MOST_MERGED:
        return False
    return not any(differ(a, b) for a in first.traces.values() for b in second.traces.values())
