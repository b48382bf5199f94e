"""What became of one item: how it was tagged, what it changed, who was told and who not; from the log alone.

What follows from an item carries its time (design §5), and what a timer makes of it the time it fired, so short
spans of each topic are enough, however long the log is (decision 0044).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import NamedTuple, TypeVar

from services.alerter import backfill, ledger
from tinsom import codec
from tinsom.clock import millis
from tinsom.errors import DecodeError
from tinsom.log import Log, Record, read_table
from tinsom.messages import (
    Alert,
    Delivery,
    Evidence,
    Message,
    StoryChange,
    Subscription,
    Suppression,
    TaggedItem,
    Tags,
)

M = TypeVar("M", bound=Message)

SKEW_MS = 60_000  # by which the clock of who delivers may be behind that of who fetched
FIRING_MS = 3_600_000  # after its moment what a timer makes is looked for; later ones were held up by a standstill


class Span(NamedTuple):
    """Times of records, in ms, both ends included; without an end up to the newest."""

    since: int
    until: int | None = None


WHOLE = (Span(0),)

Due = Callable[[Tags], Iterable[datetime]]
"""When reminders of what was tagged would have fired."""


def at(times: Iterable[int]) -> list[Span]:
    return [Span(time, time) for time in sorted(set(times))]


async def why(
    log: Log,
    item_id: str,
    destination: str = "",
    spans: Sequence[Span] = WHOLE,
    due: Due = lambda _: (),
) -> AsyncIterator[str]:
    """Line by line. `spans`: where the item's own records are, `WHOLE` when nobody knows; its reminders are looked
    for at `due`.
    """
    tagged = [message async for message, _ in _of(log, "tagged", TaggedItem, spans, key=item_id)]
    for message in tagged:
        yield _tagged_line(message)
    spans = joined([*spans, *(_after(moment) for message in tagged for moment in due(message.tags))])
    changes = [c async for c, _ in _of(log, "story-changes", StoryChange, spans) if c.item == item_id]
    for change in changes:
        yield _story_line(change)
    decisions = [
        (decision, record.timestamp)
        async for decision, record in _decisions(log, joined([*spans, *await _backfilled(log)]))
        if decision.item == item_id and destination in ("", decision.destination)
    ]
    for decision, _ in decisions:
        yield _decision_line(decision)
    async for line in _delivered(log, {d.id: time for d, time in decisions if isinstance(d, Alert)}):
        yield line
    if not (tagged or changes or decisions):
        yield f"nothing is known of item {item_id}"
    elif not decisions:
        yield "no subscription matched" + (f" for {destination}" if destination else "")


def joined(spans: Iterable[Span]) -> list[Span]:
    """The same times in spans that do not overlap, in order. Pure."""
    result: list[Span] = []
    for span in sorted(spans, key=lambda s: s.since):
        last = result[-1] if result else None
        if last is None or (last.until is not None and span.since > last.until):
            result.append(span)
        elif last.until is not None:
            result[-1] = Span(last.since, None if span.until is None else max(last.until, span.until))
    return result


def _after(moment: datetime, span: int = FIRING_MS) -> Span:
    began = millis(moment.timestamp())
    return Span(began, began + span)


async def _backfilled(log: Log) -> list[Span]:
    """When subscriptions of now were told of the time before them: these alerts have the time of the telling,
    which waits for quiet hours and for a destination that is not there.
    """
    moments = []
    for record in (await read_table(log, "subscriptions")).records.values():
        try:
            message = codec.decode(record)
        except DecodeError:
            continue  # it is reported by who plans
        if isinstance(message, Subscription) and message.backfill > 0 and message.since is not None:
            moments.append(message.since)
    return [_after(moment, millis(backfill.NEW_FOR)) for moment in moments]


async def _of(
    log: Log, topic: str, struct: type[M], spans: Iterable[Span], key: str = ""
) -> AsyncIterator[tuple[M, Record]]:
    async for message, record in _messages(log, topic, spans, [key] if key else None):
        if isinstance(message, struct):
            yield message, record


async def _decisions(log: Log, spans: Iterable[Span]) -> AsyncIterator[tuple[Alert | Suppression, Record]]:
    async for message, record in _messages(log, "alerts", spans):
        if isinstance(message, Alert | Suppression):
            yield message, record


async def _messages(
    log: Log, topic: str, spans: Iterable[Span], keys: Iterable[str] | None = None
) -> AsyncGenerator[tuple[Message, Record], None]:
    wanted = None if keys is None else frozenset(key.encode() for key in keys)
    for since, until in spans:
        async with aclosing(log.find(topic, since=since, until=until, keys=wanted)) as records:
            async for record in records:
                if (message := _decoded(record)) is not None:
                    yield message, record


def _decoded(record: Record) -> Message | None:
    try:
        return None if record.value is None else codec.decode(record)
    except DecodeError:
        return None  # it is among the dead letters, with its reason


async def _delivered(log: Log, alerts: dict[str, int]) -> AsyncIterator[str]:
    """What became of `alerts` (id → time). Reads no further than to the end of the last of them."""
    newest: dict[str, Delivery] = {}
    if not alerts:
        return
    since = max(0, min(alerts.values()) - SKEW_MS)
    async with aclosing(_messages(log, "deliveries", [Span(since)], alerts)) as messages:
        async for message, _ in messages:
            if isinstance(message, Delivery):
                newest[message.alert_id] = message
            if len(newest) == len(alerts) and not any(d.state in ledger.OPEN for d in newest.values()):
                break
    for identity in alerts:
        if identity in newest:
            for line in _delivery_lines(newest[identity]):
                yield line


def _story_line(change: StoryChange) -> str:
    baseline = " (baseline)" if change.baseline else ""
    return f"story {change.story} revision {change.revision}: {change.kind}{baseline}"


def _tagged_line(message: TaggedItem) -> str:
    tags = message.tags
    named = [f"{t.id} ({t.role}, {t.score:g}, {_rules(t.evidence)})" for t in (*tags.initiatives, *tags.agencies)]
    named += [f"{place.id} ({place.role})" for place in tags.places] + [
        document.key for document in tags.documents
    ]
    return f"tagged: {', '.join(named) or 'nothing'}"


def _rules(evidence: list[Evidence]) -> str:
    return "+".join(dict.fromkeys(e.rule for e in evidence)) or "derived"


def _decision_line(decision: Alert | Suppression) -> str:
    matched = ", ".join(decision.matched) or "-"
    by = ", ".join(decision.subscriptions)
    if isinstance(decision, Alert):
        return f"alert {decision.id} to {decision.destination} ({decision.priority}): {matched} by {by}"
    return f"suppressed for {decision.destination}: {decision.reason}; {matched} by {by}"


def _delivery_lines(delivery: Delivery) -> list[str]:
    edited = f" (edits the message of {delivery.edits})" if delivery.edits else ""
    head = f"delivery {delivery.alert_id} to {delivery.destination}: {delivery.state}{edited}"
    steps = [
        f"  {step.at.isoformat(timespec='milliseconds')} {step.state}"
        + (f" part {step.part}" if step.part > 1 else "")
        + (f" attempt {step.attempt}" if step.attempt else "")
        + (f" ({step.reason})" if step.reason else "")
        + (f" message {step.message_id}" if step.message_id else "")
        for step in delivery.history
    ]
    return [head, *steps]
