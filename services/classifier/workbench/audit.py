"""Which rules and aliases are of no use: never fire, did not for long, fire only on false hits. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from services.classifier import hits
from services.classifier.patterns import Case, Context, Entry, Kind
from services.classifier.reading import Reading, read
from services.classifier.tagger import Tagger
from services.classifier.workbench.judging import newest
from tinsom import messages as m
from tinsom.text import normalise

# So often at least before a word that never counted is called false, or a tag that no reader wanted.
FALSE_HITS, VERDICTS = 5, 3
# Days of items before it says something of a rule that it did nothing in them.
LONG_ENOUGH = 28
_NAMES = (Kind.INITIATIVE, Kind.AGENCY)


class Finding(NamedTuple):
    rule: str
    words: str
    what: str


class Use(NamedTuple):
    """What items say of the rules: words that stood there and never counted, and what did nothing at all."""

    days: float
    false: list[Finding]
    silent: list[Finding]


def unreachable(tagger: Tagger) -> Iterator[Finding]:
    """Aliases not found where they stand alone: a longer one or a block covers them, or case forbids it."""
    matcher = tagger.matcher
    for pattern, entries in zip(matcher.patterns, matcher.entries, strict=True):
        for entry in entries:
            if entry.kind in _NAMES and not _asks(entry.context) and not _is_found(tagger, pattern, entry):
                yield Finding(entry.rule, pattern, "can never fire")


def _asks(context: Context | None) -> bool:
    """Does it need company? Then it says nothing that it does not stand alone."""
    if context is None:
        return False
    wide = any(rule.then == "require" for rule in context.wide)
    return bool(context.require_before or context.require_after) or wide


def _is_found(tagger: Tagger, pattern: str, entry: Entry) -> bool:
    words = entry.exact or (pattern[:1].upper() + pattern[1:] if entry.case is Case.CAPITAL else pattern)
    alone = read("", "", words, None, frozenset())
    found = hits.find(alone, tagger.matcher, tagger.matcher.hits(alone.lower))
    return any(entry in hit.entries for hit in found)


def used(tagger: Tagger, items: Iterable[m.Item], own: Collection[str]) -> Use:
    """`own` are ids of rows that the user wrote; their words are named one by one."""
    times: list[datetime] = []
    stood: Counter[tuple[str, str, str]] = Counter()
    counted: set[tuple[str, str]] = set()
    tagged: Counter[str] = Counter()
    for item in items:
        times = [min([*times, item.fetched_at]), max([*times, item.fetched_at])]
        reading = tagger.read(item)
        stood.update(_stood(tagger, reading))
        tags = tagger.tag(item)
        for tag in (*tags.initiatives, *tags.agencies):
            tagged[tag.id] += 1
            counted |= {(tag.id, _cut(item, evidence)) for evidence in tag.evidence}
    days = (times[-1] - times[0]).total_seconds() / 86_400 if times else 0.0
    known = {(identity, words) for identity, _, words in stood}
    return Use(days, list(_false(stood, counted)), [*_idle(tagger, tagged), *_silent(tagger, own, known)])


def _false(stood: Counter[tuple[str, str, str]], counted: set[tuple[str, str]]) -> Iterator[Finding]:
    for (identity, rule, words), times in sorted(stood.items()):
        if times >= FALSE_HITS and (identity, words) not in counted:
            yield Finding(rule, words, f"stood there {times} times and never counted")


def _idle(tagger: Tagger, tagged: Counter[str]) -> Iterator[Finding]:
    rows = tagger.taxonomy
    for identity in (*rows.initiatives, *rows.agencies, *rows.themes):
        if not tagged[identity]:
            yield Finding(identity, "", "tagged nothing")


def _silent(tagger: Tagger, own: Collection[str], known: set[tuple[str, str]]) -> Iterator[Finding]:
    for pattern, entries in zip(tagger.matcher.patterns, tagger.matcher.entries, strict=True):
        for entry in entries:
            if entry.id in own and entry.kind in _NAMES and (entry.id, pattern) not in known:
                yield Finding(entry.rule, pattern, "stood nowhere")


def _stood(tagger: Tagger, reading: Reading) -> set[tuple[str, str, str]]:
    """Names of initiatives and agencies that stand in a text as whole words; each once."""
    lower, found = reading.lower, set()
    for pattern, start, end in tagger.matcher.hits(lower):
        if start < reading.tail and not (lower[start - 1].isalnum() or lower[end].isalnum()):
            for entry in tagger.matcher.entries[pattern]:
                if entry.kind in _NAMES:
                    found.add((entry.id, entry.rule, tagger.matcher.patterns[pattern]))
    return found


def _cut(item: m.Item, evidence: m.Evidence) -> str:
    text: str = getattr(item, evidence.field)
    return normalise(text[evidence.start : evidence.end]).lower


def unwanted(verdicts: Iterable[m.Verdict]) -> Iterator[Finding]:
    """Tags of which readers said nothing but that they were irrelevant."""
    judged: dict[str, list[str]] = {}
    for verdict in newest(verdicts):
        for matched in verdict.matched:
            judged.setdefault(matched, []).append(verdict.verdict)
    for matched, words in sorted(judged.items()):
        if len(words) >= VERDICTS and set(words) == {"irrelevant"}:
            yield Finding(matched, "", f"{len(words)} readers' verdicts, all irrelevant")
