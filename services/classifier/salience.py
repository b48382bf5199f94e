"""What the item is about (primary) and what it only names (mentioned): a sum of points over plain features.

The weights are data (taxonomy/context.yaml), a logistic regression on labelled articles, scaled so that four
points make a primary tag; docs/tagging.md tells how they were fitted.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
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


@dataclass
class Scorer:
    """One item's facts that all its tags share. `numbers` and `actors` are sorted positions."""

    reading: Reading
    taxonomy: Taxonomy
    numbers: list[int]
    actors: list[int]
    leads: frozenset[str]
    deadlines: int
    hosts: frozenset[str] = frozenset()
    _orders: dict[int, bool] = field(default_factory=dict)
    _crime: bool | None = None

    def initiative(self, tag: str, group: Sequence[Mention], most: int) -> float:
        own = [mention for mention in group if not mention.implied]
        sentences = {self.reading.sentence(mention.start) for mention in own}
        features = {
            "bias": 1.0,
            **self._place(own),
            "implied": float(not own),
            "share": len(group) / most,
            "agent": _log(sum(self._holds(self.actors, s) for s in sentences)),
            "number": _log(sum(self._holds(self.numbers, s) for s in sentences)),
            "directed": _log(self.deadlines) * any(self._orders_in(s) for s in sentences),
            "document": float(bool(own) and all("/document/" in mention.rule for mention in own)),
            "crime": float(self._is_crime()),
            "background": float(self.taxonomy.initiatives[tag].background),
        }
        return self._points("initiative", features)

    def agency(self, tag: str, group: Sequence[Mention]) -> float:
        row = self.taxonomy.agencies.get(tag)
        features = {
            "bias": 1.0,
            **self._place(group),
            "acts": _log(sum(mention.voice == "acts" for mention in group)),
            "local": float(row is None),
            "party": float(row is not None and row.type == "party-organ"),
            "office": float(all(mention.voice in ("office", "venue") for mention in group)),
            "lead": float(tag in self.leads),
            "hosts": float(tag in self.hosts),
        }
        return self._points("agency", features)

    def _place(self, own: Sequence[Mention]) -> dict[str, float]:
        reading = self.reading
        segments = {reading.segment(mention.start) for mention in own}
        return {
            "title": float(Segment.TITLE in segments),
            "lede": float(Segment.LEDE in segments),
            "short": float(len(reading.plain) < SHORT_CHARS),
            "topic": float(any(m.start - reading.sentence(m.start)[0] < TOPIC_CHARS for m in own)),
        }

    def _points(self, kind: str, features: dict[str, float]) -> float:
        weights = self.taxonomy.weights
        points = sum(weights.get(f"{kind}.{name}", 0.0) * value for name, value in features.items() if value)
        return max(LEAST, round(points, 2))

    def _is_crime(self) -> bool:
        if self._crime is None:
            title = self.reading.lower[: self.reading.title_end]
            self._crime = any(word in title for word in self.taxonomy.context.crime)
        return self._crime

    def _holds(self, positions: list[int], sentence: tuple[int, int]) -> bool:
        at = bisect_left(positions, sentence[0])
        return at < len(positions) and positions[at] < sentence[1]

    def _orders_in(self, sentence: tuple[int, int]) -> bool:
        known = self._orders.get(sentence[0])
        if known is None:
            text = self.reading.lower[sentence[0] : sentence[1]]
            known = self._orders[sentence[0]] = any(word in text for word in self.taxonomy.context.orders)
        return known


def _log(count: float) -> float:
    return math.log2(1 + count)


def actors(mentions: Iterable[Mention]) -> list[int]:
    return sorted(mention.start for mention in mentions if mention.voice in _HEARD)
