"""What the item is about (primary) and what it only names (mentioned): a sum of points over plain features.

The weights are data (taxonomy/context.yaml), a logistic regression on labelled articles, scaled so that four
points make a primary tag; docs/tagging.md tells how they were fitted.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from services.classifier.mentions import Mention
from services.classifier.reading import Reading, Segment
from services.classifier.taxonomy import Taxonomy
from tinsom.text import has_any

PRIMARY = 4.0
_TITLE, _LEDE = Segment.TITLE, Segment.LEDE
# A subject stands within this many characters of the start of its sentence.
TOPIC_CHARS = 25
SHORT_CHARS = 500
_HEARD = ("acts", "told")
_OFFICES = frozenset(("office", "venue"))
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
    """One item's facts that all its tags share; `numbers` and `actors`: which sentences hold one."""

    reading: Reading
    taxonomy: Taxonomy
    weights: Weights
    numbers: frozenset[int]
    actors: frozenset[int]
    leads: frozenset[str]
    deadlines: int
    hosts: frozenset[str] = frozenset()
    _orders: dict[int, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        title, words = self.reading.lower[: self.reading.title_end], self.taxonomy.context
        self.crime = has_any(title, words.crime) and not has_any(title, words.prevention)

    def initiative(self, tag: str, group: Sequence[Mention], most: int) -> float:
        w, row = self.weights.initiative, self.taxonomy.initiatives[tag]
        own = [mention for mention in group if not mention.implied]
        sentences = self._sentences(own)
        points = self._place(own, sentences, w) + w["share"] * len(group) / most
        held = set(sentences)
        points += w["agent"] * _log(len(held & self.actors))
        points += w["number"] * _log(len(held & self.numbers))
        if self.deadlines and any(map(self._orders_in, held)):
            points += w["directed"] * _log(self.deadlines)
        if not own:
            points += w["implied"]
        elif _are_documents(own):
            points += w["document"]
        if row.background:
            points += w["background"]
        if self.crime:
            points += w["crime"]
        if not row.weak_primary and points > PRIMARY - LEAST and _are_weak(own):
            points = PRIMARY - LEAST
        return max(LEAST, round(points, 2))

    def agency(self, tag: str, group: Sequence[Mention]) -> float:
        w = self.weights.agency
        row = self.taxonomy.agencies.get(tag)
        voices = [mention.voice for mention in group]
        points = self._place(group, self._sentences(group), w) + w["acts"] * _log(voices.count("acts"))
        points += w["local"] if row is None else w["party"] * (row.type == "party-organ") + row.points
        points += w["office"] * _OFFICES.issuperset(voices)
        points += w["lead"] * (tag in self.leads) + w["hosts"] * (tag in self.hosts)
        return max(LEAST, round(points, 2))

    def _sentences(self, own: Sequence[Mention]) -> list[int]:
        """The number of each mention's sentence."""
        ends = self.reading.ends
        return [bisect_right(ends, mention.start) for mention in own]

    def _place(self, own: Sequence[Mention], sentences: Sequence[int], w: Mapping[str, float]) -> float:
        reading, starts = self.reading, self.reading.starts
        segments = reading.segments([mention.start for mention in own])
        points = w["bias"] + w["short"] * (len(reading.plain) < SHORT_CHARS)
        points += w["title"] * (_TITLE in segments) + w["lede"] * (_LEDE in segments)
        for mention, sentence in zip(own, sentences, strict=True):
            if mention.start - starts[sentence] < TOPIC_CHARS:
                return points + w["topic"]
        return points

    def _orders_in(self, sentence: int) -> bool:
        known = self._orders.get(sentence)
        if known is None:
            text = self.reading.lower[slice(*self.reading.sentence(self.reading.starts[sentence]))]
            known = self._orders[sentence] = has_any(text, self.taxonomy.context.orders)
        return known


def _are_documents(own: Sequence[Mention]) -> bool:
    return "/document/" in own[0].rule and all("/document/" in mention.rule for mention in own)


def _are_weak(own: Sequence[Mention]) -> bool:
    return not own or (own[0].weak and all(mention.weak for mention in own))


_LOGS = [math.log2(1 + count) for count in range(64)]


def _log(count: int) -> float:
    return _LOGS[count] if count < len(_LOGS) else math.log2(1 + count)


def holding(reading: Reading, positions: Iterable[int]) -> frozenset[int]:
    """The numbers of the sentences that hold one of the positions."""
    return frozenset(map(reading.sentence_number, positions))


def actors(mentions: Iterable[Mention]) -> Iterable[int]:
    return [mention.start for mention in mentions if mention.voice in _HEARD]
