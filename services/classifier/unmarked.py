"""Titles typed without marks ("bo thong tin va truyen thong"): read only where that is safe.

Two unmarked syllables in three may stand for several words, so only a title without any mark is read so, and only
names of four syllables and more: what remains of those is one thing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import ahocorasick_rs

from services.classifier.hits import Hit
from services.classifier.patterns import Entry, Kind, Matcher
from services.classifier.reading import Reading
from tinsom.text import unaccented

SYLLABLES = 4
_KINDS = (Kind.INITIATIVE, Kind.AGENCY, Kind.BLOCK)


@dataclass(frozen=True, slots=True)
class Unmarked:
    automaton: ahocorasick_rs.AhoCorasick
    entries: tuple[tuple[Entry, ...], ...]

    @classmethod
    def of(cls, matcher: Matcher) -> Unmarked:
        """Names whose marks make no other name: what two rows would share is nobody's."""
        table: dict[str, tuple[Entry, ...]] = {}
        shared: set[str] = set()
        for pattern, entries in zip(matcher.patterns, matcher.entries, strict=True):
            named = tuple(entry for entry in entries if entry.kind in _KINDS and not entry.weak)
            if not named or pattern.isascii() or len(pattern.split()) < SYLLABLES:
                continue
            plain = unaccented(pattern)
            if {e.id for e in table.setdefault(plain, named)} != {e.id for e in named}:
                shared.add(plain)
        patterns = sorted(table.keys() - shared)
        automaton = ahocorasick_rs.AhoCorasick(
            patterns, matchkind=ahocorasick_rs.MatchKind.LeftmostLongest, store_patterns=False
        )
        return cls(automaton, tuple(table[pattern] for pattern in patterns))

    def added(self, reading: Reading, hits: list[Hit]) -> list[Hit]:
        """`hits` with those of a title of ASCII letters, in order; nearly always `hits` themselves."""
        title = reading.lower[: reading.title_end]
        if not title.isascii() or len(title.split()) < SYLLABLES:
            return hits
        found = [*self._find(title)]
        covered = {position for hit in found for position in range(hit.start, hit.end)}
        return sorted([*found, *(hit for hit in hits if hit.start not in covered)], key=_start) if found else hits

    def _find(self, title: str) -> Iterator[Hit]:
        for pattern, start, end in self.automaton.find_matches_as_indexes(title):
            entries = tuple(entry for entry in self.entries[pattern] if entry.kind is not Kind.BLOCK)
            if entries and not (title[start - 1].isalnum() or title[end].isalnum()):
                yield Hit(start, end, entries)


def _start(hit: Hit) -> int:
    return hit.start
