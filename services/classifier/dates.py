"""Dates as Vietnamese announcements write them: day before month, years left out, quarters, "đến tháng 6"."""

from __future__ import annotations

import calendar
import re
from bisect import bisect_left
from datetime import date, timedelta
from typing import Literal

import msgspec

Precision = Literal["day", "month", "quarter", "year"]


class When(msgspec.Struct, frozen=True, gc=False):
    """`day` is the last day of the period that was named."""

    day: date
    precision: Precision
    start: int
    end: int


_ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "1": 1, "2": 2, "3": 3, "4": 4, "một": 1, "hai": 2, "ba": 3, "tư": 4}
_SEP = r"\s?[/.-]\s?"
# The look back stands behind the first digit: a pattern that begins with a digit is searched for quickly.
_DAY = re.compile(
    r"([0-9](?<![0-9/.-][0-9])[0-9]?)"
    rf"(?:{_SEP}([0-9]{{1,2}})(?:{_SEP}([0-9]{{4}}))?(?!\s?[/-]?[0-9])"
    r"| tháng ([0-9]{1,2})(?:(?: năm |/)([0-9]{4}))?)"
)
_MONTH = re.compile(r"tháng ([0-9]{1,2})(?:(?:\s?[/-]\s?| năm |\.)([1-9][0-9]{3})| năm nay)?(?![0-9/])")
_QUARTER = re.compile(r"quý (i{1,3}|iv|[1-4])(?![\w])(?:(?:\s?[/-]\s?| năm |\s)([1-9][0-9]{3})| năm nay)?")
_YEAR = re.compile(r"năm ([0-9]{4})(?![0-9])|năm nay")


_TIME_WORDS = ("ngày", "sáng", "chiều", "tối", "trưa", "từ", "đến", "trước", "mai", "nay", "sau", "và")


def month_end(year: int, month: int) -> date:
    return date(year, month, calendar.monthrange(year, month)[1])


def nearest_year(month: int, day: int, around: date, *, past: bool) -> date | None:
    """The date without year that lies nearest to publication; a past one may not be more than a month ahead."""
    candidates = []
    for year in (around.year - 1, around.year, around.year + 1):
        try:
            candidates.append(date(year, month, min(day, calendar.monthrange(year, month)[1])))
        except (ValueError, calendar.IllegalMonthError):
            return None
    if past:
        candidates = [c for c in candidates if c <= around + timedelta(days=31)] or candidates
    return min(candidates, key=lambda c: abs((c - around).days))


def find(lower: str, start: int, end: int, around: date | None, *, past: bool = False) -> list[When]:
    """All dates in `lower[start:end]`, in order, the most exact reading of each place."""
    found: list[When] = []
    for word, pattern, read in _READERS:
        if word and lower.find(word, start, end) == -1:
            continue
        exact = len(found)  # one pattern's own finds never overlap
        if exact > 1:
            found.sort(key=_start)
        for match in pattern.finditer(lower, start, end):
            if exact and _overlaps(match, found, exact):
                continue
            if (when := read(match, around, past)) is not None:
                found.append(when)
    return sorted(found, key=_start) if len(found) > 1 else found


def _overlaps(match: re.Match[str], found: list[When], exact: int) -> bool:
    start, end = match.span()
    at = bisect_left(found, end, 0, exact, key=_start) - 1
    return at >= 0 and found[at].end > start


def _start(when: When) -> int:
    return when.start


def _read_day(match: re.Match[str], around: date | None, past: bool) -> When | None:
    day, month, year, named_month, its_year = match.groups()
    d, m, year = int(day), int(month or named_month), year or its_year
    if not (1 <= d <= 31 and 1 <= m <= 12):
        return None
    try:
        if year:
            return When(date(int(year), m, d), "day", *match.span())
        # A bare 21/84 or 24/7 is a ratio: only a word of time before makes it a date.
        before = match.string[max(0, match.start() - 12) : match.start()].rstrip(" (")
        if not before.endswith(_TIME_WORDS):
            return None
        found = nearest_year(m, d, around, past=past) if around else None
    except ValueError:
        return None
    return When(found, "day", *match.span()) if found else None


def _read_month(match: re.Match[str], around: date | None, past: bool) -> When | None:
    month = int(match[1])
    if not 1 <= month <= 12:
        return None
    if match[2]:
        return When(month_end(int(match[2]), month), "month", *match.span())
    if around is None:
        return None
    if "năm nay" in match[0]:
        return When(month_end(around.year, month), "month", *match.span())
    near = nearest_year(month, 31, around, past=past)
    return When(near, "month", *match.span()) if near else None


def _read_quarter(match: re.Match[str], around: date | None, past: bool) -> When | None:
    year = int(match[2]) if match[2] else (around.year if around else 0)
    return When(month_end(year, _ROMAN[match[1]] * 3), "quarter", *match.span()) if year else None


def _read_year(match: re.Match[str], around: date | None, past: bool) -> When | None:
    year = int(match[1]) if match[1] else (around.year if around else 0)
    return When(date(year, 12, 31), "year", *match.span()) if 1990 <= year <= 2100 else None


# The word without which a pattern finds nothing: looking for it costs little. The most exact pattern first.
_READERS = (
    ("", _DAY, _read_day),
    ("tháng", _MONTH, _read_month),
    ("quý", _QUARTER, _read_quarter),
    ("năm", _YEAR, _read_year),
)
