"""Themes, the users' own rules: which of them fire on an item, by how much, and how far the others were from it.

Their words stand in the taxonomy's one automaton, so a theme costs nothing where none of them occurs. Names may
overlap them and stay what they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.classifier.occurrences import Part, Phrase, Span, Stand
from services.classifier.patterns import Matcher, expand
from services.classifier.reading import Reading
from services.classifier.taxonomy import Combination, Taxonomy, Term, Theme, Words
from tinsom import messages as m
from tinsom.text import normalise, tone_variants, unaccented

MAX_EVIDENCE = 20
PREFIX = "theme-"
# A rule that had so much of what it needs was near; one of two groups is not.
NEAR = 0.6
Raw = Sequence[tuple[int, int, int]]  # (pattern, start, end)


class Outcome(NamedTuple):
    """What became of a theme on one item. `missing`: points to its threshold; `lacking`: what its nearest
    combination had not; `silenced`: the excluding words that occur; `share`: how much it had of what it needs.
    """

    id: str
    fired: bool
    score: float
    missing: float
    lacking: tuple[str, ...]
    silenced: str
    share: float
    evidence: list[tuple[Span, str]]

    @property
    def near(self) -> bool:
        return not self.fired and (bool(self.silenced) or self.share >= NEAR)


@dataclass(frozen=True, slots=True)
class _Combination:
    row: Combination
    groups: tuple[tuple[Phrase, ...], ...]
    none: tuple[Phrase, ...]


@dataclass(frozen=True, slots=True)
class _Rule:
    row: Theme
    terms: tuple[tuple[Term, Phrase], ...]
    combinations: tuple[_Combination, ...]
    none: tuple[Phrase, ...]


class Themes:
    """All themes of a taxonomy, for the automaton that was built from it."""

    def __init__(self, taxonomy: Taxonomy, matcher: Matcher) -> None:
        self._numbers: dict[Part, int] = {}
        self._rules = tuple(self._rule(row) for row in taxonomy.themes.values())
        places = {pattern: number for number, pattern in enumerate(matcher.patterns)} if self._rules else {}
        self._of: dict[int, list[tuple[int, str]]] = {}  # pattern → parts, and how each must be written
        for part, number in self._numbers.items():
            for written, exact in part.spellings:
                self._of.setdefault(places[written], []).append((number, exact))

    def weigh(self, reading: Reading, raw: Raw) -> list[Outcome]:
        """Every theme of which something occurs."""
        own = [hit for hit in raw if hit[0] in self._of] if self._of else []
        if not own:
            return []
        stand = Stand(reading, self._of, own)
        return [outcome for rule in self._rules if (outcome := _outcome(rule, stand)) is not None]

    def tags(self, reading: Reading, raw: Raw) -> list[m.Tag]:
        """A tag for each that fires; a user's own rule is what the item is about."""
        fired = [outcome for outcome in self.weigh(reading, raw) if outcome.fired]
        return [
            m.Tag(id=o.id, role="primary", score=o.score, evidence=_evidence(reading, o))
            for o in sorted(fired, key=lambda o: (-o.score, o.id))
        ]

    def _rule(self, row: Theme) -> _Rule:
        return _Rule(
            row,
            tuple((term, self._phrase(term, row)) for term in row.terms),
            tuple(
                _Combination(c, tuple(self._phrases(group, row) for group in c.all), self._phrases(c.none, row))
                for c in row.combinations
            ),
            self._phrases(row.none, row),
        )

    def _phrases(self, group: Iterable[str | Words], row: Theme) -> tuple[Phrase, ...]:
        return tuple(self._phrase(words, row) for words in group)

    def _phrase(self, words: str | Words, row: Theme) -> Phrase:
        parts = tuple(self._numbers.setdefault(part, len(self._numbers)) for part in parts_of(words, row))
        given = Words(words=words) if isinstance(words, str) else words
        return Phrase(given.words, parts, frozenset(given.fields or row.fields), row.gap)


