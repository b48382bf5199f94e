"""Which recent items are worth comparing: MinHash signatures in bands, of headlines and of texts. Pure.

A pair with three words in ten in common is found nineteen times in twenty; the index says nothing about
likeness, and what it returns does not depend on the order in which it was filled.
"""

from __future__ import annotations

from collections.abc import Iterator

from rensa import RMinHash, RMinHashLSH

from services.classifier.story.rarity import Rarity
from tinsom import messages as m

PERMUTATIONS, BANDS, SEED = 64, 32, 1
_WIDTH = 4  # bytes of a hash


class Neighbours:
    """Items by key; a key that is put again is replaced."""

    def __init__(self) -> None:
        self._heads, self._bodies = _bands(), _bands()
        self._numbers: dict[str, int] = {}
        self._keys: dict[int, str] = {}
        self._traces: dict[int, m.Trace] = {}
        self.rarity = Rarity()
        self._next = 0

    def put(self, key: str, trace: m.Trace) -> None:
        self.remove(key)
        number, self._next = self._next, self._next + 1
        self._numbers[key], self._keys[number], self._traces[number] = number, key, trace
        self.rarity.add(trace)
        for bands, signature in self._signed(trace):
            bands.insert(number, signature)

    def remove(self, key: str) -> None:
        number = self._numbers.pop(key, None)
        if number is not None:
            del self._keys[number]
            self.rarity.remove(self._traces.pop(number))
            self._heads.remove(number)
            self._bodies.remove(number)

    def near(self, trace: m.Trace) -> set[str]:
        """Keys of the items that share a band with `trace`."""
        return {self._keys[n] for bands, signature in self._signed(trace) for n in bands.query(signature)}

    def _signed(self, trace: m.Trace) -> Iterator[tuple[RMinHashLSH, RMinHash]]:
        for bands, packed in ((self._heads, trace.words), (self._bodies, trace.body)):
            if packed:
                yield bands, _signature(packed)


def _bands() -> RMinHashLSH:
    return RMinHashLSH(threshold=0.3, num_perm=PERMUTATIONS, num_bands=BANDS)


def _signature(packed: bytes) -> RMinHash:
    signature = RMinHash(num_perm=PERMUTATIONS, seed=SEED)
    signature.update([packed[i : i + _WIDTH] for i in range(0, len(packed), _WIDTH)])
    return signature
