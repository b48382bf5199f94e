"""What was before a subscription, told once: which stories, as one digest, whatever is killed meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import pytest
from structlog.testing import capture_logs

from services.alerter import backfill, ledger
from services.alerter.backfill import Telling
from services.alerter.book import Book
from services.alerter.bot.past import Past
from services.alerter.plan import Rules
from tests.alerter import builders as b
from tests.alerter import virtual
from tests.alerter.virtual import VIRTUAL_TIME, MemoryLog, chats, dies_at, start
from tests.fakes.telegram.core import NO_LIMITS, BotApi
from tinsom import codec
from tinsom.clock import millis
from tinsom.log import Output
from tinsom.messages import Alert, Delivery, Match, Mute, StoryChange, Subscription

LATER = b.NOW + timedelta(hours=1)
HEADING = "Tin trước khi bạn theo dõi: 3 tin"


def wish(identity: str = "theo-doi", backfill: int = 3, since: datetime = LATER, **changes: Any) -> Subscription:
    return b.subscription(identity, backfill=backfill, since=since, **changes)


def story(number: int, **changes: Any) -> StoryChange:
    item = b.item(id=f"i{number}", title=f"Tin số {number}")
    began = b.NOW + timedelta(minutes=number)
    return b.change(item, b.tags(id=item.id), **{"story": f"s{number}", "began_at": began} | changes)


def told(*changes: StoryChange, asked: list[Subscription] | None = None, book: Book | None = None,
         mutes: list[Mute] | None = None) -> list[Alert]:  # fmt: skip
    past = Past()
    for n, one in enumerate(changes):
        past.add(b.NOW_S + n, one)
    telling = Telling(asked or [wish()], Rules(), mutes or [], LATER.timestamp())
    for entry in past.entries:
        telling.take(entry)
    return telling.chosen(book or Book())


def titles(alerts: list[Alert]) -> list[str]:
    return [alert.notice.title for alert in alerts]


# --- which --------------------------------------------------------------------------------------------------


def test_the_newest_of_those_before_in_their_order() -> None:
    assert titles(told(*map(story, range(5)))) == ["Tin số 2", "Tin số 3", "Tin số 4"]


def test_what_began_after_the_subscription_is_left_to_the_plan() -> None:
    assert titles(told(story(1), story(2, began_at=LATER))) == ["Tin số 1"]


def test_a_story_is_told_once_and_as_it_is_by_now() -> None:
    first, second = story(1), story(1, revision=2, kind="source", sources=["bao", "khac"])
    (alert,) = told(first, story(2, kind="withdrawn"), second)
    assert (alert.revision, alert.notice.sources) == (2, 2)


@pytest.mark.parametrize(
    "gone",
    [
        story(1, kind="withdrawn", revision=2),
        story(9, merged=["s1"], kind="withdrawn"),
    ],
)
def test_what_was_withdrawn_is_not_told(gone: StoryChange) -> None:
    assert told(story(1), gone) == []


def test_what_would_not_have_been_sent_is_not_told_now() -> None:
    old = b.change(b.item(published_at=b.NOW - timedelta(days=3)), story="alt")
    hidden = [Mute(id="m", match=Match(initiatives=["de-an-06"]), until=LATER + timedelta(days=1))]
    assert told(story(1, baseline=True), old) == []
    assert told(story(1), mutes=hidden) == []
    assert told(story(1, kind="deadline", task="t1")) == []
    assert told(story(1, began_at=b.NOW - timedelta(days=40))) == []


def test_what_the_chat_was_told_counts_and_is_not_told_again() -> None:
    changes = [story(n) for n in range(5)]
    book = Book()
    book.put(ledger.accepted(told(*changes)[-1], b.NOW_S))
    assert titles(told(*changes, book=book)) == ["Tin số 2", "Tin số 3"], "nothing older takes its place"


def test_two_subscriptions_of_a_chat_are_one_digest_that_names_both() -> None:
    asked = [wish("a", 1), wish("b", 2, match=Match(agencies=["bo-cong-an"], role="any"))]
    alerts = told(*map(story, range(4)), asked=asked)
    assert [(a.notice.title, a.subscriptions) for a in alerts] == [("Tin số 2", ["b"]), ("Tin số 3", ["a", "b"])]


# --- whose --------------------------------------------------------------------------------------------------


def test_only_new_subscriptions_that_ask_for_it_and_were_not_told() -> None:
    now = LATER.timestamp() + 60
    old, done, plain = (
        wish("cu", since=b.NOW - timedelta(days=7)),
        wish("xong"),
        b.subscription("khong", since=b.NOW),
    )
    book = Book()
    for record in backfill.records([done], [], b.destination(), now):
        book.put(record)
    assert backfill.awaited([old, done, plain, wish("moi")], book, now) == {"nhom": [wish("moi")]}
    assert backfill.awaited([wish("moi")], book, LATER.timestamp() + 5) == {}, "the classifier may be at it still"
    again = wish("xong", since=LATER + timedelta(seconds=30))
    assert backfill.awaited([again], book, now) == {"nhom": [again]}, "removed and added again"


# --- once ---------------------------------------------------------------------------------------------------


def history(count: int = 5) -> list[Output]:
    return [b.change_output(story(number)) for number in range(count)]


async def world_of(log: MemoryLog, *asked: Subscription, **changes: Any) -> virtual.World:
    later = b.NOW_S + 3_600
    return await start(chats("nhom", **changes), log=log, limits=NO_LIMITS, base=later, subscriptions=asked)


@VIRTUAL_TIME
async def test_one_message_with_the_newest_and_no_second_one() -> None:
    log = MemoryLog(written=history())
    world = await world_of(log, wish())
    await asyncio.sleep(60)
    await world.stage.lost(world.partition)
    (message,) = world.api.accepted
    assert HEADING in message.text
    assert [f"Tin số {n}" in message.text for n in range(5)] == [False, False, True, True, True]
    assert world.states() == {"digested": 3, "sent": 1}
    edited = wish(backfill=50, match=Match(places=["dong-thap"]))
    again = await start([], log=log, api=world.api, limits=NO_LIMITS, base=b.NOW_S + 7_200, subscriptions=[edited])
    await asyncio.sleep(60)
    await again.stage.lost(again.partition)
    assert len(world.api.accepted) == 1, "neither a restart nor an edit tells it again"


@VIRTUAL_TIME
async def test_the_alerts_stand_where_why_looks_for_them() -> None:
    world = await world_of(MemoryLog(written=history()), wish())
    await asyncio.sleep(60)
    written = world.log.records("alerts")
    assert [codec.decode_as(r, Alert).subscriptions for r in written] == [["theo-doi"]] * 3
    assert min(record.timestamp for record in written) > millis(LATER.timestamp()), "the time of the telling"
    handled = [world.stage.handle(world.partition, record, world.clock.now()) for record in written]
    assert [h.outcome for h in handled] == ["duplicate"] * 3, "read back as any, they are no second alert"
    await world.stage.lost(world.partition)


@VIRTUAL_TIME
async def test_at_night_it_waits_for_the_morning() -> None:
    world = await world_of(MemoryLog(written=history()), wish(), quiet=["15:00-17:30"])
    await asyncio.sleep(3_600)
    assert world.log.deliveries() == {}
    await asyncio.sleep(3_600)
    assert len(world.api.accepted) == 1
    await world.stage.lost(world.partition)


@VIRTUAL_TIME
async def test_nothing_before_is_written_down_and_not_sent() -> None:
    world = await world_of(MemoryLog(), wish())
    await asyncio.sleep(60)
    (record,) = world.log.deliveries().values()
    assert (record.state, record.history[-1].reason, world.api.accepted) == ("suppressed", "nothing_before", [])
    world.log.written += history()
    await asyncio.sleep(60)
    assert world.api.accepted == [], "what comes late is the plan's"
    await world.stage.lost(world.partition)


@VIRTUAL_TIME
async def test_a_replay_tells_nobody() -> None:
    world = await world_of(MemoryLog(written=history()))
    world.stage.tools.recording = True
    await world.stage.lost(world.partition)
    world.log.written += [codec.output("subscriptions", "file/theo-doi", wish(), 0, source="apply")]
    assert world.stage.wishes is not None
    await world.stage.wishes.subscriptions.refresh()
    await world.stage.gained(world.partition)
    await asyncio.sleep(60)
    assert world.log.deliveries() == {}
    await world.stage.lost(world.partition)


@VIRTUAL_TIME
async def test_a_chat_that_cannot_be_told_holds_up_no_other() -> None:
    log = MemoryLog(written=history())
    asked = [wish("a", destination="nhom"), wish("b", destination="kia")]
    world = await start(chats("nhom", "kia"), log=log, limits=NO_LIMITS, base=b.NOW_S + 3_600, subscriptions=asked)

    def stumble(outputs: Sequence[Output]) -> None:
        if any(output.partition_by == b"nhom" for output in outputs):
            raise ZeroDivisionError("unforeseen")

    world.partition.before_commit = stumble
    with capture_logs() as lines:
        await asyncio.sleep(60)
    await world.stage.lost(world.partition)
    # A look reads 30 days: it is not repeated at once.
    assert sum("could not be told" in line["event"] for line in lines) == 1
    assert [len(world.api.texts(1000 + n)) for n in range(2)] == [0, 1]


@VIRTUAL_TIME
async def test_a_stop_awaits_the_commit_in_flight_and_no_other() -> None:
    """A partition that is taken away is let go at once, however many chats still wait for their past."""
    log = MemoryLog(written=history())
    asked = [wish("a", destination="nhom"), wish("b", destination="kia")]
    world = await start(chats("nhom", "kia"), log=log, limits=NO_LIMITS, base=b.NOW_S + 3_600, subscriptions=asked)
    inner, begun = world.partition.commit, asyncio.Event()

    async def commit(outputs: Any, offset: int | None = None) -> None:
        begun.set()
        await asyncio.sleep(1)
        await inner(outputs, offset)

    world.partition.commit = commit
    await begun.wait()
    await world.stage.backfillers[0].stop()
    assert len({record.destination for record in log.deliveries().values() if record.backfills}) == 1
    await world.stage.lost(world.partition)


@pytest.mark.parametrize("commits", range(5))
@pytest.mark.parametrize("moment", ["before", "after"])
@VIRTUAL_TIME
async def test_killed_at_any_commit(commits: int, moment: Literal["before", "after"]) -> None:
    log = MemoryLog(written=history())
    world = await world_of(log, wish(), digest="hourly")
    died = dies_at(world, commits, moment)
    await asyncio.wait([asyncio.create_task(died.wait())], timeout=120)
    await world.kill()
    await _told_by_successor(log, world.api)


async def _told_by_successor(log: MemoryLog, api: BotApi) -> None:
    successor = await start([], log=log, api=api, limits=NO_LIMITS, base=b.NOW_S + 4_000, subscriptions=[wish()])
    await asyncio.sleep(2 * 3_600)
    await successor.stage.lost(successor.partition)
    held: list[Delivery] = [d for d in log.deliveries().values() if d.item]
    assert [(d.state, d.item) for d in held] == [("digested", f"i{n}") for n in (2, 3, 4)]
    assert api.duplicates("Chưa chắc") == {}, "what may come twice says so"
    assert 1 <= len(api.accepted) <= 2
