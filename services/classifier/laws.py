"""Laws by their names: the one of the year that is written, else the one in force, or the draft, at that date."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from services.classifier.hits import Hit
from services.classifier.mentions import Found
from services.classifier.patterns import Kind
from services.classifier.reading import Reading
from services.classifier.taxonomy import RegisteredDocument
from tinsom import messages as m

_YEAR = re.compile(r"[\s(]*(?:năm\s|của năm\s)?((?:19|20)[0-9]{2})(?![0-9]|\s?[-/]\s?[0-9])")
_OF_THE_ASSEMBLY = ("Luật", "Bộ luật", "Pháp lệnh")
_DRAFTS = ("dự thảo", "dự án", "sửa đổi")


def find(
    reading: Reading, hits: Sequence[Hit], by_key: Mapping[str, Sequence[RegisteredDocument]]
) -> Iterable[Found]:
    named = [
        (hit, laws)
        for hit in hits
        if hit.start < reading.tail and (laws := tuple(e.id for e in hit.entries if e.kind is Kind.LAW))
    ]
    drafts = {laws for hit, laws in named if _is_draft(reading, hit)}
    for hit, laws in named:
        rows = sorted((row for key in laws for row in by_key[key]), key=_of_date)
        yield _law(reading, hit, rows, draft=laws in drafts)


def _is_draft(reading: Reading, hit: Hit) -> bool:
    near = reading.lower[max(0, hit.start - 25) : hit.end + 12]
    return any(word in near for word in _DRAFTS)


def _of_date(row: RegisteredDocument) -> date:
    return row.date


def _law(reading: Reading, hit: Hit, rows: Sequence[RegisteredDocument], *, draft: bool) -> Found:
    """A key is "<name> <year>": with the year that is written, else of the law in force, or the draft, then."""
    name = rows[0].key[:-5]
    match = _YEAR.match(reading.lower, hit.end, hit.end + 16)
    year: int | None = int(match[1]) if match else _in_force(rows, reading.day, draft=draft).date.year
    if match is None and reading.day is not None and year is not None and year > reading.day.year:
        year = None  # in the making: nobody knew then
    document = m.Document(
        key=f"{name} {year}" if year else name,
        kind=rows[0].kind or name.split(" ", 1)[0],
        number="",
        issuer="QH" if rows[0].kind in _OF_THE_ASSEMBLY else None,
        year=year,
        date=None,
        raw=reading.plain[hit.start : match.end() if match else hit.end],
    )
    return Found(hit.start, hit.end, document, "")


def _in_force(rows: Sequence[RegisteredDocument], day: date | None, *, draft: bool) -> RegisteredDocument:
    if day is None:
        return rows[-1]
    ahead = 400 if draft else 0
    known = [row for row in rows if (row.date - day).days <= ahead]
    return known[-1] if known else rows[0]
