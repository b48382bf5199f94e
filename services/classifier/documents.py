"""Document numbers, parsed as fields: number, year, kind, issuer; never compared as substrings.

Numbers start again every year and with every issuer, so a number alone stands for an initiative only when kind,
issuer and date agree with the registry ("06/QĐ-TTg" of 2025 is not Đề án 06).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from services.classifier import laws
from services.classifier.hits import Hit, Lanes
from services.classifier.mentions import Found
from services.classifier.patterns import Kind
from services.classifier.reading import Reading
from services.classifier.taxonomy import RegisteredDocument
from tinsom import messages as m

KINDS = {
    "nghị quyết": "NQ",
    "nq": "NQ",
    "quyết định": "QĐ",
    "chỉ thị": "CT",
    "nghị định": "NĐ",
    "kết luận": "KL",
    "thông tư": "TT",
    "công điện": "CĐ",
    "thông báo": "TB",
}
_WORDS = {
    "kế hoạch": "KH",
    "thông báo": "TB",
    "công văn": "CV",
    "văn bản": "CV",
    "tờ trình": "TTr",
    "báo cáo": "BC",
    **KINDS,
}
_WORD_ENDS = tuple(_WORDS)
# The left guard keeps "06/QĐ-TTg" from being found in "2006/QĐ-TTg"; it stands behind the first digit, because a
# pattern that begins with a digit is searched for quickly.
_NUMBER = re.compile(
    r"([0-9](?<![\w/.,][0-9])[0-9]{0,4}(?:\.[0-9]{1,2})?[a-z]?)\s?"
    r"(?:/\s?((?:19|20)[0-9]{2})\s?)?([/-])\s?"
    r"([A-ZĐƯ][\wĐđ&]*(?:\s?[-/]\s?[A-ZĐƯ][\wĐđ&]*)*)"
)
# What stands behind a slash of a number; nearly all other slashes are those of dates.
_BEHIND_A_SLASH = re.compile(r"/\s?(?:[A-ZĐƯ]|(?:19|20)[0-9]{2}\s?[/-])")
_BARE = re.compile(
    r"\s(?:số\s|số:\s)?([0-9]{1,4}(?:\.[0-9]{1,2})?)(?![\w%])(?!\s?/|\.[0-9]|,[0-9])"
    r"(?:[ -]+(nq|kl|ct)(?:[ /-]+(tw))?\b)?"
)
_NUMBER_BEGINS = frozenset("s0123456789")  # of what stands behind a kind: a digit, or "số"
_SIGNED = re.compile(r"thủ tướng[\w\s]{0,40} (?:ký|ban hành|có|ra)(?: ban hành)? $")
_RESOLVED = re.compile(r"(?<!thủ tướng )(chính phủ|bộ chính trị)(?: đã| vừa| mới)?(?: ký)?(?: ban hành| có| ra) $")
_OF = re.compile(r"(?: ngày [0-9/.-]+)? của (?:bộ trưởng )?")
# Signed with the issuer alone, no year: the body named right behind completes the number.
_YEARLESS = ("CT", "QĐ", "CĐ", "TB")
# Others sign with it too, but what they issue: the Politburo and the Secretariat, the Government.
_SIGNED_BY = {"TW": ("NQ", "KL", "CT"), "CP": ("NQ",)}
_ASSEMBLY = re.compile(r"(?:UBTV)?QH[0-9]{1,2}")
_BY_YEAR = re.compile(r"\s(?:số\s)?([0-9]{1,3})(?: năm |/)((?:19|20)[0-9]{2})(?![0-9/])")
_DATED = re.compile(
    r"[,\s(]*(?:của [\w\s]{3,40}?\s)?(?:được\s)?(?:ban hành\s)?(?:ngày\s)?"
    r"(?:([0-9]{1,2})\s?[/.-]\s?([0-9]{1,2})\s?[/.-]\s?([0-9]{4})|([0-9]{1,2}) tháng ([0-9]{1,2}) năm ([0-9]{4}))"
)
_DATE_BEGINS = frozenset(("", *"cđbn0123456789"))  # what stands behind the number and its commas: _DATED's first
_KIND_CODES = frozenset(
    {*_WORDS.values(), "NQLT", "TTLT", "HD", "QC", "VBHN", "UBND", "SL", "PL", "L", "CTr", "ĐA", "CTĐT"}
)


# Papers print the day before or after, or that of the announcement.
DATE_SLIP = 7


@dataclass(frozen=True)
class Registry:
    """Known documents by key; several may share one (422/QĐ-TTg)."""

    by_key: dict[str, list[RegisteredDocument]]
    short: dict[tuple[str, str], list[RegisteredDocument]]

    @classmethod
    def of(cls, rows: Iterable[RegisteredDocument]) -> Registry:
        by_key: dict[str, list[RegisteredDocument]] = {}
        short: dict[tuple[str, str], list[RegisteredDocument]] = {}
        for row in sorted(rows, key=lambda row: row.date):
            by_key.setdefault(row.key, []).append(row)
            if row.short:
                number, _, kind, _ = _fields(row.key)
                short.setdefault((kind or "", number), []).append(row)
        return cls(by_key, short)


def _fields(key: str) -> tuple[str, int | None, str | None, str | None]:
    match = _NUMBER.match(key)
    if match is None:
        return key, None, None, None
    _, kind, issuer = _signature(match[4])
    return _plain_number(match[1]), int(match[2]) if match[2] else None, kind, issuer


def _plain_number(number: str) -> str:
    whole, point, rest = number.partition(".")
    digits = whole.lstrip("0") or "0"
    return (digits if len(digits) > 1 else "0" + digits) + point + rest


_CODES = {code.upper(): code for code in _KIND_CODES}


class _Signature(NamedTuple):
    """What stands behind the number: "QĐ-TTg" as it is written without spaces, and what it says."""

    written: str
    kind: str | None
    issuer: str | None


@lru_cache(maxsize=4096)
def _signature(suffix: str) -> _Signature:
    """A few hundred signatures make up nearly all numbers."""
    written = "".join(suffix.split())
    head, _, issuer = written.replace("/", "-").partition("-")
    if head.upper() in _CODES and not _ASSEMBLY.fullmatch(head):
        return _Signature(written, _CODES[head.upper()], issuer or None)
    return _Signature(written, None, head)


def find(reading: Reading, lanes: Lanes, registry: Registry) -> list[Found]:
    """All documents named before the tail, in order; a bare number only when it can be resolved."""
    full = list(_numbered(reading, registry))
    found = [*full, *_bare(reading, lanes, registry, full), *laws.find(reading, lanes.laws, registry.by_key)]
    return sorted(found, key=_start)


def _numbered(reading: Reading, registry: Registry) -> Iterable[Found]:
    """The same key without its date a second time is the same document as the first."""
    first: dict[str, Found] = {}
    for match in _numbers(reading.plain, reading.tail):
        signature = _signature(match[4])
        if signature.kind is None and "-" not in signature.written and not _ASSEMBLY.fullmatch(signature.written):
            continue
        key = _key(match, signature)
        known = first.get(key)
        if known is None:
            known = first[key] = _document(key, signature, match, reading, registry)
        yield Found(match.start(), match.end(), known.document, known.initiative)


def _numbers(plain: str, tail: int) -> Iterator[re.Match[str]]:
    read, slash = 0, plain.find("/")
    while slash != -1 and slash < tail:
        behind = slash + 1
        if _BEHIND_A_SLASH.match(plain, slash):
            match = _NUMBER.search(plain, max(read, slash - 14), slash + 48)
            if match is not None and match.start() < slash < match.end():
                read = behind = match.end()
                yield match
        slash = plain.find("/", behind)


def _document(
    key: str, signature: _Signature, match: re.Match[str], reading: Reading, registry: Registry
) -> Found:
    kind, year = signature.kind, int(match[2]) if match[2] else None
    word_start = _word_before(reading.lower, match.start())
    if kind is None:
        kind = _WORDS.get(reading.lower[word_start[0] : word_start[1]]) if word_start else None
    dated = _date_after(reading.lower, match.end())
    row = _registered(registry.by_key.get(key, ()), year, dated, reading.day)
    start = word_start[0] if word_start else match.start()
    document = m.Document(
        key=key,
        kind=kind,
        number=_plain_number(match[1]),
        issuer=signature.issuer,
        year=year or (dated.year if dated else row.date.year if row else None),
        date=_iso(dated or (row.date if row else None)),
        raw=reading.plain[start : match.end()],
        initiative=(row.initiative or None) if row else None,
    )
    return Found(match.start(), match.end(), document, row.initiative if row else "")


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _key(match: re.Match[str], signature: _Signature) -> str:
    number, (written, kind, issuer) = _plain_number(match[1]), signature
    if match[2]:
        return f"{number}/{match[2]}/{written}"
    if issuer == "TW" and kind:
        return f"{number}-{kind}/TW"  # the Party's own form; papers also print 57/NQ-TW
    if issuer == "CP" and kind:
        return f"{number}/{kind}-CP"  # and 03-NQ/CP
    return f"{number}{match[3]}{written}"


def _word_before(lower: str, start: int) -> tuple[int, int] | None:
    first = start - 24 if start > 24 else 0
    before = lower[first:start].rstrip()
    before = before.removesuffix("số:").removesuffix("số").rstrip()
    if not before.endswith(_WORD_ENDS):
        return None
    for word in _WORDS:
        if before.endswith(word):
            end = first + len(before)
            return end - len(word), end
    return None


def _date_after(lower: str, end: int) -> date | None:
    if lower[end : end + 4].lstrip(" ,(")[:1] not in _DATE_BEGINS:
        return None  # the common case, without a pattern
    match = _DATED.match(lower, end, end + 70)
    if match is None:
        return None
    day, month, year = (match[1], match[2], match[3]) if match[1] else (match[4], match[5], match[6])
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _registered(
    rows: Sequence[RegisteredDocument], year: int | None, dated: date | None, day: date | None
) -> RegisteredDocument | None:
    """The registered document that is meant: by its own date, else the newest that existed at the item's date."""
    for row in rows:
        if dated is not None and abs((row.date - dated).days) <= DATE_SLIP:
            return row
    if dated is not None and year is None:
        return None
    known = [row for row in rows if day is None or (row.date - day).days <= 3]
    return known[-1] if known else None


