"""What the item is about (primary) and what it only names (mentioned): a sum of points over plain features.

The weights are data (taxonomy/context.yaml), a logistic regression on labelled articles, scaled so that four
points make a primary tag; docs/tagging.md tells how they were fitted.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from services.classifier.mentions import Mention
from services.classifier.reading import Reading, Segment
from services.classifier.taxonomy import Taxonomy

PRIMARY = 4.0
# A subject stands within this many characters of the start of its sentence.
TOPIC_CHARS = 25
SHORT_CHARS = 500
_HEARD = ("acts", "told")
LEAST = 0.1


class _Weights(defaultdict[str, float]):
    """What is not weighed counts nothing."""

    def __init__(self, given: Mapping[str, float], prefix: str) -> None:
        own = {name.removeprefix(prefix): value for name, value in given.items() if name.startswith(prefix)}
        super().__init__(float, own)


@dataclass(frozen=True)
class Weights:
    initiative: Mapping[str, float]
    agency: Mapping[str, float]

    @classmethod
    def of(cls, taxonomy: Taxonomy) -> Weights:
        return cls(_Weights(taxonomy.weights, "initiative."), _Weights(taxonomy.weights, "agency."))


@dataclass
class Scorer:
    """One item's facts that all its tags share. `numbers` and `actors` are sorted positions."""

    reading: Reading
    taxonomy: Taxonomy
    weights: Weights
    numbers: list[int]
    actors: list[int]
    leads: frozenset[str]
    deadlines: int
    hosts: frozenset[str] = frozenset()
    _orders: dict[int, bool] = field(default_factory=dict)
    _crime: bool | None = None

    def initiative(self, tag: str, group: Sequence[Mention], most: int) -> float:
        w = self.weights.initiative
        own = [mention for mention in group if not mention.implied]
        sentences = {self.reading.sentence(mention.start) for mention in own}
        points = self._place(own, w) + w["share"] * len(group) / most
        points += w["agent"] * _log(sum(_holds(self.actors, s) for s in sentences))
        points += w["number"] * _log(sum(_holds(self.numbers, s) for s in sentences))
        if self.deadlines and any(self._orders_in(s) for s in sentences):
            points += w["directed"] * _log(self.deadlines)
        if not own:
            points += w["implied"]
        elif all("/document/" in mention.rule for mention in own):
            points += w["document"]
        if self.taxonomy.initiatives[tag].background:
            points += w["background"]
        if self._is_crime():
            points += w["crime"]
        if not self.taxonomy.initiatives[tag].weak_primary and all(mention.weak for mention in own):
            points = min(points, PRIMARY - LEAST)
        return max(LEAST, round(points, 2))

    def agency(self, tag: str, group: Sequence[Mention]) -> float:
        w = self.weights.agency
        row = self.taxonomy.agencies.get(tag)
        voices = [mention.voice for mention in group]
        points = self._place(group, w) + w["acts"] * _log(voices.count("acts"))
        points += w["local"] if row is None else w["party"] * (row.type == "party-organ")
        points += w["office"] * all(voice in ("office", "venue") for voice in voices)
        points += w["lead"] * (tag in self.leads) + w["hosts"] * (tag in self.hosts)
        return max(LEAST, round(points, 2))

    def _place(self, own: Sequence[Mention], w: Mapping[str, float]) -> float:
        reading = self.reading
        points = w["bias"] + w["short"] * (len(reading.plain) < SHORT_CHARS)
        segments = {reading.segment(mention.start) for mention in own}
        points += w["title"] * (Segment.TITLE in segments) + w["lede"] * (Segment.LEDE in segments)
        if any(mention.start - reading.sentence(mention.start)[0] < TOPIC_CHARS for mention in own):
            points += w["topic"]
        return points

    def _is_crime(self) -> bool:
        if self._crime is None:
            title = self.reading.lower[: self.reading.title_end]
            words = self.taxonomy.context
            self._crime = any(w in title for w in words.crime) and not any(w in title for w in words.prevention)
        return self._crime

    def _orders_in(self, sentence: tuple[int, int]) -> bool:
        known = self._orders.get(sentence[0])
        if known is None:
            text = self.reading.lower[sentence[0] : sentence[1]]
            known = self._orders[sentence[0]] = any(word in text for word in self.taxonomy.context.orders)
        return known


def _holds(positions: list[int], sentence: tuple[int, int]) -> bool:
    at = bisect_left(positions, sentence[0])
    return at < len(positions) and positions[at] < sentence[1]


def _log(count: float) -> float:
    return math.log2(1 + count)


def actors(mentions: Iterable[Mention]) -> list[int]:
    return sorted(mention.start for mention in mentions if mention.voice in _HEARD)
