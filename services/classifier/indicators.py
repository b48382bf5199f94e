"""Indicators: a number in Vietnamese form with the unit that it counts, as printed even where it looks wrong."""

from __future__ import annotations

import re
from bisect import bisect_left

from services.classifier.reading import Reading
from tinsom import messages as m

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
# Read from the right, where the last break of a clause comes first.
_BREAK_BACKWARDS = re.compile(r"[\s;()](?:(?<=\s)[.,;:()]|(?<=[;()]))")
_CLAUSE = re.compile(r"[.,;:()]\s|[;()]|\.$")
MAX_NAME = 80
MAX_INDICATORS = 40


def find(reading: Reading) -> list[tuple[int, m.Indicator]]:
    """Each with its position in the reading, in order."""
    found: list[tuple[int, m.Indicator]] = []
    lower, numbers = reading.lower, reading.numbers
    first = bisect_left(numbers, (reading.title_end,))
    for start, end in numbers[first : bisect_left(numbers, (reading.tail,))]:
        if lower[end] not in " %" or lower[start - 1] in _PART_BEFORE or lower[start - 1].isalpha():
            continue  # part of a date, a document number, a range or a word
        unit = _UNIT.match(lower, end)
        if unit is None or (indicator := _indicator(reading.plain, start, end, unit)) is None:
            continue
        found.append((start, indicator))
        if len(found) == MAX_INDICATORS:
            break
    return found


def _indicator(plain: str, start: int, end: int, unit: re.Match[str]) -> m.Indicator | None:
    digits = plain[start:end]
    value = None if digits[-1] in ".," else parse_number(digits)
    if value is None:
        return None
    scales, percent, counted = unit[2], unit[1], unit[3]
    for scale in scales.split() if scales else ():
        value *= _SCALES[scale]
    return m.Indicator(
        name=_name(plain, start, unit.end()), value=value, unit=percent or counted, raw=plain[start : unit.end()]
    )


def parse_number(digits: str) -> float | None:
    """Decimal comma, thousand points: 28,2 and 230.000; a point before fewer than three digits is a decimal."""
    if digits.isdecimal():
        return float(digits)
    if _THOUSANDS.match(digits):
        digits = digits.replace(".", "")
    elif digits.count(",") == 1 and "." in digits:
        digits = digits.replace(".", "").replace(",", ".")
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
    before = plain[max(0, start - MAX_NAME) : start]
    broken = _BREAK_BACKWARDS.search(before[::-1])
    before = before[len(before) - broken.start() :] if broken else before
    after = plain[end : end + 40]
    broken = _CLAUSE.search(after)
    after = after[: broken.start()] if broken else after
    name = f"{before.strip()} … {after.strip()}".strip(" …")
    return " ".join(name.split())
