"""Plan: a story change against all subscriptions → one alert or one suppression per destination. Pure, no state.

What a destination has been told already is not known here; `deliver` decides about that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from services.alerter import matching, names, signals
from tinsom.ids import id_of
from tinsom.messages import (
    Alert,
    Item,
    Match,
    Mute,
    Notice,
    Priority,
    StoryChange,
    Subscription,
    Suppression,
    Tag,
    TaggedItem,
    Tags,
    TaskLine,
)

Reason = Literal["baseline", "too_old", "before_subscription", "acknowledged", "muted"]
REASONS: tuple[Reason, ...] = ("baseline", "too_old", "before_subscription", "acknowledged", "muted")
"""Every reason for which plan suppresses; deliver adds its own (`services.alerter.ledger`)."""

# A date without a time says only which day; the item may have come at its end.
_DAY = timedelta(hours=24)
_TITLE, _LEDE, _TASKS = 1_000, 2_000, 20
_RANK: dict[Priority, int] = {"urgent": 0, "normal": 1, "low": 2}


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for every reader. `max_age`: an item published longer before its fetch is not news."""

    max_age: timedelta = timedelta(hours=24)
    language: Literal["vi", "en"] = "vi"


class Reader(NamedTuple):
    """One destination and what of its subscriptions matched."""

    subscription: Subscription
    hits: tuple[matching.Hit, ...]


def plan(
    change: StoryChange,
    subscriptions: Iterable[Subscription],
    rules: Rules,
    known_names: Mapping[str, str] | None = None,
    mutes: Iterable[Mute] = (),
) -> list[Alert | Suppression]:
    """One decision per destination that has a matching subscription, in the order of aliases.

    `mutes`: those in force now; one that has run out releases nothing that it hid.

    Raises msgspec.DecodeError when the item inside `change` cannot be read.
    """
    tagged = msgspec.json.decode(change.tagged, type=TaggedItem)
    item = msgspec.json.decode(tagged.item, type=Item)
    readers = _readers(change, tagged.tags, item, subscriptions)
    called = names.names_of(tagged.tags, known_names)
    if change.signal is not None:
        called[change.signal.about] = change.signal.name
    silent = _silent(mutes, change, tagged.tags, item)
    return [
        _decide(change, tagged.tags, item, readers[alias], rules, called, silent.get(alias) or silent.get(""))
        for alias in sorted(readers)
    ]


def _hits(match: Match, change: StoryChange, tags: Tags, item: Item) -> tuple[matching.Hit, ...]:
    if (signal := signals.signal_of(change)) is not None:
        return matching.about(match, *signal, tags)
    return matching.hits(match, tags, item)


def _muting(match: Match, change: StoryChange) -> Match:
    """Who mutes a subject wants no burst of it either."""
    if change.signal is None or match.signals:
        return match
    return replace(match, signals=["burst", "silence"])


def _silent(mutes: Iterable[Mute], change: StoryChange, tags: Tags, item: Item) -> dict[str, Reason]:
    """Destination ('' for all) → why it hears nothing of this: muted, or the task was taken note of."""
    found: dict[str, Reason] = {}
    deadline = tags.tasks[0].deadline if tags.tasks else None
    for mute in mutes:
        if mute.task:
            if (mute.task, mute.deadline) == (change.task, deadline or ""):
                found[mute.destination] = "acknowledged"
        elif _hits(_muting(mute.match, change), change, tags, item):
            found.setdefault(mute.destination, "muted")
    return found


def _readers(
    change: StoryChange, tags: Tags, item: Item, subscriptions: Iterable[Subscription]
) -> dict[str, list[Reader]]:
    readers: dict[str, list[Reader]] = {}
    for subscription in sorted(subscriptions, key=lambda s: s.id):
        if hits := _hits(subscription.match, change, tags, item):
            readers.setdefault(subscription.destination, []).append(Reader(subscription, hits))
    return readers


