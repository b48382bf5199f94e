"""Taxonomy rows → one automaton over lower-case text, made once.

An alias is written with alternatives, `(Ủy ban|UB) quốc gia về (chuyển đổi số|CĐS)`, and expanded here together
with both tone styles, so that the text needs no folding. What a pattern may mean is an `Entry`; several rows
may share one pattern (an agency and a local head), the reader of the hits decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import product

import ahocorasick_rs

from services.classifier.taxonomy import Agency, Initiative, Rule, Taxonomy
from tinsom.text import tone_variants


class Kind(IntEnum):
    BLOCK = 0  # covers what lies in it and means nothing
    INITIATIVE = 1
    AGENCY = 2
    PLACE = 3
    LAW = 4
    HEAD = 5  # UBND, Công an, Sở: a local body when a place follows
    BARE = 6  # a head alone ("Ủy ban"): the last full name that has it
    WORD = 7  # words that other parts look for: "các bộ", "phiên họp", "ngày"


class Case(IntEnum):
    ANY = 0
    CAPITAL = 1  # the first letter, or all
    EXACT = 2  # as written in the taxonomy, or all capital


@dataclass(frozen=True, slots=True)
class Entry:
    """What one pattern may mean. `context` is the row's ambiguity rules that apply to this alias."""

    kind: Kind
    id: str
    rule: str
    case: Case = Case.ANY
    exact: str = ""
    weak: bool = False
    context: Context | None = None
    suffix: str = ""  # of a body: how its documents are signed (12/CT-BYT)
    factor: float = 1.0  # what a mention of it weighs by itself: less where a head alone stands for the name


@dataclass(frozen=True, slots=True)
class Context:
    """Ambiguity rules as tuples for `startswith` and `endswith`."""

    reject_before: tuple[str, ...] = ()
    require_before: tuple[str, ...] = ()
    reject_after: tuple[str, ...] = ()
    require_after: tuple[str, ...] = ()
    wide: tuple[Rule, ...] = ()
    no_name_after: bool = False
    no_number_after: bool = False


@dataclass(frozen=True, slots=True)
class Matcher:
    automaton: ahocorasick_rs.AhoCorasick
    entries: tuple[tuple[Entry, ...], ...]
    patterns: tuple[str, ...]
    plain: tuple[Case | None, ...]  # means one thing in any context: the case it must have; None: look closer

    def hits(self, lower: str) -> list[tuple[int, int, int]]:
        """(pattern, start, end) of all matches, overlapping ones too, in the order of their ends."""
        return self.automaton.find_matches_as_indexes(lower, overlapping=True)


# Words that the parts for events, lists and dates start from.
WORDS = {
    "bodies": ["các bộ", "các sở", "bộ:", "bộ, ngành"],
    "class": ["các (địa phương|tỉnh|cơ quan|đơn vị)", "nhiệm vụ như", "nhiệm vụ trọng tâm như"],
    "session": ["phiên họp", "họp phiên", "phiên làm việc"],
    "event": ["hội nghị", "lễ khai trương", "khai trương", "ra mắt", "lễ ký", "ký kết", "hội thảo", "diễn đàn"],
    "time": [
        "trước",
        "chậm nhất",
        "muộn nhất",
        "hết",
        "cuối",
        "hoàn thành",
        "thời hạn",
        "trong (tháng|quý|năm|ngày)",
        "đến (tháng|quý|năm|ngày)",
        "vào (tháng|quý|năm|ngày)",
    ],
    "kind": [
        "nghị quyết",
        "quyết định",
        "chỉ thị",
        "nghị định",
        "kết luận",
        "thông tư",
        "công điện",
        "thông báo",
        "nq",
    ],
}

# In a rule's `after` words: a capital word follows; a number follows (hạ tầng số 1).
NAME = "<name>"
NUMBER = "<number>"
_GROUP = re.compile(r"\(([^()]*\|[^()]*)\)")
MAX_EXPANSIONS = 4_000


