"""Indicators: a number in Vietnamese form with the unit that it counts, as printed even where it looks wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable

from services.classifier.reading import Reading
from tinsom import messages as m

_NUMBER = re.compile(r"[0-9][0-9.,]*")
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
_CLAUSE = re.compile(r"[.,;:()]\s|[;()]|\.$")
MAX_NAME = 80
MAX_INDICATORS = 40


def find(reading: Reading) -> list[tuple[int, m.Indicator]]:
    """Each with its position in the reading, in order."""
    found: list[tuple[int, m.Indicator]] = []
    for indicator in _all(reading):
        found.append(indicator)
        if len(found) == MAX_INDICATORS:
            break
    return found


def _all(reading: Reading) -> Iterable[tuple[int, m.Indicator]]:
    lower, plain = reading.lower, reading.plain
    for match in _NUMBER.finditer(lower, reading.title_end, reading.tail):
        start, end = match.span()
        before = lower[start - 1]
        if lower[end] not in " %" or before in "/-.,%" or before.isalpha():
            continue  # part of a date, a document number, a range or a word
        digits = match[0]
        if digits[-1] in ".,":
            continue
        unit = _UNIT.match(lower, end)
        if unit is None:
            continue
        value = parse_number(digits)
        if value is None:
            continue
        for scale in (unit[2] or "").split():
            value *= _SCALES[scale]
        indicator = m.Indicator(
            name=_name(plain, start, unit.end()),
            value=value,
            unit=unit[1] or unit[3],
            raw=plain[start : unit.end()],
        )
        yield start, indicator


def parse_number(digits: str) -> float | None:
    """Decimal comma, thousand points: 28,2 and 230.000; a point before fewer than three digits is a decimal."""
    if _THOUSANDS.match(digits):
        digits = digits.replace(".", "")
    elif digits.count(",") == 1 and "." in digits:
        digits = digits.replace(".", "").replace(",", ".")
    elif re.fullmatch(r"[0-9]{1,3}(?:,[0-9]{3}){2,}", digits):
        digits = digits.replace(",", "")
    else:
        digits = digits.replace(",", ".")
    try:
        return float(digits)
    except ValueError:
        return None


def _name(plain: str, start: int, end: int) -> str:
    """What is counted: the words before in the same clause and the few after the unit."""
    before = _CLAUSE.split(plain[max(0, start - MAX_NAME) : start])[-1]
    after = _CLAUSE.split(plain[end : end + 40], 1)[0]
    name = f"{before.strip()} … {after.strip()}".strip(" …")
    return " ".join(name.split())