def _decide(
    change: StoryChange,
    tags: Tags,
    item: Item,
    readers: list[Reader],
    rules: Rules,
    called: Mapping[str, str],
    silent: Reason | None,
) -> Alert | Suppression:
    in_time = [r for r in readers if not _began_before(change, r.subscription)]
    why_not = suppression(change, item, rules) or (silent if in_time else "before_subscription")
    told = in_time or readers
    hits = [hit for reader in told for hit in reader.hits]
    destination = told[0].subscription.destination
    subscriptions = [reader.subscription.id for reader in told]
    matched = list(dict.fromkeys(f"{hit.field}:{hit.id}" for hit in hits))
    identity = alert_id(destination, change)
    if why_not:
        return Suppression(
            id=identity, destination=destination, story=change.story, revision=change.revision, kind=change.kind,
            item=change.item, subscriptions=subscriptions, reason=why_not, matched=matched,
        )  # fmt: skip
    return Alert(
        id=identity, destination=destination, story=change.story, revision=change.revision, kind=change.kind,
        item=change.item, subscriptions=subscriptions, matched=matched, began_at=change.began_at,
        reason=names.reason(hits, called, rules.language),
        priority=min((r.subscription.priority for r in told), key=_RANK.__getitem__),
        notice=_notice(change, tags, item, called, rules.language), merged=change.merged,
        differences=change.differences, signal=change.signal, task=change.task,
    )  # fmt: skip


def alert_id(destination: str, change: StoryChange) -> str:
    """The same decision has the same id wherever and however often it is made (design §3)."""
    return id_of(destination, change.story, change.kind, str(change.revision))


def suppression(change: StoryChange, item: Item, rules: Rules) -> Reason | None:
    """Why nobody hears of this change, whoever follows it.

    Age is taken at the fetch, not now: a pipeline that stood still makes nothing old, the archive that a site
    publishes again is old. A changed fact or a withdrawal is news whatever the item's date.
    """
    if change.signal is not None:
        return None  # it speaks of its hours, not of the item that came last
    if change.baseline or item.baseline:
        return "baseline"
    if change.kind in ("new", "source", "enriched") and _age(item) > rules.max_age:
        return "too_old"
    return None


def _age(item: Item) -> timedelta:
    """Between publication and fetch; nothing when the date cannot be trusted to say so."""
    if item.published_at is None or item.date_quality in ("missing", "future"):
        return timedelta(0)
    allowance = timedelta(0) if item.date_quality == "exact" else _DAY
    return item.fetched_at - item.published_at - allowance


def _began_before(change: StoryChange, subscription: Subscription) -> bool:
    if subscription.since is None or change.signal is not None:
        return False
    return change.began_at < subscription.since


def _notice(change: StoryChange, tags: Tags, item: Item, called: Mapping[str, str], language: str) -> Notice:
    if (signal := signals.signal_of(change)) is not None:
        return signals.notice(*signal, item, language)
    return Notice(
        title=_cut(item.title, _TITLE),
        url=item.url,
        source=item.source_name or item.publisher,
        fetched_at=item.fetched_at,
        published_at=_trusted(item),
        lede=_cut(item.lede, _LEDE),
        initiatives=_tag_names(tags.initiatives, called),
        agencies=_tag_names(tags.agencies, called),
        tasks=_tasks(tags, called),
        places=[called.get(place.id, place.id) for place in tags.places if place.role == "primary"],
        documents=list(dict.fromkeys(document.key for document in tags.documents))[:_TASKS],
        sources=max(1, len(change.sources)),
        official_url=item.url if change.official else "",
        official_source=(item.source_name or item.publisher) if change.official else "",
    )


def _trusted(item: Item) -> datetime | None:
    return item.published_at if item.date_quality in ("exact", "date_only") else None


def _tag_names(tags: list[Tag], called: Mapping[str, str]) -> list[str]:
    """Primary first; a parent that was only derived says nothing that its child does not say better."""
    named = [tag for tag in tags if tag.via is msgspec.UNSET]
    ordered = sorted(named, key=lambda tag: (tag.role != "primary", -tag.score, tag.id))
    return [called.get(tag.id, tag.id) for tag in ordered[: names.SHOWN]]


def _tasks(tags: Tags, called: Mapping[str, str]) -> list[TaskLine]:
    """Each with a deadline, once: a lede repeats what the text says."""
    found: list[TaskLine] = []
    for task in (task for task in tags.tasks if task.deadline):
        line = _task(task.lead, task.action, task.deadline, called)
        if line not in found:
            found.append(line)
    return found[:_TASKS]


def _task(lead: list[str], action: str, deadline: str | None, called: Mapping[str, str]) -> TaskLine:
    who = [called.get(agency, agency) for agency in lead]
    return TaskLine(who=who, action=_cut(action, _TITLE), deadline=deadline)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