def parts_of(words: str | Words, row: Theme) -> list[Part]:
    """The phrases between the pluses, each in all its spellings."""
    given = Words(words=words) if isinstance(words, str) else words
    exact = (given.case or row.case) == "exact"
    optional = (given.marks or row.marks) == "optional"
    return [_part(text, exact=exact, optional=optional) for text in given.words.split("+")]


def _part(text: str, *, exact: bool, optional: bool) -> Part:
    """Raises ValueError when its alternatives are too many."""
    spellings: dict[tuple[str, str], None] = {}
    for plain in (variant for one in expand(normalise(text).plain) for variant in tone_variants(one)):
        for written in (plain, unaccented(plain)) if optional else (plain,):
            spellings.setdefault((written.lower(), written if exact else ""))
    return Part(tuple(spellings))


def spellings(themes: Mapping[str, Theme]) -> Iterator[str]:
    """All that the automaton must find for the themes."""
    for row in themes.values():
        for words in words_of(row):
            for part in parts_of(words, row):
                yield from (written for written, _ in part.spellings)


def words_of(row: Theme) -> Iterator[str | Words]:
    yield from row.terms
    yield from row.none
    for combination in row.combinations:
        yield from combination.none
        for group in combination.all:
            yield from group


def _outcome(rule: _Rule, stand: Stand) -> Outcome | None:
    """None where nothing of the theme occurs that could make it fire."""
    evidence: list[tuple[Span, str]] = []
    points = _points(rule, stand, evidence)
    nearest, met = 0.0, False
    lacking: tuple[str, ...] = ()
    for number, combination in enumerate(rule.combinations, 1):
        share, without = _combined(combination, number, stand, evidence)
        if share == 1.0:
            met, points = True, points + combination.row.weight
        if share > nearest:
            nearest, lacking = share, without
    if not points and not nearest:
        return None
    threshold = rule.row.threshold
    reached = bool(rule.terms) and points >= threshold
    silenced = next((phrase.words for phrase in rule.none if stand.spans(phrase)), "")
    return Outcome(
        rule.row.id,
        fired=(reached or met) and not silenced,
        score=round(points, 2),
        missing=0.0 if reached or met or not rule.terms else round(threshold - points, 2),
        lacking=() if reached or met else lacking,
        silenced=silenced if reached or met else "",
        share=max(nearest, min(1.0, points / threshold) if rule.terms and threshold > 0 else 0.0),
        evidence=sorted(evidence),
    )


def _points(rule: _Rule, stand: Stand, evidence: list[tuple[Span, str]]) -> float:
    points = 0.0
    for term, phrase in rule.terms:
        counted = stand.counted(phrase)[: term.most]
        points += term.weight * len(counted)
        evidence += [(span, f"{rule.row.id}/{phrase.words}") for span in counted]
    return points


def _combined(
    combination: _Combination, number: int, stand: Stand, evidence: list[tuple[Span, str]]
) -> tuple[float, tuple[str, ...]]:
    """How much of it is there, 1 when it is met, and what it lacks."""
    found = [[span for phrase in group for span in stand.spans(phrase)] for group in combination.groups]
    lacking = [_named(group) for group, spans in zip(combination.groups, found, strict=True) if not spans]
    share = 1 - len(lacking) / len(found)
    if lacking:
        return share, tuple(lacking)
    # All of it occurs and still it is not met: nearly, whatever the number of groups.
    almost = 1 - 0.5 / len(found)
    silent = next((phrase.words for phrase in combination.none if stand.spans(phrase)), "")
    if silent:
        return almost, (f"not {silent!r}",)
    chosen = stand.nearest(found, combination.row.within)
    if not chosen:
        return almost, (f"within {combination.row.within} words",)
    evidence += [(span, f"combination-{number}") for span in chosen]
    return 1.0, ()


def _named(group: Sequence[Phrase]) -> str:
    return " | ".join(phrase.words for phrase in group)


def _evidence(reading: Reading, outcome: Outcome) -> list[m.Evidence]:
    return [
        reading.evidence(start, end, rule if rule.startswith(outcome.id) else f"{outcome.id}/{rule}")
        for (start, end), rule in outcome.evidence[:MAX_EVIDENCE]
    ]
