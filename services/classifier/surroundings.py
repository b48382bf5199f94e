"""What the words around an initiative's name say of its role: what is built or provided is the matter, what is a
means to it is not. Each word has learned points for either side (taxonomy/salience.yaml, docs/tagging.md).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from services.classifier.mentions import Mention
from services.classifier.reading import Reading

# Characters of a name's own sentence, to either side; a word that they cut is left out. Of its first mentions.
REACH, MENTIONS = 70, 3


class Around(NamedTuple):
    """Points of words before and behind a name, and of the initiative itself; others count nothing."""

    before: Mapping[str, float]
    behind: Mapping[str, float]
    name: Mapping[str, float]

    def points(self, tag: str, reading: Reading, mentions: Sequence[Mention], sentences: Sequence[int]) -> float:
        """Their sum by the root of their number: many words say more than few, but each of them less."""
        before, behind = words(reading, mentions, sentences)
        found = [*_listed(self.before, before), *_listed(self.behind, behind), *_listed(self.name, (tag,))]
        return sum(found) / math.sqrt(len(found)) if found else 0.0


def words(reading: Reading, mentions: Sequence[Mention], sentences: Sequence[int]) -> tuple[set[str], set[str]]:
    """The words before and behind the first of `mentions`; `sentences`: the number of each one's."""
    lower, starts, ends = reading.lower, reading.starts, reading.ends
    before: set[str] = set()
    behind: set[str] = set()
    for mention, sentence in zip(mentions[:MENTIONS], sentences, strict=False):
        first, last = starts[sentence], ends[sentence] if sentence < len(ends) else len(lower)
        near, far = mention.start - REACH, mention.end + REACH
        before.update(lower[max(first, near) : mention.start].split()[near > first :])
        behind.update(lower[mention.end : min(last, far)].split()[: -1 if far < last else None])
    return before, behind


def _listed(points: Mapping[str, float], heard: Iterable[str]) -> list[float]:
    return [points[word] for word in heard if word in points]
