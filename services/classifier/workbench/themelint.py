"""Faults of themes that their types cannot see: a rule that can never fire, or fires on one weak word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from services.classifier.taxonomy import Theme, Words
from services.classifier.themes import PREFIX, parts_of, words_of


def faults(themes: Mapping[str, Theme]) -> Iterator[str]:
    for row in themes.values():
        for fault in _faults(row):
            yield f"themes: {row.id}: {fault}"


def _faults(row: Theme) -> Iterator[str]:
    if not row.id.startswith(PREFIX):
        yield f"its id must begin with {PREFIX!r}, so that nothing else is meant by it"
    if not row.terms and not row.combinations:
        yield "it has neither terms nor combinations: it can never fire"
    if not row.tests.positive or not row.tests.negative:
        yield "it needs a positive and a negative test string"
    for words in words_of(row):
        yield from _words(words, row)
    yield from _terms(row)
    yield from _combinations(row)


def _words(words: str | Words, row: Theme) -> Iterator[str]:
    try:
        parts = parts_of(words, row)
    except ValueError as error:
        yield str(error)
        return
    text = words if isinstance(words, str) else words.words
    if any(not part.spellings for part in parts):
        yield f"there is nothing to be found in {text!r}"


def _terms(row: Theme) -> Iterator[str]:
    if not row.terms:
        return
    if row.threshold <= 0:
        yield "terms need a threshold above 0"
        return
    most = sum(max(0.0, term.weight) * term.most for term in row.terms)
    if most < row.threshold:
        yield f"all its terms together weigh {most:g}, less than the threshold {row.threshold:g}"
    for term in row.terms:
        if term.most < 1 or not term.weight:
            yield f"{term.words!r} counts nothing"
        elif term.weight < row.threshold <= term.weight * term.most:
            # What one word says too weakly, it does not say better by being repeated.
            yield f"{term.words!r} is weak and fires alone when it is repeated; lower `weight` or `most`"


def _combinations(row: Theme) -> Iterator[str]:
    silent = {_text(words) for words in row.none}
    for number, combination in enumerate(row.combinations, 1):
        where = f"combination {number}"
        if not combination.all or not all(combination.all):
            yield f"{where} has an empty group"
        if combination.within and combination.within < len(combination.all):
            yield f"{where}: {len(combination.all)} groups do not fit `within` {combination.within} words"
        forbidden = silent | {_text(words) for words in combination.none}
        for group in combination.all:
            if group and all(_text(words) in forbidden for words in group):
                yield f"{where} asks for what is excluded: {', '.join(map(_text, group))}"


def _text(words: str | Words) -> str:
    return words if isinstance(words, str) else words.words
