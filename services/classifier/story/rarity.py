"""Which words of a headline are rare among what is kept: a name that two share says more than `tỉnh`. Pure.

Counted over the traces of the index, so no table ages, and the order in which they were added does not matter.
"""

from __future__ import annotations

import math
from collections import Counter

from services.classifier.story.likeness import hashes
from tinsom import messages as m

ENOUGH = 500  # traces; of fewer nearly every word is rare, so none counts
COMMON = 0.55  # of 3,500 traces a word in 40 of them


class Rarity:
    def __init__(self) -> None:
        self._traces: Counter[int] = Counter()
        self._known = 0

    def add(self, trace: m.Trace) -> None:
        self._known += 1
        self._traces.update(hashes(trace.words))

    def remove(self, trace: m.Trace) -> None:
        self._known -= 1
        for word in hashes(trace.words):
            self._traces[word] -= 1
            if not self._traces[word]:
                del self._traces[word]

    def rare(self, trace: m.Trace) -> dict[int, float]:
        """The rare words of a headline, 0.45 for one that nobody used."""
        if self._known < ENOUGH:
            return {}
        all_words = math.log(self._known)
        scores = {word: 1 - math.log(1 + self._traces[word]) / all_words - COMMON for word in hashes(trace.title)}
        return {word: score for word, score in sorted(scores.items()) if score > 0}
