"""Faults of a taxonomy that its types cannot see; each is one line that names the row.

Ids, parents, successors and dates are checked; an alias that two rows share must be told apart by a rule; each
row's own test strings are run through the tagger.
"""

from __future__ import annotations

from collections.abc import Iterator

from services.classifier import patterns, salience, themes
from services.classifier.patterns import Entry, Kind
from services.classifier.tagger import Tagger, TagInput
from services.classifier.taxonomy import Agency, Initiative, Taxonomy
from services.classifier.workbench import themelint
from tinsom.text import slug


def faults(taxonomy: Taxonomy) -> list[str]:
    """All faults, none when the taxonomy can be used; building the automaton is part of the check."""
    own = themelint.faults(taxonomy.themes)
    found = [*_ids(taxonomy), *_references(taxonomy), *_dates(taxonomy), *own]
    found += () if found else _aliases(taxonomy)
    return found or [*_tests(Tagger(taxonomy))]


def _ids(taxonomy: Taxonomy) -> Iterator[str]:
    for what, rows in (
        ("initiatives", taxonomy.initiatives),
        ("agencies", taxonomy.agencies),
        ("places", taxonomy.places),
        ("local", taxonomy.local),
        ("themes", taxonomy.themes),
    ):
        yield from (f"{what}: {key!r} is no slug; write {slug(key)!r}" for key in rows if slug(key) != key)
    for both in sorted(taxonomy.initiatives.keys() & taxonomy.agencies.keys()):
        yield f"{both!r} is an initiative and an agency"


def _references(taxonomy: Taxonomy) -> Iterator[str]:
    for initiative in taxonomy.initiatives.values():
        yield from _unknown(f"initiatives: {initiative.id}", initiative.parents, taxonomy.initiatives)
    for agency in taxonomy.agencies.values():
        where = f"agencies: {agency.id}"
        yield from _unknown(where, agency.parents, taxonomy.agencies)
        yield from _unknown(where, [s.id for s in agency.successors], taxonomy.agencies)
        yield from _unknown(where, agency.implies, taxonomy.initiatives)
    for place in taxonomy.places.values():
        yield from _unknown(f"places: {place.id}", [p for p in [place.merged_into] if p], taxonomy.places)
    for document in taxonomy.documents:
        named = [i for i in [document.initiative] if i]
        yield from _unknown(f"documents: {document.key}", named, taxonomy.initiatives)
    for name in salience.unread(taxonomy):
        yield f"weights: {name!r} is nothing that is weighed: no feature, type of agency or initiative"


def _unknown(
    where: str, ids: list[str], rows: dict[str, Initiative] | dict[str, Agency] | object
) -> Iterator[str]:
    assert isinstance(rows, dict)
    yield from (f"{where}: {i!r} is not in the taxonomy" for i in ids if i not in rows)


def _dates(taxonomy: Taxonomy) -> Iterator[str]:
    for what, rows in (
        ("initiatives", taxonomy.initiatives.values()),
        ("agencies", taxonomy.agencies.values()),
        ("places", taxonomy.places.values()),
    ):
        for row in rows:
            if row.valid_from and row.valid_to and row.valid_from > row.valid_to:
                yield f"{what}: {row.id}: valid_from is after valid_to"
    for agency in taxonomy.agencies.values():
        if agency.valid_to and not agency.successors:
            yield f"agencies: {agency.id}: ended and has no successors"


def _aliases(taxonomy: Taxonomy) -> Iterator[str]:
    """Two rows of one kind under the same words: a law by its years and a head beside a body are told apart."""
    try:
        matcher = patterns.build(taxonomy, themes.spellings(taxonomy.themes))
    except ValueError as error:
        yield str(error)
        return
    for pattern, entries in zip(matcher.patterns, matcher.entries, strict=True):
        for kind in (Kind.INITIATIVE, Kind.AGENCY, Kind.PLACE):
            ids = sorted(
                {entry.id for entry in entries if entry.kind is kind and not _told_apart(entry, taxonomy)}
            )
            if len(ids) > 1:
                yield f"{pattern!r} is an alias of {' and '.join(ids)}"


def _told_apart(entry: Entry, taxonomy: Taxonomy) -> bool:
    row = taxonomy.agencies.get(entry.id)
    return entry.context is not None or (row is not None and (row.valid_from or row.valid_to) is not None)


def _tests(tagger: Tagger) -> Iterator[str]:
    rows = tagger.taxonomy
    for what, tested in (
        ("initiatives", rows.initiatives), ("agencies", rows.agencies), ("themes", rows.themes),
    ):  # fmt: skip
        for row in tested.values():
            for text in row.tests.positive:
                if row.id not in _found(tagger, text):
                    yield f"{what}: {row.id}: not found in its test {text!r}"
            for text in row.tests.negative:
                if row.id in _found(tagger, text):
                    yield f"{what}: {row.id}: found in its negative test {text!r}"


def _found(tagger: Tagger, text: str) -> set[str]:
    found = tagger.tag(TagInput(text=text))
    # A theme may look at the headline alone.
    themes = [outcome for outcome in tagger.outcomes(TagInput(title=text)) if outcome.fired]
    return {tag.id for tag in (*found.initiatives, *found.agencies)} | {theme.id for theme in themes}
