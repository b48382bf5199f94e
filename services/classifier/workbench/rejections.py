"""Names that stand in a text and made no tag, and what kept each from it: for whoever asks why not. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from services.classifier import hits
from services.classifier.hits import NEAR, Hit
from services.classifier.patterns import Context, Entry, Kind
from services.classifier.reading import Reading
from services.classifier.tagger import Tagger, TagInput
from services.classifier.taxonomy import Rule
from tinsom import messages as m

_NAMES = (Kind.INITIATIVE, Kind.AGENCY)
_SHOWN = 3


class Rejection(NamedTuple):
    """`words` as they stand in `field`; `rule` would have made the tag."""

    field: str
    words: str
    rule: str
    why: str


def rejections(tagger: Tagger, item: TagInput | m.Item, tags: m.Tags) -> list[Rejection]:
    """Each once, in the order of the text; what another place of the item proves is not rejected."""
    reading = tagger.read(item)
    raw = tagger.matcher.hits(reading.lower)
    found = {(hit.start, hit.end): hit for hit in hits.find(reading, tagger.matcher, raw)}
    raw.sort(key=lambda hit: (hit[1], -hit[2]))
    tagged = {tag.id for tag in (*tags.initiatives, *tags.agencies)}
    kept: dict[Rejection, None] = {}
    for pattern, start, end in raw:
        if _is_whole(reading.lower, start, end):
            for entry in tagger.matcher.entries[pattern]:
                if entry.kind in _NAMES and entry.id not in tagged:
                    why = _why(tagger, reading, raw, found, entry, start, end)
                    kept.setdefault(Rejection(reading.field(start), reading.plain[start:end], entry.rule, why))
    return list(kept)


def _is_whole(lower: str, start: int, end: int) -> bool:
    return not (lower[start - 1].isalnum() or lower[end].isalnum())


def _why(
    tagger: Tagger,
    reading: Reading,
    raw: list[tuple[int, int, int]],
    found: dict[tuple[int, int], Hit],
    entry: Entry,
    start: int,
    end: int,
) -> str:
    if start >= reading.tail:
        return "in the teasers at the end"
    if entry.case and not hits.case_fits(entry, reading.plain, start, end):
        return "not written so"
    hit = found.get((start, end))
    if hit is not None and entry in hit.entries:
        return _unproved(tagger, entry)
    if around := _around(tagger, raw, start, end):
        covering, begin, stop = around
        return f"inside {reading.plain[begin:stop]!r} ({covering})"
    if entry.context is not None:
        return next(_by_context(entry.context, reading, start, end), "by its context")
    return "means something else here"


def _unproved(tagger: Tagger, entry: Entry) -> str:
    if entry.weak:
        row = tagger.taxonomy.initiatives.get(entry.id)
        least = f", and {row.weak_min} mentions are asked for" if row is not None and row.weak_min > 1 else ""
        return f"weak words: no public body, document or stronger word beside them{least}"
    return "another country's, or part of another body's name"


def _around(tagger: Tagger, raw: list[tuple[int, int, int]], start: int, end: int) -> tuple[str, int, int] | None:
    """The longest name or block that these words lie in."""
    wider = [
        (begin, stop, pattern)
        for pattern, begin, stop in raw
        if begin <= start and end <= stop and (begin, stop) != (start, end) and tagger.matcher.entries[pattern]
    ]
    if not wider:
        return None
    begin, stop, pattern = max(wider, key=lambda span: span[1] - span[0])
    return tagger.matcher.entries[pattern][0].rule, begin, stop


def _by_context(context: Context, reading: Reading, start: int, end: int) -> Iterator[str]:
    before = reading.lower[max(0, start - NEAR) : start].rstrip()
    after = reading.lower[end : end + NEAR].lstrip(" \"'")
    for word in context.reject_before:
        if hits.ends_with_word(before, (word,)):
            yield f"right after {word!r}"
    for word in context.reject_after:
        if hits.starts_with_word(after, (word,)):
            yield f"right before {word!r}"
    if context.require_before and not hits.ends_with_word(before, context.require_before):
        yield f"not right after {_some(context.require_before)}"
    if context.require_after and not hits.starts_with_word(after, context.require_after):
        yield f"not right before {_some(context.require_after)}"
    for rule in context.wide:
        yield _wide(rule, reading.lower)
    yield "a name or a number follows"


def _wide(rule: Rule, lower: str) -> str:
    where = {"behind": "shortly before", "near": "near it", "sentence": "in its sentence", "item": "in the item"}
    present = [word for word in rule.any if word in lower]
    if rule.then == "reject" and present:
        return f"{_some(present)} {where.get(rule.when, rule.when)}"
    return f"{_some(rule.any)} asked for {where.get(rule.when, rule.when)}"


def _some(words: list[str] | tuple[str, ...]) -> str:
    return " | ".join(words[:_SHOWN]) + (" …" if words[_SHOWN:] else "")
