"""Has an official source that speaks every day fallen silent? By its own rhythm. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from services.classifier.story.reminders import ZONE, slim
from tinsom import messages as m

OFFICIAL = 1
MISSED = 3  # of its own days
HOUR = 8  # local; nobody is woken for what did not happen
DAILY = 5  # weekdays on which it speaks
WEEKS, OFTEN = 4, 3  # a weekday is its own when it spoke on so many of the last so many
SHARE = 0.5  # of the other daily official sources must have spoken, or it was a holiday
KEPT = timedelta(weeks=WEEKS, days=7)


class Pulse(m.Message, frozen=True, kw_only=True):
    """The rhythm of an official source; state of the story step, among the stories, under `pulse/<source>`."""

    source: str
    name: str
    days: list[str]  # local dates of the last five weeks on which it said something
    last: datetime
    item: str  # its last
    tagged: msgspec.Raw  # of that item: a TaggedItem without text
    told: bool = False  # that it is silent; the next item ends that


class Missed(NamedTuple):
    """A silent source, and the days on which it would have spoken."""

    pulse: Pulse
    days: list[date]


def beaten(known: Pulse | None, item: m.Item, tags: m.Tags) -> Pulse:
    """The pulse of a source after one more item."""
    day = _day(item.fetched_at)
    days = [*(known.days if known else ()), day.isoformat()]
    first = (day - KEPT).isoformat()
    if known is not None and known.last > item.fetched_at:
        return replace(known, days=sorted({*days})[-KEPT.days :])
    return Pulse(
        source=item.source,
        name=item.source_name or item.publisher,
        days=sorted({one for one in days if one >= first}),
        last=item.fetched_at,
        item=item.id,
        tagged=slim(item, tags, []),
    )


def silent(pulses: Mapping[str, Pulse], now: datetime, heard: Callable[[date], bool]) -> list[Missed]:
    """Each source that has just become silent. `heard`: did anybody speak on that day? Else we were deaf."""
    if now.astimezone(ZONE).hour < HOUR:
        return []
    daily = {source: own for source, pulse in sorted(pulses.items()) if len(own := weekdays(pulse)) >= DAILY}
    found = []
    for source, own in daily.items():
        pulse = pulses[source]
        others = [pulses[other] for other in daily if other != source]
        days = [d for d in _passed(pulse, _day(now)) if d.weekday() in own and _is_working(d, others) and heard(d)]
        if not pulse.told and len(days) >= MISSED:
            found.append(Missed(pulse, days))
    return found


def weekdays(pulse: Pulse) -> frozenset[int]:
    """On which it usually speaks; none before four weeks are known."""
    spoken = {date.fromisoformat(day) for day in pulse.days}
    last = _day(pulse.last)
    if not spoken or min(spoken) > last - timedelta(weeks=WEEKS - 1):
        return frozenset()
    recent = [last - timedelta(days=n) for n in range(7 * WEEKS) if last - timedelta(days=n) in spoken]
    return frozenset(w for w in range(7) if sum(day.weekday() == w for day in recent) >= OFTEN)


def _passed(pulse: Pulse, today: date) -> list[date]:
    """The whole days since its last item."""
    last = _day(pulse.last)
    return [last + timedelta(days=n) for n in range(1, (today - last).days)]


def _is_working(day: date, others: Sequence[Pulse]) -> bool:
    """Did the others speak? Alone there is nobody to ask."""
    spoke = sum(day.isoformat() in other.days for other in others)
    return not others or spoke >= SHARE * len(others)


def _day(moment: datetime) -> date:
    return moment.astimezone(ZONE).date()
