"""Indicators: a number in Vietnamese form with the unit that it counts, as printed even where it looks wrong."""

from __future__ import annotations

import re
from bisect import bisect_left
from itertools import pairwise

from services.classifier.reading import Reading
from tinsom import messages as m
from tinsom.text import single_spaced

_SCALES = {"nghìn": 1e3, "ngàn": 1e3, "triệu": 1e6, "tỷ": 1e9, "tỉ": 1e9, "vạn": 1e4}
_UNITS = (
    "tài khoản", "hồ sơ", "nhiệm vụ", "thủ tục hành chính", "thủ tục", "dịch vụ công", "lượt", "giao dịch",
    "người dân", "người", "cơ sở dữ liệu", "cơ sở", "bệnh viện", "nền tảng", "mục tiêu", "đồng chí", "đồng",
    "usd", "văn bản", "doanh nghiệp", "thẻ căn cước", "thẻ", "bản ghi", "trường hợp", "công dân", "thuê bao",
    "cuộc gọi", "điểm", "trạm", "camera", "khách hàng", "học sinh", "sinh viên", "máy", "trường", "địa phương",
    "tỉnh", "xã", "phường", "bộ", "tổ",
)  # fmt: skip
_UNIT = re.compile(r"\s?(%)|((?:\s(?:nghìn|ngàn|triệu|tỷ|tỉ|vạn))*)\s(" + "|".join(_UNITS) + r")(?!\w)")
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+$")
_COMMAS = re.compile(r"[0-9]{1,3}(?:,[0-9]{3}){2,}")
_PART_BEFORE = "/-.,%"
# "top 18", "xếp hạng 71/193": a place in a ranking counts nothing, its number is the indicator.
_RANKS = ("top ", "hạng ", "vị trí thứ ", "xếp thứ ", "đứng thứ ")
_RANK_ENDS = frozenset(rank[-2] for rank in _RANKS)
RANK = "hạng"
# A day and its month are no ratio.
_DAYS = ("ngày ", "sáng ", "trưa ", "chiều ", "tối ", "trước ", "đến ", "từ ", "nay ", "qua ", "và ", "(")
# Read from the right, where the last break of a clause comes first. It begins with the mark: spaces are commoner.
_BREAK_BACKWARDS = re.compile(r"[.,;:()](?:(?<=[;()])|(?<=\s[.,:]))")
_CLAUSE = re.compile(r"[.,;:()](?:\s|(?<=[;()])|(?<=\.)$)")
MAX_NAME = 80
MAX_INDICATORS = 40


def find(reading: Reading) -> list[tuple[int, m.Indicator]]:
    """Each with its position in the reading, in order."""
    found: list[tuple[int, m.Indicator]] = []
    lower, numbers = reading.lower, reading.numbers
    first = bisect_left(numbers, (reading.title_end,))
    for previous, (start, end) in pairwise([(0, 0), *numbers[first : bisect_left(numbers, (reading.tail,))]]):
        whole, mark = start, lower[start - 1]
        if mark != " ":
            if mark.isalpha():
                continue  # part of a word
            if mark in _PART_BEFORE and (whole := _whole(lower, start, mark, previous)) < 0:
                continue  # part of a date or a document number
        unit = _UNIT.match(lower, end) if lower[end] in " %" else None
        if unit is not None:
            indicator = _counted(reading.plain, whole, start, end, unit)
        elif lower[whole - 2] in _RANK_ENDS and lower.endswith(_RANKS, 0, whole):
            indicator = _rank(reading, whole, start, end)
        else:
            continue
        if indicator is not None:
            found.append((whole, indicator))
            if len(found) == MAX_INDICATORS:
                break
    return found


def _whole(lower: str, start: int, mark: str, previous: tuple[int, int]) -> int:
    """Where 21/84 and 8,3-8,5 begin, which end with the number at `start`; -1 when it is part of another thing."""
    first, last = previous
    if mark not in "/-" or last != start - 1 or lower[first - 1] in _PART_BEFORE or lower[first - 1].isalpha():
        return -1
    return -1 if mark == "/" and lower.endswith(_DAYS, 0, first) else first


def _counted(plain: str, whole: int, start: int, end: int, unit: re.Match[str]) -> m.Indicator | None:
    value = _value(plain[start:end], unit[2])
    if value is None:
        return None
    name, raw, counted = _name(plain, whole, unit.end()), plain[whole : unit.end()], unit[1] or unit[3]
    if whole == start:
        return m.Indicator(name=name, value=value, unit=counted, raw=raw)
    part = _value(plain[whole : start - 1], unit[2])
    if part is None or part > value:
        return None
    if plain[start - 1] == "/":
        return m.Indicator(name=name, value=part, unit=counted, raw=raw, of=value)
    return m.Indicator(name=name, value=part, unit=counted, raw=raw, to=value)


def _rank(reading: Reading, whole: int, start: int, end: int) -> m.Indicator | None:
    plain = reading.plain
    value = _value(plain[start:end].rstrip(".,"), "")
    if value is None or plain[end] in "/-" or plain[end].isalpha() or (whole != start and plain[start - 1] != "/"):
        return None
    name, raw = _name(plain, whole, end), plain[whole:end].rstrip(".,")
    if whole == start:
        return m.Indicator(name=name, value=value, unit=RANK, raw=raw)
    place = _value(plain[whole : start - 1], "")
    return None if place is None else m.Indicator(name=name, value=place, unit=RANK, raw=raw, of=value)


def _value(digits: str, scales: str | None) -> float | None:
    value = None if digits[-1] in ".," else parse_number(digits)
    if value is not None and scales:
        for scale in scales.split():
            value *= _SCALES[scale]
    return value


def parse_number(digits: str) -> float | None:
    """Decimal comma, thousand points: 28,2 and 230.000; a point before fewer than three digits is a decimal."""
    if digits.isdecimal():
        return float(digits)
    if digits.count(",") == 1:
        digits = digits.replace(".", "").replace(",", ".")
    elif _THOUSANDS.match(digits):
        digits = digits.replace(".", "")
    elif _COMMAS.fullmatch(digits):
        digits = digits.replace(",", "")
    else:
        digits = digits.replace(",", ".")
    try:
        return float(digits)
    except ValueError:
        return None


def _name(plain: str, start: int, end: int) -> str:
    """What is counted: the words before in the same clause and the few after the unit."""
    before = plain[start - MAX_NAME if start > MAX_NAME else 0 : start]
    broken = _BREAK_BACKWARDS.search(before[::-1])
    before = before[len(before) - broken.start() :] if broken else before
    after = plain[end : end + 40]
    broken = _CLAUSE.search(after)
    after = after[: broken.start()] if broken else after
    return single_spaced(f"{before.strip()} … {after.strip()}".strip(" …"))
