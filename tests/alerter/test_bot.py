"""Readers talk back: buttons under alerts, /start, /stop; strangers stay outside."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from rich.console import Console

from services.alerter import bot, conversation
from services.alerter.book import About
from services.alerter.conversation import Chat, Incoming, Person, Pressed, Update, View
from tests.alerter import builders as b
from tests.alerter.test_service import TOKEN, Clock, opened, running, tables, until
from tests.fakes.telegram import BotApi, Limits, serve
from tinsom import codec, metrics
from tinsom.config import Config, DestinationConfig, SubscriptionConfig, TelegramConfig
from tinsom.log.sqlite import SqliteLog
from tinsom.messages import Destination, Match, Verdict
from tinsom.service import Context

ABOUT = About("nhom", "i1", ("initiative:de-an-06",))
NHOM = b.destination(channel="telegram", address="-5")


def view(verdicts: Mapping[str, Verdict] | None = None, **destinations: Destination) -> View:
    return View(
        destinations=destinations or {"nhom": NHOM},
        about=lambda alert: ABOUT if alert == "a" * 32 else None,
        verdicts=verdicts or {},
        key=b"key",
        language="vi",
    )


def press(data: str, chat: int = -5, person: int = 7) -> Update:
    return Update(1, callback_query=Pressed("q", Person(person), data, Incoming(Chat(chat))))


def say(text: str, chat: int = -5) -> Update:
    return Update(1, message=Incoming(Chat(chat), text, Person(7)))


def test_a_button_is_a_verdict_on_what_matched() -> None:
    effects = conversation.decide(press("v:-:" + "a" * 32), view(), b.NOW_S)
    assert effects.outcome == "verdict"
    assert effects.verdict is not None
    assert (effects.verdict.verdict, effects.verdict.item) == ("irrelevant", "i1")
    assert effects.verdict.matched == ["initiative:de-an-06"]
    assert effects.verdict.reader != "7"
    assert effects.says == "Đã ghi nhận: không liên quan. Cảm ơn."


def test_once_per_reader_and_alert_and_the_newest_holds() -> None:
    first = conversation.decide(press("v:+:" + "a" * 32), view(), b.NOW_S).verdict
    assert first is not None
    known = {conversation.key_of(first): first}
    assert conversation.decide(press("v:+:" + "a" * 32), view(known), b.NOW_S).outcome == "same"
    assert conversation.decide(press("v:-:" + "a" * 32), view(known), b.NOW_S).outcome == "verdict"
    assert conversation.decide(press("v:+:" + "a" * 32, person=8), view(known), b.NOW_S).outcome == "verdict"


@pytest.mark.parametrize(
    "update",
    [
        press("v:+:" + "b" * 32), press("v:?:" + "a" * 32), press("x"), press(""),
        press("v:+:" + "a" * 32, chat=-6),
        Update(1, callback_query=Pressed("q", Person(7), "v:+:" + "a" * 32)),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_changes_nothing(update: Update) -> None:
    effects = conversation.decide(update, view(), b.NOW_S)
    assert (effects.outcome, effects.verdict) == ("unknown", None)


def test_a_stranger_learns_his_own_number_and_nothing_else() -> None:
    effects = conversation.decide(say("/start", chat=99), view(), b.NOW_S)
    assert (effects.outcome, effects.chat, effects.learned) == ("greeted", "99", None)
    assert effects.says.endswith(": 99")
    for text in ("/stop", "/list", "xin chào", ""):
        assert conversation.decide(say(text, chat=99), view(), b.NOW_S).outcome == "ignored"


def test_stop_ends_it_and_erases_what_is_kept() -> None:
    mine = conversation.decide(press("v:+:" + "a" * 32), view(), b.NOW_S).verdict
    other = conversation.decide(press("v:+:" + "a" * 32, person=8), view(), b.NOW_S).verdict
    assert mine is not None
    assert other is not None
    known = {conversation.key_of(v): v for v in (mine, other)}
    effects = conversation.decide(say("/stop@tinsom_bot"), view(known), b.NOW_S)
    assert effects.learned is not None
    assert (effects.learned.state, effects.learned.reason) == ("suspended", conversation.STOPPED)
    assert effects.erase == (conversation.key_of(mine),)


def test_start_begins_again() -> None:
    stopped = b.destination(channel="telegram", address="-5", state="suspended", reason=conversation.STOPPED)
    effects = conversation.decide(say("/start"), view(nhom=stopped), b.NOW_S)
    assert effects.learned is not None
    assert effects.learned.state == "active"
    assert conversation.decide(say("/start"), view(), b.NOW_S).learned is None


# --- over the wire -------------------------------------------------------------------------------------------


@pytest.fixture
async def wire(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[BotApi, Config]]:
    monkeypatch.setenv("TINSOM_TEST_TOKEN", TOKEN)
    monkeypatch.setattr(bot, "PAUSE", 0.02)
    api = BotApi(time.monotonic, Limits(None, None, None))
    async with serve(api, TOKEN) as url:
        yield (
            api,
            Config(
                destinations=[DestinationConfig(alias="nhom", channel="telegram", address="-5")],
                subscriptions=[
                    SubscriptionConfig(id="s", destination="nhom", match=Match(initiatives=["de-an-06"])),
                ],
                telegram=TelegramConfig(token_env="TINSOM_TEST_TOKEN", api_url=url, bot=True),
            ),
        )


async def verdicts(log: SqliteLog) -> dict[str, Verdict | None]:
    return {
        (r.key or b"").decode(): codec.decode_as(r, Verdict) if r.value else None
        async for r in log.read("verdicts", 0)
    }


async def test_pressed_kept_counted_and_erased(wire: tuple[BotApi, Config], tmp_path: Path) -> None:
    api, config = wire
    before = metrics.value(metrics.VERDICTS, "initiative:de-an-06", "irrelevant")
    async with opened(tmp_path) as log:
        await log.append(tables(config), writer="apply")
        async with running(Context(log, Clock(), config), Console(file=io.StringIO())):
            await log.append([b.change_output(b.change())], writer="stories")
            await until(lambda: bool(api.accepted))
            right, irrelevant = api.accepted[0].buttons
            api.press(irrelevant, -5, person=7)
            api.press(irrelevant, -5, person=7)
            await until(lambda: len(api.answers) == 2)
        # A successor knows what was judged, and the alert that it speaks of.
        async with running(Context(log, Clock(), config), Console(file=io.StringIO())):
            api.press(irrelevant, -5, person=7)
            api.press(right, -5, person=8)
            await until(lambda: len(api.answers) == 4)
            assert metrics.value(metrics.VERDICTS, "initiative:de-an-06", "irrelevant") - before == 1
            assert sorted(v.verdict for v in (await verdicts(log)).values() if v) == ["irrelevant", "right"]
            api.say("/stop", -5, person=7)
            await until(lambda: len(api.texts(-5)) == 2)
            assert sorted(v.verdict for v in (await verdicts(log)).values() if v) == ["right"]
            await log.append([b.change_output(b.change(story="s2"))], writer="stories")
            await asyncio.sleep(0.3)
            assert len(api.texts(-5)) == 2, "nothing more comes"
            api.say("/start", -5, person=7)
            await until(lambda: len(api.texts(-5)) == 3)
            await log.append([b.change_output(b.change(story="s3"))], writer="stories")
            await until(lambda: len(api.texts(-5)) == 4)
    assert api.updates == [] or api.updates[0]["update_id"] >= 6


async def test_an_update_that_cannot_be_read_does_not_come_for_ever(
    wire: tuple[BotApi, Config], tmp_path: Path
) -> None:
    api, config = wire
    api.updates += [{"update_id": 1, "message": {"chat": "?"}}]
    async with opened(tmp_path) as log:
        await log.append(tables(config), writer="apply")
        async with running(Context(log, Clock(), config), Console(file=io.StringIO())):
            api._updates = 1
            api.say("/start", 99, person=3)
            await until(lambda: len(api.texts(99)) == 1)


async def test_a_replay_does_not_listen(wire: tuple[BotApi, Config], tmp_path: Path) -> None:
    api, config = wire
    api.say("/start", 99, person=3)
    async with opened(tmp_path) as log:
        await log.append(tables(config), writer="apply")
        async with running(Context(log, Clock(), config, replay=True), Console(file=io.StringIO())):
            await asyncio.sleep(0.3)
    assert len(api.updates) == 1
