"""Times of day where a reader lives: quiet hours and digests. Pure.

A rule is local wall-clock time in an IANA zone; a night in which clocks change is shorter or longer, and stays
one night. All comparisons are in UTC, since two local times of one zone compare by the wall.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_QUIET = re.compile(r"(?:(?P<days>[a-z,-]+)\s+)?(?P<start>\d{1,2}:\d{2})\s*-\s*(?P<end>\d{1,2}:\d{2})")


class Settings(Protocol):
    """What a destination says about its times; `tinsom.messages.Destination` and its configuration do."""

    @property
    def timezone(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def digest_at(self) -> str: ...
    @property
    def quiet(self) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Quiet:
    """From `start` on each of `days` for `minutes`; a window that ends before it starts passes midnight."""

    days: frozenset[int]
    start: time
    minutes: int


def parse_quiet(text: str) -> Quiet:
    """`22:00-06:30`, `mon-fri 22:00-06:30`, `sat,sun 00:00-24:00`; raises ValueError."""
    match = _QUIET.fullmatch(text.strip().lower())
    if match is None:
        raise ValueError(f"{text!r} is no quiet time; write 22:00-06:30 or sat,sun 00:00-24:00")
    start, end = _minutes(match["start"]), _minutes(match["end"])
    if start == 1440:
        raise ValueError(f"{text!r} starts at 24:00; write 00:00 of the next day")
    length = (end - start) % 1440 or 1440
    return Quiet(_days(match["days"] or "mon-sun"), time(start // 60, start % 60), length)


def _minutes(text: str) -> int:
    hours, minutes = map(int, text.split(":"))
    if hours > 24 or minutes > 59 or (hours == 24 and minutes):
        raise ValueError(f"{text!r} is no time of day")
    return hours * 60 + minutes


def _days(text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if first not in DAYS or (last and last not in DAYS):
            raise ValueError(f"{part!r} is no day; days are {', '.join(DAYS)}")
        a, b = DAYS.index(first), DAYS.index(last or first)
        found |= {(a + n) % 7 for n in range((b - a) % 7 + 1)}
    return frozenset(found)


def parse_time(text: str) -> time:
    """`07:30`; raises ValueError."""
    if not re.fullmatch(r"\d{1,2}:\d{2}", text) or (minutes := _minutes(text)) >= 1440:
        raise ValueError(f"{text!r} is no time of day; write 07:30")
    return time(minutes // 60, minutes % 60)


def faults(settings: Settings) -> list[str]:
    """What is wrong with the times of a destination, each in one line."""
    found = []
    try:
        ZoneInfo(settings.timezone)
    except (KeyError, ValueError, OSError):
        found.append(f"{settings.timezone!r} is no time zone; write Asia/Ho_Chi_Minh")
    for check, texts in ((parse_quiet, settings.quiet), (parse_time, [settings.digest_at])):
        for text in texts:
            try:
                check(text)
            except ValueError as error:
                found.append(str(error))
    return found


def quiet_until(moment: datetime, settings: Settings) -> datetime | None:
    """End (UTC) of the quiet time that `moment` lies in, windows that touch taken together; None outside."""
    rules = [parse_quiet(text) for text in settings.quiet]
    end = None
    # A week of round-the-clock quiet has no end worth waiting for; eight steps pass every real combination.
    for _ in range(8):
        further = _end_at(end or moment.astimezone(UTC), rules, ZoneInfo(settings.timezone))
        if further is None:
            return end
        end = further
    return end


def _end_at(moment: datetime, rules: Sequence[Quiet], zone: ZoneInfo) -> datetime | None:
    today = moment.astimezone(zone).date()
    ends = [
        end
        for rule in rules
        for start, end in _windows(rule, (today - timedelta(days=1), today), zone)
        if start <= moment < end
    ]
    return max(ends, default=None)


def _windows(rule: Quiet, days: Iterable[date], zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    for day in days:
        if day.weekday() in rule.days:
            start = datetime.combine(day, rule.start)
            # The end is a wall-clock time too: local arithmetic first, then the zone.
            end = start + timedelta(minutes=rule.minutes)
            yield start.replace(tzinfo=zone).astimezone(UTC), end.replace(tzinfo=zone).astimezone(UTC)


def next_digest(after: datetime, settings: Settings) -> datetime:
    """The next moment (UTC) later than `after` at which this destination's digest is due; never a quiet one."""
    due = _next_scheduled(after.astimezone(UTC), settings)
    return quiet_until(due, settings) or due


def next_hour(after: datetime, settings: Settings) -> datetime:
    """The next full hour (UTC), or the end of the quiet time that it lies in."""
    due = after.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return quiet_until(due, settings) or due


def _next_scheduled(after: datetime, settings: Settings) -> datetime:
    if settings.digest == "hourly":
        return after.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    zone, at = ZoneInfo(settings.timezone), parse_time(settings.digest_at)
    today = after.astimezone(zone).date()
    for ahead in range(9):
        day = today + timedelta(days=ahead)
        due = datetime.combine(day, at, tzinfo=zone).astimezone(UTC)
        if due > after and (settings.digest == "daily" or day.weekday() == 0):
            return due
    raise AssertionError("a week has a Monday")
