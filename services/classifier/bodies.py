"""Agencies and places: ministries and organs by name, local bodies as `<kind>-<place>`, elided lists, offices.

Reads the hits from left to right. What a capital, a following place or the words before decide is decided here;
what a name means is in the taxonomy.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise

from services.classifier import voices
from services.classifier.hits import Hit, ends_with_word
from services.classifier.lexicon import Lexicon
from services.classifier.mentions import ANAPHOR, Mention
from services.classifier.patterns import Entry, Kind
from services.classifier.reading import Reading, Segment
from services.classifier.taxonomy import Agency
from tinsom.text import has_any

# Looked up once: an enum's member costs ten times a name.
_INITIATIVE, _AGENCY, _PLACE, _HEAD, _WORD = Kind.INITIATIVE, Kind.AGENCY, Kind.PLACE, Kind.HEAD, Kind.WORD
# Every country has these.
_OF_A_STATE = frozenset(("government", "ministry", "assembly", "state", "ministerial-agency", "court"))
_PREMIERS = ("thu-tuong", "pho-thu-tuong")
_POLICE = "cong-an"
# Only a province has these: without a name, that of the item.
_OF_A_PROVINCE = ("so-", "tinh-uy")
_ADDRESS = 4
# What only an administration does: a province that does it is its People's Committee.
_GOVERNS = (
    " yêu cầu", " ban hành", " phê duyệt", " thành lập", " giao ", " chỉ đạo", " đề nghị", " kiến nghị",
    " đề xuất", " vừa ban hành", " đã ban hành", " vừa phê duyệt",
)  # fmt: skip
_UNIT_REACH = 12
_UNIT_WORDS = ("", "tỉnh", "thành phố", "tp", "tp.")
_UNIT = re.compile(r"\s(?:nhân dân\s|của\s)?(?:(tỉnh|thành phố|tp\.?|t\.)\s?)?")
# "Công an tỉnh, thành phố trực thuộc Trung ương" is all of them.
_CLASS = re.compile(r"trực thuộc|(?:[,/]\s?|(?:và|hoặc)\s)(?:thành phố|tp)")
_JOIN = re.compile(r"\s?(?:,|và|-|/)\s?|\s")
# A headline names the province that an article is about.
_FOCUS = {Segment.TITLE: 10.0, Segment.LEDE: 3.0}


@dataclass
class Bodies:
    """What was found: mentions of agencies and of places."""

    agencies: list[Mention] = field(default_factory=list)
    places: list[Mention] = field(default_factory=list)


class Finder:
    """One reading's bodies. A class because list, head and place share the same walk over the hits."""

    def __init__(self, reading: Reading, hits: Sequence[Hit], lexicon: Lexicon) -> None:
        self.reading, self.lexicon = reading, lexicon
        self.found = Bodies()
        self.hits: list[Hit] = []
        self.place_at: dict[int, tuple[Hit, Entry]] = {}
        self.agency_starts: set[int] = set()
        self.heads: list[Hit] = []
        self._sort(hits)
        self.pending: list[tuple[str, int, int]] = []
        self.governing: list[tuple[str, int, int]] = []
        self.bound: set[int] = set()
        self.headed: set[int] = set()
        self.covered = 0

    def _sort(self, hits: Sequence[Hit]) -> None:
        for hit in hits:
            entries = hit.entries
            kind = entries[0].kind
            if kind is _INITIATIVE and len(entries) == 1:
                continue
            self.hits.append(hit)
            if kind is _AGENCY:
                self.agency_starts.add(hit.start)
                self.heads.append(hit)
            elif kind is _HEAD or entries[-1].kind is _HEAD:
                self.heads.append(hit)
            if kind is _PLACE or len(entries) > 1:
                self._places(hit)

    def _places(self, hit: Hit) -> None:
        for entry in hit.entries:
            if entry.kind is _PLACE:
                self.place_at[hit.start] = (hit, entry)

    def find(self) -> Bodies:
        joined: tuple[int, str] | None = None
        tail = self.reading.tail
        for hit in reversed(self.heads):
            if hit.start < tail:
                head = _head_of(hit)
                joined = self._head(hit, head, joined) if head is not None else None
        for hit in self.hits:
            if hit.start >= tail:
                break
            if hit.start >= self.covered:
                self._take(hit)
        self._resolve_pending()
        self._resolve_governing()
        in_order = sorted(self.found.agencies, key=_start)
        lexicon = self.lexicon
        heard = voices.hear(self.reading, in_order, lexicon.offices, lexicon.acts, lexicon.ordered)
        # Nearly always two names stand farther apart.
        addresses = [
            mention
            for last, mention in pairwise(heard)
            if mention.start - last.end <= _ADDRESS and self._is_address(last, mention)
        ]
        self.found.agencies = [mention for mention in heard if mention not in addresses] if addresses else heard
        return self.found

    def _is_address(self, last: Mention, mention: Mention) -> bool:
        """ "C06 - Bộ Công an": the ministry says whose the unit is, and becomes its parent anyway."""
        unit = self.lexicon.taxonomy.agencies.get(last.id)
        if unit is None or mention.id not in unit.parents:
            return False
        return not self.reading.lower[last.end : mention.start].strip(" -(),")

    # --- local bodies ---------------------------------------------------------------------------------

    def _head(self, hit: Hit, entry: Entry, joined: tuple[int, str] | None) -> tuple[int, str] | None:
        """A local head with its place, its own or that of the head it is joined to; returns what joins to it, with
        no place where the item's own is meant.
        """
        kind, end = self._kind_of(entry, hit)
        if kind is None or (kind == _POLICE and self._is_sport()):
            return None
        place, place_end, unit = self._place_after(end)
        if not place and joined is not None and self._joins(end, joined[0]):
            place, place_end, unit = joined[1], end, True
        if place:
            self.headed.add(hit.start)
            self._add(f"{kind}-{place}", hit.start, place_end, f"{kind}/local")
            return hit.start, place
        if self._each_of_list(kind, hit.start, end):
            return None
        if unit or (kind.startswith(_OF_A_PROVINCE) and not self._is_elsewhere(end)):
            self.pending.append((kind, hit.start, end))
            return hit.start, ""
        return None

    def _is_elsewhere(self, end: int) -> bool:
        """ "Sở Y tế các tỉnh" is none of them, "Thành ủy Thủ Đức" a town's."""
        return self.reading.lower.startswith(" các ", end) or self._is_a_stranger(end)

    def _joins(self, end: int, start: int) -> bool:
        """ "Thành ủy, HĐND, UBND thành phố": the last one's place is that of all."""
        gap = _JOIN.match(self.reading.lower, end)
        return gap is not None and gap.end() == start

    def _is_sport(self) -> bool:
        """The police have football clubs."""
        return self.reading.holds(0, self.reading.lede_end, self.lexicon.sports)

    def _kind_of(self, entry: Entry, hit: Hit) -> tuple[str | None, int]:
        local = self.lexicon.taxonomy.local[entry.id]
        if not local.cores:
            return entry.id, hit.end
        if not self.reading.plain[hit.end + 1].isupper():
            return None, hit.end
        core = self.lexicon.department.match(self.reading.lower, hit.end + 1)
        if core is None:
            return None, hit.end
        return f"{entry.id}-{self.lexicon.department_ids[core[1]]}", core.end()

    def _place_after(self, end: int) -> tuple[str, int, bool]:
        unit = _UNIT.match(self.reading.lower, end)
        if unit is None or (unit[1] and _CLASS.match(self.reading.lower, unit.end())):
            return "", end, False
        # "Thành phố Hồ Chí Minh" is a name with its unit, "thành phố Hải Phòng" a unit before a name.
        at = self.place_at.get(unit.end()) or self.place_at.get(end + 1)
        if at is None:
            return "", end, unit[1] is not None
        self.bound.add(at[0].start)
        return self._current(at[1].id), at[0].end, True

    def _each_of_list(self, kind: str, start: int, end: int) -> bool:
        """ "UBND các tỉnh, thành phố gồm: Hà Nội, TP.HCM, Quảng Ninh": one body for each place of the list."""
        opening = _EACH.match(self.reading.lower, end)
        at = opening.end() if opening else -1
        found = False
        while at in self.place_at:
            hit, entry = self.place_at[at]
            self._add(f"{kind}-{self._current(entry.id)}", start, hit.end, f"{kind}/list")
            self.bound.add(hit.start)
            found = True
            gap = _LIST_GAP.match(self.reading.lower, hit.end)
            at = gap.end() if gap else -1
            if at not in self.place_at and gap is not None and (unit := _UNIT_WORD.match(self.reading.lower, at)):
                at = unit.end()  # "Kiên Giang, thành phố Hà Nội, Hậu Giang"
        return found

    def _resolve_pending(self) -> None:
        """ "UBND tỉnh" alone is the province that the item is about, if there is one."""
        focus = self._focus() if self.pending else ""
        for kind, start, end in self.pending:
            if focus:
                self._add(f"{kind}-{focus}", start, end, f"{kind}/anaphor", ANAPHOR)

    def _resolve_governing(self) -> None:
        """ "TP HCM thành lập Tổ công tác": a headline says the province for its People's Committee."""
        named = {mention.id for mention in self.found.agencies} if self.governing else frozenset()
        for place, start, end in self.governing:
            if (tag := f"ubnd-{place}") not in named:
                self._add(tag, start, end, "ubnd/province", factor=0.6)

    def _focus(self) -> str:
        weights: dict[str, float] = {}
        for mention in self.found.places:
            weight = _FOCUS.get(self.reading.segment(mention.start), 1.0)
            weights[mention.id] = weights.get(mention.id, 0.0) + weight * mention.factor
        ranked = sorted(weights.items(), key=lambda pair: -pair[1])
        if not ranked or (len(ranked) > 1 and ranked[1][1] > 0.6 * ranked[0][1]):
            return ""
        return ranked[0][0]

    # --- central bodies and places --------------------------------------------------------------------

    def _take(self, hit: Hit) -> None:
        for entry in hit.entries:
            if entry.kind is _AGENCY:
                self._agency(hit, entry)
            elif entry.kind is _PLACE:
                self._place(hit, entry)
            elif entry.kind is _WORD and entry.id == "bodies":
                self._list(hit.end)
            else:
                continue
            return

    def _agency(self, hit: Hit, entry: Entry) -> None:
        if hit.start in self.headed:
            return  # a local body took this head: "Cục Thuế tỉnh …"
        agency = self.lexicon.taxonomy.agencies[entry.id]
        if agency.type in _OF_A_STATE and self._is_foreign(hit.end):
            return
        if not _existed(agency, self.reading.day):
            return
        if (entry.rule.endswith("/office") or entry.id in _PREMIERS) and self._is_a_stranger(hit.end):
            return
        self.found.agencies.append(Mention(entry.id, hit.start, hit.end, entry.rule, entry.factor))
        if agency.cores:
            self._list(hit.end)

    def _is_foreign(self, end: int) -> bool:
        plain, lexicon = self.reading.plain, self.lexicon
        return plain[end + 1] in lexicon.foreign_begins and lexicon.foreign.match(plain, end) is not None

    def _is_a_stranger(self, end: int) -> bool:
        """ "Bộ trưởng Giáo dục Williamson": a name follows that no Vietnamese has."""
        plain = self.reading.plain
        if plain[end] != " " or not plain[end + 1].isupper():
            return False
        word = _WORD_AFTER.match(plain, end + 1)
        return word is not None and not word[0].isupper() and word[0].lower() not in self.lexicon.surnames

    def _list(self, end: int) -> None:
        """ "các Bộ Công an, Tài chính, Tư pháp": each core of the list, as long as cores follow."""
        lower, plain = self.reading.lower, self.reading.plain
        at = end
        while True:
            if lower[at] == " " and lower[at + 1] not in _LIST_MARKS and not plain[at + 1].isupper():
                return  # the common case, without a pattern
            gap = _LIST_GAP.match(lower, at)
            if gap is None:
                return
            # A capital first: it is cheaper than trying every name.
            core = self.lexicon.ministry.match(lower, gap.end()) if plain[gap.end()].isupper() else None
            if core is None or _UNIT_AFTER.match(lower, core.end()):
                return
            if gap.end() in self.agency_starts:
                return
            chosen = self._at_date(self.lexicon.ministry_ids[core[1]])
            if chosen:
                self._add(chosen, core.start(), core.end(), f"{chosen}/list", factor=0.8)
            at = core.end()
            self.covered = max(self.covered, at)

    def _at_date(self, ids: Sequence[str]) -> str:
        existing = [i for i in ids if _existed(self.lexicon.taxonomy.agencies[i], self.reading.day)]
        return (existing or [""])[0]

    def _add(self, tag: str, start: int, end: int, rule: str, factor: float = 1.0) -> None:
        self.found.agencies.append(Mention(tag, start, end, rule, factor))

    def _place(self, hit: Hit, entry: Entry) -> None:
        """A province's name is a place unless it is a person's, a company's or a venue's."""
        start, end = hit.start, hit.end
        lower = self.reading.lower
        before = lower[start - 40 if start > 40 else 0 : start].rstrip()
        unit = before.endswith(("tỉnh", "thành phố", "tp", "tp."))
        if _is_private(before, self.lexicon):
            return
        if not unit and start not in self.bound:
            word = before.rsplit(" ", 1)[-1]
            if word in self.lexicon.surnames and self._is_a_name_before(start, word):
                return
            if self._is_in_a_name(start) or self._is_a_venue(start):
                return
        factor = 1.0
        if start in self.bound or unit:
            factor = 1.5
        elif before.endswith(("tại", "ở")):
            factor = 0.2 if _VENUE.search(before) else 0.3
        self.found.places.append(Mention(self._current(entry.id), start, end, entry.rule, factor))
        if start < self.reading.lede_end and lower.startswith(_GOVERNS, end) and self._is_subject(start):
            self.governing.append((self._current(entry.id), start, end))

    def _is_subject(self, start: int) -> bool:
        """At the start of its sentence, or behind its unit there: "Thành phố Hà Nội yêu cầu"."""
        first = self.reading.sentence_start(start)
        return start - first < _UNIT_REACH and self.reading.lower[first:start].strip(" -'\"") in _UNIT_WORDS

    def _is_a_name_before(self, start: int, word: str) -> bool:
        """ "Nguyễn Hà Nam", not "Kiểm lâm TP.HCM", nor "Ngô Thị Hoàng, Huế"."""
        return self.reading.plain[start - 2] != "," and self.reading.plain[start - 1 - len(word)].isupper()

    def _is_in_a_name(self, start: int) -> bool:
        """A capital word right before, within a sentence: "Bách khoa Hà Nội", "Vinaseed Quảng Nam"."""
        plain = self.reading.plain
        at = plain.rfind(" ", 0, start - 1) + 1
        word = plain[at : start - 1]
        if plain[start - 1] != " " or not word[:1].isupper() or word.upper() == word or not word.isalnum():
            return False
        return at != self.reading.sentence(start)[0] and word.lower() not in _PLACE_WORDS

    def _is_a_venue(self, start: int) -> bool:
        return self.reading.holds(*self.reading.sentence(start), self.lexicon.venues)

    def _current(self, place: str) -> str:
        """A province that has been merged is named for its region: tagged as what it is part of at that date."""
        row = self.lexicon.taxonomy.places[place]
        day = self.reading.day
        if row.was and row.valid_from is not None and day is not None and day < row.valid_from:
            return row.was
        if row.valid_to is not None and day is not None and row.merged_into and (day - row.valid_to).days > 45:
            return row.merged_into
        return place


