"""From raw matches to hits: word boundaries, case, context rules, then longest first from the left."""

from __future__ import annotations

import re
from collections import defaultdict
from operator import itemgetter
from typing import NamedTuple

import msgspec

from services.classifier.patterns import Case, Context, Entry, Kind, Matcher
from services.classifier.reading import Reading
from services.classifier.taxonomy import Rule
from tinsom.text import has_any

NEAR = 60
# Looked up once: an enum's member costs ten times a name.
_BLOCK, _WORD, _LAW, _BARE = Kind.BLOCK, Kind.WORD, Kind.LAW, Kind.BARE
_ANY, _CAPITAL = Case.ANY, Case.CAPITAL
_NUMBER_AFTER = re.compile(r" (?:\d|một\b(?! cách\b))")
# "Chính phủ Hàn Quốc": another country's, unless it is Việt Nam's; "trình Chính phủ Nghị quyết" names none.
_NAME_AFTER = re.compile(r" (?!Việt Nam|Nghị )[A-ZĐ][^\W\d_]+")


class Hit(msgspec.Struct, frozen=True, gc=False):
    """A stretch of the text and what it may mean, in the order of the taxonomy's kinds."""

    start: int
    end: int
    entries: tuple[Entry, ...]


class Lanes(NamedTuple):
    """The hits by who reads them: `names` may become tags, `words` start dates, lists and numbers, by their id."""

    names: list[Hit]
    words: dict[str, list[Hit]]
    laws: list[Hit]
    bare: bool  # may a bare head be among the names?


def lanes(hits: list[Hit]) -> Lanes:
    names: list[Hit] = []
    words: defaultdict[str, list[Hit]] = defaultdict(list)
    laws: list[Hit] = []
    bare = False
    for hit in hits:
        entries = hit.entries
        first = entries[0]
        kind = first.kind
        if kind is _WORD:
            words[first.id].append(hit)
            if first.id != "bodies":
                continue
        elif kind is _LAW or kind is _BARE or len(entries) > 1:
            last = entries[-1].kind
            if kind is _LAW or last is _LAW:
                laws.append(hit)
            bare = bare or kind is _BARE or last is _BARE or len(entries) > 2
        names.append(hit)
    return Lanes(names, words, laws, bare)


_second = itemgetter(1)


def find(reading: Reading, matcher: Matcher, raw: list[tuple[int, int, int]]) -> list[Hit]:
    """All hits among the raw matches, given in the order of their ends; none overlaps another. A block covers what
    lies in it and is dropped.
    """
    lower, text = reading.lower, reading.plain
    hits: list[Hit] = []
    entries, plain = matcher.entries, matcher.plain
    covered = 0
    # The automaton tells them by their ends: turned round, the longest comes first of those that begin together.
    candidates = raw[::-1]
    candidates.sort(key=_second)
    for pattern, start, end in candidates:
        # One look at each edge: a hit inside a word is the commonest false one ("Huế" in "thuế").
        if start < covered or lower[start - 1].isalnum() or lower[end].isalnum():
            continue
        case = plain[pattern]
        if case is _ANY or (case is _CAPITAL and text[start].isupper()):
            covered = end
            hits.append(Hit(start, end, entries[pattern]))
        elif case is None:
            covered = _take(hits, reading, entries[pattern], start, end) or covered
    return hits


def _take(hits: list[Hit], reading: Reading, entries: tuple[Entry, ...], start: int, end: int) -> int:
    """Add the hit if it means anything; returns up to where the text is covered, 0 when nothing is.

    A name that its context forbids still covers what lies in it: the board of another ministry holds no
    programme's name.
    """
    if _cuts_a_number(reading.lower, end):
        return 0
    if len(entries) == 1:  # nearly always; the general way below gives the same
        only = entries[0]
        if _admits(only, reading, start, end):
            if only.kind is not _BLOCK:
                hits.append(Hit(start, end, entries))
            return end
        return end if _by_context(only, reading.plain, start, end) else 0
    valid = tuple([e for e in entries if _admits(e, reading, start, end)])
    if not valid:
        return end if any(_by_context(e, reading.plain, start, end) for e in entries) else 0
    meaning = tuple([e for e in valid if e.kind is not _BLOCK])
    if meaning:
        hits.append(Hit(start, end, meaning))
    return end


def _cuts_a_number(lower: str, end: int) -> bool:
    """As "Đề án 6" in "Đề án 6.000 tỷ đồng" does."""
    return lower[end] in ".," and lower[end - 1].isdigit() and lower[end + 1].isdigit()


def _by_context(entry: Entry, plain: str, start: int, end: int) -> bool:
    fits = entry.case is _ANY or case_fits(entry, plain, start, end)
    return fits and entry.context is not None


def _admits(entry: Entry, reading: Reading, start: int, end: int) -> bool:
    if entry.case is not _ANY and not case_fits(entry, reading.plain, start, end):
        return False
    return entry.context is None or _context_fits(entry.context, reading, start, end)


def case_fits(entry: Entry, plain: str, start: int, end: int) -> bool:
    if entry.case is _CAPITAL:
        return plain[start].isupper() or not plain[start].isalpha()
    if plain[start - 1] in "/-" and entry.rule.endswith("/abbreviation"):
        return False  # the issuer of a document: TT-BCA
    written = plain[start:end]
    return written == entry.exact or (written.isupper() and written == entry.exact.upper())


def _context_fits(context: Context, reading: Reading, start: int, end: int) -> bool:
    lower = reading.lower
    if context.reject_before or context.require_before:
        before = lower[max(0, start - NEAR) : start].rstrip()
        if context.reject_before and ends_with_word(before, context.reject_before):
            return False
        if context.require_before and not ends_with_word(before, context.require_before):
            return False
    if context.reject_after or context.require_after:
        if context.no_name_after and _NAME_AFTER.match(reading.plain, end):
            return False
        if context.no_number_after and _NUMBER_AFTER.match(lower, end):
            return False
        after = lower[end : end + NEAR].lstrip(" \"'")
        if context.reject_after and starts_with_word(after, context.reject_after):
            return False
        if context.require_after and not starts_with_word(after, context.require_after):
            return False
    return not context.wide or all(_wide_fits(rule, reading, start, end) for rule in context.wide)


def ends_with_word(before: str, words: tuple[str, ...]) -> bool:
    if not before.endswith(words):
        return False
    return any(before.endswith(w) and not (w[0].isalnum() and before[: -len(w)][-1:].isalnum()) for w in words)


def starts_with_word(after: str, words: tuple[str, ...]) -> bool:
    """Whole words; what ends in a sign (`-đa/`) may go on with anything."""
    if not after.startswith(words):
        return False
    return any(after.startswith(w) and not (w[-1].isalnum() and after[len(w) :][:1].isalnum()) for w in words)


def _wide_fits(rule: Rule, reading: Reading, start: int, end: int) -> bool:
    if rule.when == "behind":
        found = has_any(reading.lower[max(reading.sentence_start(start), start - NEAR) : start], rule.any)
    elif rule.when == "near":
        found = has_any(reading.lower[max(0, start - NEAR) : end + NEAR], rule.any)
    elif rule.when == "sentence":
        found = reading.holds(*reading.sentence(start), rule.any)
    else:
        found = reading.holds(0, len(reading.lower), rule.any)
    return found is (rule.then == "require")
