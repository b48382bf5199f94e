"""Dates as publishers write them → an instant with a quality. Day first, the source's own time zone.

Read: RFC 822, ISO 8601 / W3C, `Thứ Năm, 06/02/2025, 14:25`, `10/2/2026 9:25:00 AM` (month or day first as the
source is set; where it is not, AM and PM tell of an American form, and the date is called *inferred*), `GMT+7`,
`+07`, `ICT`, `&#x2B;07:00`, epoch seconds and milliseconds, `ngày 22 tháng 12 năm 2024`. What cannot be read is
*missing*, never "now".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from datetime import timezone as fixed
from functools import lru_cache
from html import unescape
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tinsom.messages import DateQuality

MAX_RAW = 100
# Clocks differ; what is further ahead than this is a mistake or a scheduled page.
TOLERANCE = 900.0
EARLIEST_YEAR = 1970

_OFFSETS = {
    **dict.fromkeys(("z", "utc", "gmt", "ut", "wet"), 0.0),
    **dict.fromkeys(("ict", "wib"), 7.0),
    **dict.fromkeys(("sgt", "hkt"), 8.0),
    **dict.fromkeys(("jst", "kst"), 9.0),
    **dict.fromkeys(("cet", "bst", "west"), 1.0),
    **dict.fromkeys(("cest", "eet"), 2.0),
    **dict.fromkeys(("eest", "msk"), 3.0),
    **dict.fromkeys(("edt",), -4.0),
    **dict.fromkeys(("est", "cdt"), -5.0),
    **dict.fromkeys(("cst", "mdt"), -6.0),
    **dict.fromkeys(("mst", "pdt"), -7.0),
    **dict.fromkeys(("pst",), -8.0),
}
_MONTH_NAMES = "janfebmaraprmayjunjulaugsepoctnovdec"
_MONTHS = {_MONTH_NAMES[i : i + 3]: i // 3 + 1 for i in range(0, 36, 3)}

_EPOCH = re.compile(r"^(\d{10}|\d{13})(?:\.\d+)?$")
_ISO = re.compile(
    r"^(?P<y>\d{4})(?:-?(?P<o>\d{3})(?!\d)|(?P<s>[-/.]?)(?P<m>\d\d?)(?:(?P=s)(?P<d>\d\d?))?)?"
    r"(?:\s*[T ,]\s*(?P<H>\d\d?):?(?P<M>\d\d)(?::?(?P<S>\d\d)(?:[.,]\d+)?)?)?\s*(?P<z>[A-Za-z+\-].{0,12})?$",
    re.IGNORECASE,
)
_TIME = re.compile(r"(?<![\d:+])(\d{1,2})(?::|h|g)(\d{2})(?::(\d{2})(?:[.,]\d+)?)?(?!\d)", re.IGNORECASE)
_HALF = re.compile(r"(?<![a-z])(am|pm|a\.m\.|p\.m\.|sa|ch)(?![a-z])", re.IGNORECASE)
_ZONE = re.compile(
    r"(?<![a-z])(?P<name>" + "|".join(sorted(_OFFSETS, key=len, reverse=True)) + r")?\s*"
    r"(?P<sign>[+-])(?P<h>\d{1,2})(?::?(?P<m>\d{2}))?(?!\d)|(?<![a-z])(?P<only>"
    + "|".join(sorted(_OFFSETS, key=len, reverse=True))
    + r")(?![a-z])",
    re.IGNORECASE,
)
_NAMED = re.compile(r"(?<!\d)(\d{1,2})(?:st|nd|rd|th)?[ -]([A-Za-z]{3})[a-z]*\.?,?[ -](\d{4}|\d{2})(?!\d)")
_MONTH_FIRST = re.compile(r"(?<![A-Za-z])([A-Za-z]{3})[a-z]*\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})")
_ASCTIME = re.compile(r"([A-Za-z]{3}) {1,2}(\d{1,2}) [\d:]{5,8}(?: [A-Z]{2,4})? (\d{4})")
_NUMERIC = re.compile(r"(?<!\d)(\d{1,2})([/.-])(\d{1,2})\2(\d{4})(?!\d)")
_WORDS = re.compile(r"(\d{1,2}) tháng (\d{1,2})(?:,| năm)? (\d{4})", re.IGNORECASE)
_COMMENT = re.compile(r"\([^()]*\)")

# Digits in an address: an optional three-digit site prefix, then the time, then a running number.
_ADDRESS_LONG = re.compile(r"(?<!\d)(20\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)\d{3}(?!\d)")
_ADDRESS_SHORT = re.compile(r"(?<!\d)\d{3}(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)\d{3}(?!\d)")
_ADDRESS_PATH = re.compile(r"/(20\d\d)/(\d\d)/(\d\d)/")


@dataclass(frozen=True, slots=True)
class Dated:
    """`at` is None only when `missing`; a `future` date is clamped to now."""

    at: datetime | None
    quality: DateQuality
    raw: str = ""


@dataclass(frozen=True, slots=True)
class _Parts:
    year: int
    month: int
    day: int
    clock: tuple[int, int, int] | None
    offset: float | None  # hours; None is the source's own zone
    swap: bool = False  # day and month could be the other way round
    guessed: bool = False  # which of them comes first was told by AM/PM alone


@lru_cache(maxsize=64)
def zone(name: str) -> tzinfo:
    """The time zone `name`; raises ValueError. Vietnam needs no database: it is +07:00 since 1975."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        if name in ("Asia/Ho_Chi_Minh", "Asia/Saigon"):
            return fixed(timedelta(hours=7))
        raise ValueError(f"no such time zone: {name!r}") from error


