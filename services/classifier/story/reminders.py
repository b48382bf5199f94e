"""Deadlines that come back: which tasks of an item are to be told again, when, and what is due now. Pure.

A task is known again by who must do it and by the words of what is to be done, not by its date: a later document
or an edit that names another date moves the reminder.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from tinsom import messages as m
from tinsom.ids import id_of
from tinsom.text import normalise

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
DAYS_BEFORE = (7, 3, 1)
HOUR = time(8, 0)
# A target for 2030 is a plan; nobody is reminded of it the week before.
FARTHEST = timedelta(days=400)
MOST = 20  # of one item
SAME_ACTION = 0.6
_WORD = re.compile(r"[^\W\d_]+")


class Changes(NamedTuple):
    """`kept` are new or moved, `ended` are ids of those that nothing more is due of."""

    kept: list[m.Reminder]
    ended: list[str]


def changes(known: Sequence[m.Reminder], story: m.Story, item: m.Item, tags: m.Tags, now: datetime) -> Changes:
    """What a revision of an item makes of the reminders of its story, `known`, in the order of their ids.

    `now` is when the item was fetched: what was due before that is not told. A baseline reminds of nothing, a
    withdrawn item of nothing any more.
    """
    own = [reminder for reminder in known if reminder.item == item.id]
    if item.change == "withdrawn":
        return Changes([], [reminder.id for reminder in own])
    if story.baseline or item.baseline:
        return Changes([], [])
    moved, new = _paired(known, item, _tasks(tags, now))
    made = [_reminder(story, item, tags, task, now, identity) for identity, task in moved]
    taken = {reminder.id for reminder in known}
    for task in new:
        identity = _identity(story.id, task, taken)
        taken.add(identity)
        made.append(_reminder(story, item, tags, task, now, identity))
    before = {reminder.id for reminder in known}
    return Changes([r for r in made if r.due], [r.id for r in made if not r.due and r.id in before])


def _tasks(tags: m.Tags, now: datetime) -> list[m.Task]:
    """Each deadline once, if it can still be told."""
    found: dict[tuple[str, str], m.Task] = {}
    for task in tags.tasks:
        day = deadline(task)
        if day is not None and now.astimezone(ZONE).date() < day <= (now + FARTHEST).date():
            found.setdefault((" ".join(_words(task.action)), day.isoformat()), task)
    return list(found.values())[:MOST]


def _paired(
    known: Sequence[m.Reminder], item: m.Item, tasks: Iterable[m.Task]
) -> tuple[list[tuple[str, m.Task]], list[m.Task]]:
    """Reminders whose date another date replaces, and tasks that nobody knew. The exact ones go first, so that
    two dates for one action stay two reminders however often they are read.
    """
    free = list(known)
    others = []
    for task in tasks:
        same = next((r for r in free if deadline(r.task) == deadline(task) and alike(r.task, task)), None)
        if same is None:
            others.append(task)
        else:
            free.remove(same)
    moved, new = [], []
    for task in others:
        old = next((r for r in free if alike(r.task, task) and _may_move(r, item)), None)
        if old is None:
            new.append(task)
        else:
            free.remove(old)
            moved.append((old.id, task))
    return moved, new


def _may_move(reminder: m.Reminder, item: m.Item) -> bool:
    """A paper's slip of the pen does not move what an official source has said."""
    return item.id == reminder.item or item.tier <= reminder.tier


def alike(first: m.Task, second: m.Task) -> bool:
    """Told to the same body, if both name one, to do the same in nearly the same words."""
    if first.lead and second.lead and not set(first.lead) & set(second.lead):
        return False
    a, b = set(_words(first.action)), set(_words(second.action))
    return len(a & b) >= SAME_ACTION * max(1, min(len(a), len(b)))


def _reminder(
    story: m.Story, item: m.Item, tags: m.Tags, task: m.Task, now: datetime, identity: str
) -> m.Reminder:
    day = deadline(task)
    return m.Reminder(
        id=identity,
        story=story.id,
        item=item.id,
        tier=item.tier,
        task=task,
        due=[] if day is None else [moment for moment in moments(day) if moment > now],
        tagged=slim(item, tags, [task]),
    )


def _identity(story: str, task: m.Task, taken: set[str]) -> str:
    """Of the story, who, and what; of the date too where one action has several."""
    parts = [story, *sorted(task.lead), " ".join(_words(task.action))]
    identity = id_of(*parts)
    return id_of(*parts, task.deadline or "") if identity in taken else identity


def slim(item: m.Item, tags: m.Tags, tasks: list[m.Task]) -> msgspec.Raw:
    """Enough to match subscriptions and to write the alert; whole articles do not wait for months."""

    def bare(found: list[m.Tag]) -> list[m.Tag]:
        return [replace(tag, evidence=[]) for tag in found]

    light = replace(
        tags,
        initiatives=bare(tags.initiatives),
        agencies=bare(tags.agencies),
        tasks=tasks,
        indicators=[],
        events=[],
    )
    raw = msgspec.Raw(msgspec.json.encode(replace(item, text="")))
    return msgspec.Raw(msgspec.json.encode(m.TaggedItem(item=raw, tags=light)))


def deadline(task: m.Task) -> date | None:
    """The last day of the period that the task names."""
    try:
        return date.fromisoformat(task.deadline or "")
    except ValueError:
        return None


def moments(day: date) -> list[datetime]:
    """08:00 in Hà Nội, seven, three and one days before a deadline."""
    return [datetime.combine(day - timedelta(days=days), HOUR, ZONE) for days in DAYS_BEFORE]


def moments_of(tags: m.Tags) -> list[datetime]:
    """When reminders of these tags' deadlines are due, each once, in order."""
    days = {day for task in tags.tasks if (day := deadline(task)) is not None}
    return sorted({moment for day in days for moment in moments(day)})


def fired(reminder: m.Reminder, now: datetime) -> tuple[bool, m.Reminder | None]:
    """Whether to tell it now, and what is left to wait for.

    After a standstill the last of several that are due is told alone, and nothing once the day has passed.
    """
    later = [moment for moment in reminder.due if moment > now]
    day = deadline(reminder.task)
    tell = len(later) < len(reminder.due) and day is not None and now.astimezone(ZONE).date() <= day
    return tell, replace(reminder, due=later) if later else None


def _words(text: str) -> list[str]:
    return _WORD.findall(normalise(text).lower)
