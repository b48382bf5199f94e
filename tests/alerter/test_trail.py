"""What became of an item, by short looks at where its times are: as much as reading everything would tell."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alerter import ledger, trail
from services.alerter.trail import Span, joined
from tests.alerter import builders as b
from tinsom import codec
from tinsom.clock import millis
from tinsom.log import Output
from tinsom.log.sqlite import SqliteLog
from tinsom.messages import Alert, Message, Suppression, TaggedItem, Tags

AT = millis(b.NOW_S)
LATER = b.NOW + timedelta(days=4)
times = st.integers(0, 30)
spans = st.lists(
    st.builds(lambda since, long: Span(since, None if long is None else since + long), times, st.none() | times)
)


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[SqliteLog]:
    log = SqliteLog(tmp_path / "log.db")
    await log.start()
    yield log
    await log.close()


def out(topic: str, key: str, message: Message, at: int = AT) -> Output:
    return codec.output(topic, key, message, at, source="test")


def tagged(id_: str) -> Output:
    raw = msgspec.Raw(codec.to_bytes(b.item(id=id_)))
    return out("tagged", id_, TaggedItem(item=raw, tags=b.tags(id=id_)))


def alerted(number: int, at: int = AT, *, state: bool = True, **changes: object) -> tuple[Alert, list[Output]]:
    alert = b.alert(number, **changes)
    pending = ledger.accepted(alert, at / 1000)
    sent = ledger.closed(pending, "sent", "", at / 1000 + 1)
    deliveries = [out("deliveries", alert.id, delivery, at + 1_000) for delivery in (pending, sent)]
    return alert, [out("alerts", alert.id, alert, at), *(deliveries if state else [])]


def due(_: Tags) -> list[datetime]:
    return [LATER]


async def test_what_the_item_made_and_what_its_reminder_made(log: SqliteLog) -> None:
    fired = millis(LATER.timestamp()) + 2_000
    reminded = b.change(b.item(id="i1"), kind="deadline", revision=2)
    change = out("story-changes", "s1", b.change(b.item(id="i1")))
    _, first = alerted(1)
    _, second = alerted(2, fired, item="i1", kind="deadline", story="s1", revision=2)
    silent = Suppression(
        id="x", destination="kia", story="s1", revision=1, kind="new", item="i1", subscriptions=["s"],
        reason="muted",
    )  # fmt: skip
    _, others = alerted(3)  # at the same time, of another item
    records = [tagged("i1"), tagged("i3"), change, out("alerts", "x", silent), *first, *others]
    await log.append([*records, out("story-changes", "s1", reminded, fired), *second], writer="w")
    lines = [line async for line in trail.why(log, "i1", spans=trail.at([AT]), due=due)]
    assert lines == [line async for line in trail.why(log, "i1")]
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == [
        "tagged:", "story", "story", "suppressed", "alert", "alert", "delivery", "delivery",
    ]  # fmt: skip
    assert sum(": sent" in line for line in lines) == 2
    alone = [line async for line in trail.why(log, "i1", "kia", trail.at([AT]), due)]
    assert alone[-1].startswith("suppressed for kia: muted")


async def test_what_was_tagged_and_matched_nobody_and_what_nobody_knows(log: SqliteLog) -> None:
    await log.append(
        [tagged("i1"), Output("alerts", b"x", b"{", AT), Output("deliveries", b"y", None, AT)], writer="w"
    )
    assert [line async for line in trail.why(log, "i1", spans=trail.at([AT]))][1:] == ["no subscription matched"]
    assert [line async for line in trail.why(log, "i2", spans=trail.at([AT]))] == ["nothing is known of item i2"]


async def test_an_alert_that_is_not_delivered_yet_is_told_as_it_is(log: SqliteLog) -> None:
    _, records = alerted(1, state=False)
    await log.append([tagged("i1"), *records], writer="w")
    lines = [line async for line in trail.why(log, "i1", spans=trail.at([AT]))]
    assert [line.split()[0] for line in lines] == ["tagged:", "alert"]


@pytest.mark.parametrize("waited", [timedelta(seconds=12), timedelta(hours=8), timedelta(days=6)])
async def test_what_a_new_subscription_was_told_of_the_time_before_it(log: SqliteLog, waited: timedelta) -> None:
    """At once, in the morning, or when its chat was there at last."""
    later = millis(LATER.timestamp())
    wished = b.subscription(since=LATER, backfill=5)
    _, told = alerted(1, millis((LATER + waited).timestamp()))
    await log.append([tagged("i1"), out("subscriptions", "file/theo-doi", wished, later), *told], writer="w")
    lines = [line async for line in trail.why(log, "i1", spans=trail.at([AT]))]
    assert lines == [line async for line in trail.why(log, "i1")]
    assert [line.split()[0] for line in lines[:3]] == ["tagged:", "alert", "delivery"]


@given(spans)
def test_joined_spans_hold_the_same_times_once(given_spans: list[Span]) -> None:
    def holding(some: list[Span], time: int) -> int:
        return sum(s.since <= time and (s.until is None or time <= s.until) for s in some)

    result = joined(given_spans)
    assert result == sorted(result, key=lambda s: s.since)
    for time in range(70):
        assert holding(result, time) == (holding(given_spans, time) > 0)
