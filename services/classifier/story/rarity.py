"""Which words are rare among what is kept: a name that two items share says more than `tỉnh`. Pure.

Counted over the traces of the index, so no table ages, and the order in which they were added does not matter.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from services.classifier.story.traces import hashes
from tinsom import messages as m

ENOUGH = 500  # traces; of fewer nearly every word is rare, so none counts
COMMON = 0.55  # of 3,500 traces a pair of words in 40 of them


class Rare(NamedTuple):
    """How rare the words and pairs of one item are.

    1 for a word that nobody else has; of the pairs only those that are rare, by how much.
    """

    words: Mapping[int, float]
    pairs: Mapping[int, float]


class Rarity:
    def __init__(self) -> None:
        self._traces: Counter[int] = Counter()  # of words and of pairs alike
        self._known = 0

    def add(self, trace: m.Trace) -> None:
        self._known += 1
        self._traces.update(hashes(trace.words))
        self._traces.update(hashes(trace.pairs))

    def remove(self, trace: m.Trace) -> None:
        self._known -= 1
        for part in (*hashes(trace.words), *hashes(trace.pairs)):
            self._traces[part] -= 1
            if not self._traces[part]:
                del self._traces[part]

    def rare(self, trace: m.Trace) -> Rare | None:
        """How rare each word and pair of an item is; nobody knows before there are enough traces."""
        if self._known < ENOUGH:
            return None
        words = self._of(hashes(trace.words))
        pairs = self._of(hashes(trace.pairs))
        return Rare(words, {pair: pairs[pair] - COMMON for pair in sorted(pairs) if pairs[pair] > COMMON})

    def _of(self, parts: Iterable[int]) -> dict[int, float]:
        most, known = math.log(self._known), self._traces.get
        return {part: 1 - math.log(1 + known(part, 0)) / most for part in parts}