def read(raw: str, *, now: float, timezone: str, month_first: bool | None = None) -> Dated:
    """`raw` as an instant in UTC. `now`: seconds since the epoch, for what lies in the future.

    `month_first` is what is known of the source; None: nothing, then days come first but where AM/PM is written.
    """
    raw = " ".join(unescape(raw).split())[:MAX_RAW]
    local = zone(timezone)
    try:
        if match := _EPOCH.match(raw):
            return _judged(_epoch(match[1]), now, "exact", raw)
        parts = _parts(raw, month_first)
        return _of_parts(parts, local, now, raw) if parts else Dated(None, "missing", raw)
    except (ValueError, OverflowError, OSError):
        return Dated(None, "missing", raw)


def from_address(link: str, *, now: float, timezone: str) -> Dated:
    """The time that many Vietnamese papers write into their addresses; `inferred`, or missing."""
    local = zone(timezone)
    for pattern, century in ((_ADDRESS_LONG, 0), (_ADDRESS_SHORT, 2000), (_ADDRESS_PATH, 0)):
        match = pattern.search(link)
        if match is None:
            continue
        year, *rest = map(int, match.groups())
        try:
            month, day, hour, minute, second = (*rest, 0, 0, 0)[:5]
            at = datetime(year + century, month, day, hour, minute, second, tzinfo=local).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
        if at.year >= 2000 and at.timestamp() <= now + TOLERANCE:
            return Dated(at, "inferred")
    return Dated(None, "missing")


def _epoch(digits: str) -> datetime:
    return datetime.fromtimestamp(int(digits) / (1000 if len(digits) == 13 else 1), UTC)


def _of_parts(parts: _Parts, local: tzinfo, now: float, raw: str) -> Dated:
    quality: DateQuality = "date_only" if parts.clock is None else "inferred" if parts.guessed else "exact"
    found = _judged(_instant(parts, local), now, quality, raw)
    if found.quality != "future":
        return found
    for other in _second_thoughts(parts, local):
        again = _judged(other, now, "inferred", raw)
        if again.quality == "inferred":
            return again
    return found


def _second_thoughts(parts: _Parts, local: tzinfo) -> list[datetime]:
    """What a date in the future may have meant: day and month exchanged; local time called GMT."""
    found = []
    if parts.swap:
        found.append(_instant(replace(parts, day=parts.month, month=parts.day), local))
    if parts.offset == 0.0:
        found.append(_instant(replace(parts, offset=None), local))
    return found


def _judged(at: datetime, now: float, quality: DateQuality, raw: str) -> Dated:
    if at.year < EARLIEST_YEAR:
        return Dated(None, "missing", raw)
    ahead = at.timestamp() - now
    if ahead <= 0:
        return Dated(at, quality, raw)
    return Dated(datetime.fromtimestamp(now, UTC), quality if ahead <= TOLERANCE else "future", raw)