def _bare(reading: Reading, lanes: Lanes, registry: Registry, full: Sequence[Found]) -> Iterable[Found]:
    named = {(f.document.kind, f.document.number): f for f in full if f.document.kind}
    for hit in lanes.words.get("kind", ()):
        if hit.start >= reading.tail:
            break
        if reading.lower[hit.end + 1] not in _NUMBER_BEGINS:
            continue
        word = reading.lower[hit.start : hit.end]
        by_year = _BY_YEAR.match(reading.lower, hit.end, hit.end + 30) if word == "nghị định" else None
        if by_year is not None:
            number, year = _plain_number(by_year[1]), int(by_year[2])
            yield _decree(number, year, reading, hit, by_year.end(), registry)
            continue
        match = _BARE.match(reading.lower, hit.end, hit.end + 30)
        if match is None:
            continue
        dated = _date_after(reading.lower, match.end()) if word == "nghị định" else None
        if dated is not None:
            yield _decree(_plain_number(match[1]), dated.year, reading, hit, match.end(), registry)
            continue
        kind, number = KINDS[word], _plain_number(match[1])
        known = named.get((kind, number))
        if known is not None:
            yield Found(hit.start, match.end(), known.document, known.initiative)
            continue
        row = _short(registry, kind, number, match, reading)
        if row is not None:
            yield _from_row(row, reading.plain[hit.start : match.end()], hit.start, match.end())
        elif issuer := _issuer(reading, lanes.names, hit.start, match.end(), kind):
            raw = reading.plain[hit.start : match.end()]
            yield _by_issuer(kind, number, issuer, raw, hit.start, match.end(), reading, registry)


