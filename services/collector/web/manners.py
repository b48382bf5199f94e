"""What a publisher asks of whoever polls: how long to wait, which hours and days to stay away. Pure.

Asked by HTTP (`Cache-Control`, `Expires`; on a 304 as on a 200) or by the feed (`ttl`, `sy:update…`,
`skipHours`, `skipDays`). HTTP is believed for an hour. A feed's own wish is mostly a default of its software
(WordPress writes "hourly" into every feed): it is kept for a time by tier, since early is what we are for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec

LONGEST_CACHE = 3_600.0
LONGEST_WISH = {1: 300.0, 2: 900.0}
LONGEST_WISH_ELSE = 3_600.0
HOUR = 3_600.0
_PERIODS = {
    "hourly": HOUR,
    "daily": 24 * HOUR,
    "weekly": 168 * HOUR,
    "monthly": 720 * HOUR,
    "yearly": 8_760 * HOUR,
}
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)
_FRESH = re.compile(r"no-cache|no-store|must-revalidate", re.IGNORECASE)
_DAYS = {
    name: i
    for i, name in enumerate(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"))
}


class Wishes(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a feed document asks for. Hours and days are GMT's; `ttl` and `period` are seconds."""

    ttl: float = 0.0
    period: float = 0.0
    skip_hours: tuple[int, ...] = ()
    skip_days: tuple[int, ...] = ()  # Monday is 0


def wishes(
    *,
    ttl: str = "",
    period: str = "",
    frequency: str = "",
    hours: tuple[str, ...] = (),
    days: tuple[str, ...] = (),
) -> Wishes:
    """Read the wishes as a document writes them; what cannot be read is no wish."""
    return Wishes(
        ttl=min(float(ttl.strip()[:6]) * 60, 24 * HOUR) if _is_number(ttl) else 0.0,
        period=_PERIODS.get(period.strip().lower(), 0.0)
        / max(1, int(frequency.strip()[:4]) if _is_number(frequency) else 1),
        skip_hours=tuple(sorted({int(h.strip()[:2]) % 24 for h in hours if _is_number(h)})),
        skip_days=tuple(sorted({_DAYS[d.strip().lower()] for d in days if d.strip().lower() in _DAYS})),
    )


def wait(headers: Mapping[str, str], wish: Wishes, tier: int, now: float) -> float:
    """Seconds for which the publisher asks not to be polled again after a good answer."""
    own = min(max(wish.ttl, wish.period), LONGEST_WISH.get(tier, LONGEST_WISH_ELSE))
    return max(fresh_for(headers, now), own)


def fresh_for(headers: Mapping[str, str], now: float) -> float:
    """How long HTTP calls an answer fresh, at most an hour."""
    control = headers.get("cache-control", "")
    match = _MAX_AGE.search(control)
    if match:
        age = headers.get("age", "")
        return min(max(float(match[1]) - (float(age[:9]) if _is_number(age) else 0.0), 0.0), LONGEST_CACHE)
    if _FRESH.search(control) or "expires" not in headers:
        return 0.0
    expires, date = _http_date(headers["expires"]), _http_date(headers.get("date", ""))
    return min(max(expires - (date or now), 0.0), LONGEST_CACHE) if expires else 0.0


def outside_skipped(due: float, wish: Wishes) -> float:
    """`due`, or the first hour after it in which the publisher wants to be asked; within a week there is one."""
    for _ in range(7 * 24):
        at = datetime.fromtimestamp(due, UTC)
        if at.hour not in wish.skip_hours and at.weekday() not in wish.skip_days:
            return due
        due = (due // HOUR + 1) * HOUR
    return due


def _http_date(value: str) -> float:
    try:
        return parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError, OverflowError):
        return 0.0


def _is_number(text: str) -> bool:
    text = text.strip()
    return text.isascii() and text.isdigit()