def _instant(parts: _Parts, local: tzinfo) -> datetime:
    hour, minute, second = parts.clock or (0, 0, 0)
    extra = timedelta(days=1) if (hour, minute) == (24, 0) else timedelta(0)
    zone_ = local if parts.offset is None else fixed(timedelta(hours=parts.offset))
    at = datetime(parts.year, parts.month, parts.day, 0 if extra else hour, minute, min(second, 59), tzinfo=zone_)
    return (at + extra).astimezone(UTC)


@lru_cache(maxsize=2_048)  # poll after poll shows the same dates
def _parts(raw: str, month_first: bool | None) -> _Parts | None:
    if match := _ISO.match(raw):
        return _iso(match)
    text = _COMMENT.sub(" ", raw)
    half = _HALF.search(text)
    guess = month_first is None and half is not None and half[1][0].lower() in "ap"
    for reader in _READERS:
        found = reader(text, bool(month_first) or guess)
        if found:
            (year, month, day), swap, rest = found
            clock = _clock(rest, half[1].lower() if half else "")
            offset = _offset(_TIME.sub(" ", rest, count=1))
            return _Parts(year, month, day, clock, offset, swap, guess and swap and day != month)
    return None


def _iso(match: re.Match[str]) -> _Parts:
    clock = None
    if match["H"]:
        clock = (int(match["H"]), int(match["M"]), int(match["S"] or 0))
    offset = _offset(match["z"] or "")
    year = int(match["y"])
    if match["o"]:
        first = datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=int(match["o"]) - 1)
        return _Parts(year, first.month, first.day, clock, offset)
    return _Parts(year, int(match["m"] or 1), int(match["d"] or 1), clock, offset)


_Found = tuple[tuple[int, int, int], bool, str]


def _rest(text: str, match: re.Match[str]) -> str:
    return f"{text[: match.start()]} {text[match.end() :]}"


def _named(text: str, month_first: bool) -> _Found | None:
    match = _NAMED.search(text)
    month = _MONTHS.get(match[2].lower()) if match else None
    if match is None or month is None:
        return None
    year = int(match[3])
    if year < 100:
        year += 2000 if year < 70 else 1900
    return (year, month, int(match[1])), False, _rest(text, match)


def _asctime(text: str, month_first: bool) -> _Found | None:
    match = _ASCTIME.search(text)
    month = _MONTHS.get(match[1].lower()) if match else None
    return ((int(match[3]), month, int(match[2])), False, text) if match and month else None


def _month_name_first(text: str, month_first: bool) -> _Found | None:
    match = _MONTH_FIRST.search(text)
    month = _MONTHS.get(match[1].lower()) if match else None
    return ((int(match[3]), month, int(match[2])), False, _rest(text, match)) if match and month else None


def _numeric(text: str, month_first: bool) -> _Found | None:
    match = _NUMERIC.search(text)
    if match is None:
        return None
    day, month = int(match[1]), int(match[3])
    both = day <= 12 and month <= 12
    if (both and month_first) or (month > 12 >= day):
        day, month = month, day
    return (int(match[4]), month, day), both, _rest(text, match)


def _words(text: str, month_first: bool) -> _Found | None:
    match = _WORDS.search(text)
    return ((int(match[3]), int(match[2]), int(match[1])), False, _rest(text, match)) if match else None


_READERS: tuple[Callable[[str, bool], _Found | None], ...] = (
    _named,
    _numeric,
    _words,
    _asctime,
    _month_name_first,
)


def _clock(rest: str, half: str) -> tuple[int, int, int] | None:
    match = _TIME.search(rest)
    if match is None:
        return None
    hour = int(match[1])
    if half[:1] in ("p", "c") and hour < 12:
        hour += 12
    elif half[:1] in ("a", "s") and hour == 12:
        hour = 0
    return hour, int(match[2]), int(match[3] or 0)


def _offset(text: str) -> float | None:
    """Hours east of Greenwich that `text` names, or None. `GMT+7` is seven hours east, as people mean it."""
    match = _ZONE.search(text)
    if match is None:
        return None
    if match["only"]:
        return _OFFSETS[match["only"].lower()]
    hours = int(match["h"]) + int(match["m"] or 0) / 60
    return hours if match["sign"] == "+" else -hours