_LIST_GAP = re.compile(r"\s?(?:,|;|:|và)\s(?:bộ\s)?|\s")
_WORD_AFTER = re.compile(r"(?!Việt )[^\W\d_]+")
_UNIT_WORD = re.compile(r"(?:thành phố|tp\.?|tỉnh) ")
_LIST_MARKS = ",;:v"
_UNIT_AFTER = re.compile(r"\s(?:tỉnh|thành phố|tp|các|xã|phường|huyện|quận)\b")
_EACH = re.compile(
    r"\s(?:(?:các|\d+|hai|ba)\s)?(?:tỉnh|thành phố|địa phương)(?:, (?:thành phố|tỉnh|tp))?(?: \w+){0,6}?"
    r"(?:(?: gồm| như| là):? |: | \()"
)
_PLACE_WORDS = frozenset(("tỉnh", "phố", "tp", "tp.", "t.", "thủ", "đô", "tại", "từ", "ở"))
_VENUE = re.compile(r"(?:^|[,.(]\s?|\d,? )(?:tại|ở)$")


def _start(mention: Mention) -> int:
    return mention.start


def _head_of(hit: Hit) -> Entry | None:
    for entry in hit.entries:
        if entry.kind is _HEAD:
            return entry
    return None


def _is_private(before: str, lexicon: Lexicon) -> bool:
    """ "Đại học Bách khoa Hà Nội": a private name's head right before, or an organisation's without a break."""
    if before.endswith(lexicon.private) and ends_with_word(before, lexicon.private):
        return True
    if not has_any(before, lexicon.organisation_words):
        return False
    return lexicon.organisations.search(_BREAK.split(before)[-1]) is not None


_BREAK = re.compile(r"[,.;:()]|\s(?:tại|ở|của|trên|với|cho)\s")


def _existed(agency: Agency, day: date | None) -> bool:
    """Had it been founded? One that has ended is still tagged, with its successors: it is what the text names."""
    return day is None or agency.valid_from is None or agency.valid_from <= day


def find(reading: Reading, hits: Sequence[Hit], lexicon: Lexicon) -> Bodies:
    return Finder(reading, hits, lexicon).find()