def expand(alias: str) -> list[str]:
    """All spellings of an alias with `(a|b|)` alternatives; raises ValueError when there are too many."""
    parts = _GROUP.split(alias)
    choices = [part.split("|") if i % 2 else [part] for i, part in enumerate(parts)]
    spellings: dict[str, None] = {}
    for chosen in product(*choices):
        spellings.setdefault(" ".join("".join(chosen).split()))
        if len(spellings) > MAX_EXPANSIONS:
            raise ValueError(f"{alias!r} expands to more than {MAX_EXPANSIONS} spellings")
    return [spelling for plain in spellings if plain for spelling in dashed(plain)]


def dashed(spelling: str) -> tuple[str, ...]:
    """Papers set the dash of a name in every way: Lao động - Thương binh, Lao động- Thương binh."""
    if " - " not in spelling:
        return (spelling,)
    return (spelling, spelling.replace(" - ", "- "), spelling.replace(" - ", "-"), spelling.replace(" - ", " -"))


def body_names(name: str) -> list[str]:
    """A body's name as papers shorten it: Khoa học & Công nghệ, Lao động-Thương binh."""
    joined = (name, name.replace(" và ", " & ")) if " và " in name else (name,)
    return [spelling for one in joined for spelling in dashed(one)]


def build(taxonomy: Taxonomy, extra: Iterable[str] = ()) -> Matcher:
    """`extra`: what else is to be found in the same pass; it is no name and has no entries."""
    table: dict[str, list[Entry]] = {}
    for spelling, entry in _all(taxonomy):
        table.setdefault(spelling, []).append(entry)
    for spelling in extra:
        table.setdefault(spelling, [])
    patterns = sorted(table)
    automaton = ahocorasick_rs.AhoCorasick(
        patterns,
        store_patterns=False,
        implementation=ahocorasick_rs.Implementation.ContiguousNFA,
    )
    entries = tuple(tuple(table[pattern]) for pattern in patterns)
    return Matcher(automaton, entries, tuple(patterns), tuple(map(_plain_case, patterns, entries)))


def _plain_case(pattern: str, entries: tuple[Entry, ...]) -> Case | None:
    if len(entries) != 1 or pattern[-1:].isdigit():  # a number may go on: "Đề án 6.000"
        return None
    only = entries[0]
    if only.context is not None or only.kind is Kind.BLOCK or only.case is Case.EXACT:
        return None
    return only.case


def _all(taxonomy: Taxonomy) -> Iterator[tuple[str, Entry]]:
    for initiative in taxonomy.initiatives.values():
        yield from _initiative(initiative)
    for agency in taxonomy.agencies.values():
        yield from _agency(agency)
    for place in taxonomy.places.values():
        rule = f"{place.id}/name"
        yield from _spell([place.names.vi, *place.aliases], Kind.PLACE, place.id, rule, Case.EXACT)
        yield from _spell(place.abbreviations, Kind.PLACE, place.id, f"{place.id}/abbreviation", Case.EXACT)
        yield from _spell(place.blocks, Kind.BLOCK, "", f"{place.id}/block")
    for local in taxonomy.local.values():
        yield from _spell(local.blocks, Kind.BLOCK, "", f"{local.kind}/block")
        yield from _spell(local.heads, Kind.HEAD, local.kind, f"{local.kind}/head", Case.CAPITAL)
    for document in taxonomy.documents:
        yield from _spell(document.names, Kind.LAW, document.key, f"{document.key}/name", Case.CAPITAL)
    yield from _spell(taxonomy.context.blocks, Kind.BLOCK, "", "context/block")
    for name, words in WORDS.items():
        yield from _spell(words, Kind.WORD, name, f"word/{name}")


