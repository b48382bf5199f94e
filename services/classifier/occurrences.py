"""Where a theme's words stand in one item: as phrases, in order, and near one another."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from services.classifier.reading import Reading

Span = tuple[int, int]
_WORD = re.compile(r"[^\W_]+")


class Part(NamedTuple):
    """One run of words: each spelling in lower case, and as it must be written where case matters."""

    spellings: tuple[tuple[str, str], ...]


class Phrase(NamedTuple):
    """Parts in order, at most `gap` words between two; `words` as the user wrote them."""

    words: str
    parts: tuple[int, ...]
    fields: frozenset[str]
    gap: int


class Stand:
    """One item's occurrences. Phrases that share words share the search for them."""

    def __init__(
        self,
        reading: Reading,
        of: Mapping[int, Sequence[tuple[int, str]]],
        raw: Sequence[tuple[int, int, int]],
    ) -> None:
        self._reading = reading
        self._found: dict[int, list[Span]] = {}
        self._spans: dict[Phrase, list[Span]] = {}
        for pattern, start, end in sorted(raw, key=_by_place):
            if start < reading.tail and _is_whole(reading.lower, start, end):
                for part, exact in of[pattern]:
                    if not exact or reading.plain[start:end] == exact:
                        self._found.setdefault(part, []).append((start, end))

    def spans(self, phrase: Phrase) -> list[Span]:
        """Each place where the phrase ends, with the nearest place where it may begin; from left to right."""
        known = self._spans.get(phrase)
        if known is None:
            known = self._spans[phrase] = self._chained(phrase)
        return known

    def counted(self, phrase: Phrase) -> list[Span]:
        """Occurrences that do not overlap, the longest first from the left."""
        kept: list[Span] = []
        for span in sorted(self.spans(phrase), key=lambda span: (span[0], -span[1])):
            if not kept or span[0] >= kept[-1][1]:
                kept.append(span)
        return kept

    def nearest(self, groups: Sequence[Sequence[Span]], within: int) -> list[Span]:
        """One span of each group, in one field and a stretch of `within` words (0: anywhere); none if there is
        no such stretch.
        """
        if not within:
            return [group[0] for group in groups]
        places = sorted(((span, number) for number, group in enumerate(groups) for span in group), reverse=True)
        best: dict[tuple[str, int], Span] = {}  # the one that ends first, of those that begin from here on
        for span, number in places:
            field = self._field(span)
            known = best.get((field, number))
            if known is None or span[1] < known[1]:
                best[field, number] = span
            chosen = [best.get((field, k)) for k in range(len(groups))]
            whole = [one for one in chosen if one is not None]
            if len(whole) == len(groups) and self._words(span[0], max(end for _, end in whole)) <= within:
                return whole
        return []

    def _chained(self, phrase: Phrase) -> list[Span]:
        first, *others = phrase.parts
        spans = [span for span in self._found.get(first, ()) if self._in_fields(span, phrase.fields)]
        for part in others:
            spans = self._continued(spans, self._found.get(part, ()), phrase.gap)
        return spans

    def _continued(self, spans: Sequence[Span], afters: Sequence[Span], gap: int) -> list[Span]:
        """Each of `afters` that follows one of `spans`, from the nearest place where that begins."""
        before = sorted(spans, key=_end)
        found = []
        for after in afters:
            start = -1
            # From the nearest back: one that ends before the best begins, begins before it too. A page may repeat
            # a word ten thousand times, and all pairs of them are too many.
            for place in reversed(range(bisect_right(before, after[0], key=_end))):
                if before[place][1] <= start or not self._follows(before[place], after, gap):
                    break
                start = max(start, before[place][0])
            if start >= 0:
                found.append((start, after[1]))
        return found

    def _follows(self, before: Span, after: Span, gap: int) -> bool:
        if after[0] < before[1] or self._field(before) != self._field(after):
            return False
        return self._words(before[1], after[0]) <= gap

    def _in_fields(self, span: Span, fields: frozenset[str]) -> bool:
        return not fields or self._field(span) in fields

    def _field(self, span: Span) -> str:
        return self._reading.field(span[0])

    def _words(self, start: int, end: int) -> int:
        """How many words begin in a stretch."""
        return bisect_left(self._starts, end) - bisect_left(self._starts, start)

    @cached_property
    def _starts(self) -> list[int]:
        return [match.start() for match in _WORD.finditer(self._reading.lower)]


def _end(span: Span) -> int:
    return span[1]


def _by_place(hit: tuple[int, int, int]) -> tuple[int, int]:
    return hit[1], -hit[2]


def _is_whole(lower: str, start: int, end: int) -> bool:
    """Neither in a word nor in a number (57 in 57.000)."""
    if lower[start - 1].isalnum() or lower[end].isalnum():
        return False
    return not (lower[end] in ".," and lower[end - 1].isdigit() and lower[end + 1].isdigit())