def _decree(number: str, year: int, reading: Reading, hit: Hit, end: int, registry: Registry) -> Found:
    """Nghị định 10 năm 2020, Nghị định 69/2024: only the Government issues decrees, so the key is complete."""
    key = f"{number}/{year}/NĐ-CP"
    row = _registered(registry.by_key.get(key, ()), year, None, reading.day)
    raw = reading.plain[hit.start : end]
    date_of = row.date if row else None
    document = m.Document(
        key=key,
        kind="NĐ",
        number=number,
        issuer="CP",
        year=year,
        date=_iso(date_of),
        raw=raw,
        initiative=(row.initiative or None) if row else None,
    )
    return Found(hit.start, end, document, row.initiative if row else "")


def _issuer(reading: Reading, hits: Sequence[Hit], start: int, end: int, kind: str) -> str:
    issuer = _issuer_after(reading, hits, end) or _issuer_before(reading, start, kind)
    return issuer if kind in _SIGNED_BY.get(issuer, _YEARLESS) else ""


def _issuer_before(reading: Reading, start: int, kind: str) -> str:
    """ "Thủ tướng Chính phủ Phạm Minh Chính vừa ký ban hành Chỉ thị 18", "Chính phủ ban hành Nghị quyết 175"."""
    first = max(reading.sentence_start(start), start - 90)
    if kind in ("CT", "CĐ"):
        return "TTg" if _SIGNED.search(reading.lower, first, start) else ""
    resolved = _RESOLVED.search(reading.lower, first, start) if kind == "NQ" else None
    return ("CP" if resolved[1] == "chính phủ" else "TW") if resolved else ""