def _initiative(row: Initiative) -> Iterator[tuple[str, Entry]]:
    kind = Kind.INITIATIVE
    yield from _spell(row.aliases, kind, row.id, f"{row.id}/alias", rules=row.rules)
    yield from _spell(row.abbreviations, kind, row.id, f"{row.id}/abbreviation", Case.EXACT, rules=row.rules)
    yield from _spell(row.weak, kind, row.id, f"{row.id}/weak", weak=True, rules=row.rules)
    yield from _bare(row.bare, row.id, "initiative")
    yield from _spell(row.blocks, Kind.BLOCK, "", f"{row.id}/block")


_SIGNING = ("ministry", "ministerial-agency")
# "Bộ trưởng Y tế" speaks for the ministry; a former one, one of another country and a meeting of them do not.
_OFFICES = ("Bộ trưởng", "Thứ trưởng")
_IN_OFFICE = (
    Rule(when="before", any=("cựu", "nguyên", "hội nghị", "cấp"), then="reject"),
    Rule(when="after", any=("các nước", "hai nước"), then="reject"),
)
# Their names are descriptions, written in any case; the others are proper names.
_ANY_CASE = ("steering-body",)


def _agency(row: Agency) -> Iterator[tuple[str, Entry]]:
    case = Case.ANY if row.type in _ANY_CASE else Case.CAPITAL
    suffix = row.suffix or (row.abbreviations[0] if row.type in _SIGNING and row.abbreviations else "")
    named = [*([] if row.type in _ANY_CASE else body_names(row.names.vi))]
    aliases = [*named, *row.aliases]
    for spelling, entry in _spell(aliases, Kind.AGENCY, row.id, f"{row.id}/alias", case, rules=row.rules):
        yield spelling, replace(entry, suffix=suffix)
    if row.type == "ministry":
        held = [f"{office} {core}" for office in _OFFICES for core in row.cores]
        yield from _spell(held, Kind.AGENCY, row.id, f"{row.id}/office", case, rules=[*row.rules, *_IN_OFFICE])
    abbreviations = row.abbreviations
    yield from _bare(row.bare, row.id, "agency")
    yield from _spell(abbreviations, Kind.AGENCY, row.id, f"{row.id}/abbreviation", Case.EXACT, rules=row.rules)
    yield from _spell(row.blocks, Kind.BLOCK, "", f"{row.id}/block")


def _bare(heads: list[str], tag: str, what: str) -> Iterator[tuple[str, Entry]]:
    for spelling, entry in _spell(heads, Kind.BARE, tag, f"{tag}/anaphor", Case.CAPITAL):
        yield spelling, replace(entry, exact=what)


def _spell(
    aliases: Iterable[str],
    kind: Kind,
    tag: str,
    rule: str,
    case: Case = Case.ANY,
    *,
    weak: bool = False,
    rules: list[Rule] | None = None,
) -> Iterator[tuple[str, Entry]]:
    seen: set[str] = set()
    for alias in aliases:
        context = _context(alias, rules or [])
        for spelling in (variant for plain in expand(alias) for variant in tone_variants(plain)):
            exact = spelling if case is Case.EXACT else ""
            if (key := exact or spelling.lower()) not in seen:
                seen.add(key)
                yield spelling.lower(), Entry(kind, tag, rule, case, exact, weak, context)


def _context(alias: str, rules: list[Rule]) -> Context | None:
    chosen = [rule for rule in rules if not rule.aliases or alias in rule.aliases]
    if not chosen:
        return None

    def words(when: str, then: str) -> tuple[str, ...]:
        found = [word for rule in chosen if (rule.when, rule.then) == (when, then) for word in rule.any]
        return tuple(variant for word in found for variant in tone_variants(word.lower()))

    wide = tuple(rule for rule in chosen if rule.when not in ("before", "after"))
    return Context(
        words("before", "reject"),
        words("before", "require"),
        words("after", "reject"),
        words("after", "require"),
        wide,
        any(NAME in rule.any for rule in chosen if rule.when == "after"),
        any(NUMBER in rule.any for rule in chosen if rule.when == "after"),
    )