def _issuer_after(reading: Reading, hits: Sequence[Hit], end: int) -> str:
    """The suffix of the body right behind "của": "Chỉ thị số 12 của Bộ trưởng Bộ Y tế"."""
    link = _OF.match(reading.lower, end)
    if link is None:
        return ""
    at = bisect_left(hits, link.end(), key=_start)
    if at == len(hits) or hits[at].start != link.end():
        return ""
    return next((entry.suffix for entry in hits[at].entries if entry.kind is Kind.AGENCY), "")


def _start(place: Hit | Found) -> int:
    return place.start


def _by_issuer(
    kind: str, number: str, issuer: str, raw: str, start: int, end: int, reading: Reading, registry: Registry
) -> Found:
    """It stands for an initiative only with its date: the same number comes again every year."""
    dated = _date_after(reading.lower, end)
    key = f"{number}-{kind}/TW" if issuer == "TW" else f"{number}/{kind}-{issuer}"
    row = _registered(registry.by_key.get(key, ()), None, dated, reading.day) if dated else None
    document = m.Document(
        key=key,
        kind=kind,
        number=number,
        issuer=issuer,
        year=dated.year if dated else None,
        date=_iso(dated),
        raw=raw,
        initiative=(row.initiative or None) if row else None,
    )
    return Found(start, end, document, row.initiative if row else "")


def _short(
    registry: Registry, kind: str, number: str, match: re.Match[str], reading: Reading
) -> RegisteredDocument | None:
    """A bare number counts only near its time, and never another body's of the same number."""
    after = reading.lower[match.end() : match.end() + 40].lstrip()
    if after.startswith(("của hđnd", "của hội đồng", "của quốc hội", "của chính phủ", "của ubnd", "của tỉnh ủy")):
        return None
    dated = _date_after(reading.lower, match.end())
    rows = registry.short.get((kind, number), ())
    if dated is not None:
        return next((row for row in rows if row.date == dated), None)
    day = reading.day
    fits = [r for r in rows if day is None or (r.date <= day and (r.valid_to is None or day <= r.valid_to))]
    return fits[-1] if fits else None


def _from_row(row: RegisteredDocument, raw: str, start: int, end: int) -> Found:
    number, _, kind, issuer = _fields(row.key)
    document = m.Document(
        key=row.key,
        kind=kind,
        number=number,
        issuer=issuer,
        year=row.date.year,
        date=str(row.date),
        raw=raw,
        initiative=row.initiative or None,
    )
    return Found(start, end, document, row.initiative)
