"""Readers talk back over the wire: buttons, commands, strangers, groups; what is committed, and by whom."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from services.alerter import pacing
from services.alerter.bot import conversation, guessing
from services.alerter.bot import listener as bot
from services.alerter.bot.conversation import decide
from services.alerter.bot.effects import Effects, View
from services.alerter.bot.updates import Update
from services.alerter.channels.telegram import TelegramChannel
from services.classifier import naming
from tests.alerter import builders as b
from tests.alerter.test_service import TOKEN, Clock, opened, running, tables
from tests.fakes.telegram import BotApi, Limits, Reply, serve
from tests.fakes.telegram.core import Accepted
from tests.waiting import until
from tinsom import codec, metrics
from tinsom.config import Config, DestinationConfig, SubscriptionConfig, TelegramConfig
from tinsom.log.sqlite import SqliteLog
from tinsom.messages import Alert, Destination, Match, Mute, StoryChange, Subscription, Suppression, Task, Verdict
from tinsom.screen import Screen
from tinsom.service import Context

INVITATION = "moi-vao-nha-nhe"
LATER = b.NOW + timedelta(hours=1)  # a story that begins after a reader's first wish


@pytest.fixture
async def wire(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[BotApi, Config]]:
    monkeypatch.setenv("TINSOM_TEST_TOKEN", TOKEN)
    monkeypatch.setenv("TINSOM_TEST_INVITATION", INVITATION)
    monkeypatch.setattr(bot, "PAUSE", 0.02)
    monkeypatch.setattr(TelegramChannel, "pace", pacing.UNLIMITED)
    api = BotApi(time.monotonic, Limits(None, None, None))
    async with serve(api, TOKEN) as url:
        yield (
            api,
            Config(
                destinations=[DestinationConfig(alias="nhom", channel="telegram", address="-5")],
                subscriptions=[
                    SubscriptionConfig(id="s", destination="nhom", match=Match(initiatives=["de-an-06"])),
                ],
                telegram=TelegramConfig(
                    token_env="TINSOM_TEST_TOKEN", invitation_env="TINSOM_TEST_INVITATION", api_url=url, bot=True
                ),
            ),
        )


@asynccontextmanager
async def alerting(config: Config, path: Path) -> AsyncIterator[SqliteLog]:
    """An alerter on a log that `apply` has written, names and all."""
    async with opened(path) as log:
        names = naming.name_outputs(config, int(b.NOW_S * 1000), {}).outputs
        await log.append([*tables(config), *names], writer="apply")
        async with running(Context(log, Clock(), config), Screen(file=io.StringIO())):
            yield log


async def answer(api: BotApi, chat: int, words: str) -> Accepted:
    """The message of the chat that says so, when it has come."""
    await until(lambda: any(words in m.text for m in api.current(chat)))
    return next(m for m in reversed(api.current(chat)) if words in m.text)


async def table(log: SqliteLog, topic: str) -> dict[str, object]:
    found: dict[str, object] = {}
    async for record in log.read(topic, 0):
        key = (record.key or b"").decode()
        found.pop(key, None)
        if record.value is not None:
            found[key] = codec.decode(record)
    return found


async def verdicts(log: SqliteLog) -> dict[str, Verdict | None]:
    return {
        (r.key or b"").decode(): codec.decode_as(r, Verdict) if r.value else None
        async for r in log.read("verdicts", 0)
    }


async def test_pressed_kept_counted_and_erased(wire: tuple[BotApi, Config], tmp_path: Path) -> None:
    api, config = wire
    api.chat(-5).members = {7: "creator"}
    before = metrics.value(metrics.VERDICTS, "initiative:de-an-06", "irrelevant")
    async with opened(tmp_path) as log:
        await log.append(tables(config), writer="apply")
        async with running(Context(log, Clock(), config), Screen(file=io.StringIO())):
            await log.append([b.change_output(b.change())], writer="stories")
            await until(lambda: bool(api.accepted))
            right, irrelevant = api.accepted[0].buttons
            api.press(irrelevant, -5, person=7)
            api.press(irrelevant, -5, person=7)
            await until(lambda: len(api.answers) == 2)
        # A successor knows what was judged, and the alert that it speaks of.
        async with running(Context(log, Clock(), config), Screen(file=io.StringIO())):
            api.press(irrelevant, -5, person=7)
            api.press(right, -5, person=8)
            await until(lambda: len(api.answers) == 4)
            assert metrics.value(metrics.VERDICTS, "initiative:de-an-06", "irrelevant") - before == 1
            assert sorted(v.verdict for v in (await verdicts(log)).values() if v) == ["irrelevant", "right"]
            api.say("/stop", -5, person=7)
            await answer(api, -5, "Đã dừng")
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
        async with running(Context(log, Clock(), config), Screen(file=io.StringIO())):
            api._updates = 1
            api.say("/start", 99, person=3)
            await until(lambda: len(api.texts(99)) == 1)


async def test_an_update_that_nobody_can_handle_silences_nobody(
    monkeypatch: pytest.MonkeyPatch, wire: tuple[BotApi, Config], tmp_path: Path
) -> None:
    api, config = wire
    tried = []

    def stumbling(update: Update, view: View, now: float) -> Effects:
        if update.message is not None and update.message.text == "/list":
            tried.append(update.update_id)
            raise RuntimeError("a fault of ours")
        return decide(update, view, now)

    monkeypatch.setattr(conversation, "decide", stumbling)
    with capture_logs() as logged:
        async with alerting(config, tmp_path):
            api.say(f"/start {INVITATION}", 77, person=77)
            api.say("/list", 77, person=77)
            api.say("/help", 77, person=77)
            await answer(api, 77, "Bạn có thể gửi")
    assert tried == [2, 2, 2]
    assert [line["event"] for line in logged].count("the bot stumbled") == 3
    assert len(api.texts(77)) == 2, "what came before is not told again"


async def test_a_bot_that_hears_nothing_says_so_once(wire: tuple[BotApi, Config], tmp_path: Path) -> None:
    api, config = wire
    real, api.handle = api.handle, lambda method, body: Reply(409, {"ok": False, "result": [0]})
    with capture_logs() as logged:

        def told() -> list[str]:
            lines = [line["event"].partition(":")[0] for line in logged]
            return [line for line in lines if line in ("the bot gets no updates", "the bot hears again")]

        async with alerting(config, tmp_path):
            await until(lambda: bool(told()))
            api.handle = real
            api.say(f"/start {INVITATION}", 77, person=77)
            await answer(api, 77, "Chào bạn")
    assert told() == ["the bot gets no updates", "the bot hears again"]


async def test_a_replay_does_not_listen(wire: tuple[BotApi, Config], tmp_path: Path) -> None:
    api, config = wire
    api.say("/start", 99, person=3)
    async with opened(tmp_path) as log:
        await log.append(tables(config), writer="apply")
        async with running(Context(log, Clock(), config, replay=True), Screen(file=io.StringIO())):
            await asyncio.sleep(0.3)
    assert len(api.updates) == 1


# --- a reader's own wishes --------------------------------------------------------------------------------


async def test_a_newcomer_follows_gets_and_asks_why(wire: tuple[BotApi, Config], tmp_path: Path) -> None:
    api, config = wire
    async with alerting(config, tmp_path) as log:
        api.say(f"/start {INVITATION}", 77, person=77)
        welcome = await answer(api, 77, "Chào bạn")
        assert "f:i:de-an-06" in welcome.buttons
        assert [c["command"] for c in api.commands][:2] == ["follow", "list"]
        api.press("f:i:de-an-06", 77, person=77)
        await answer(api, 77, "Đã theo dõi Đề án 06")
        await log.append([b.change_output(b.change(began_at=LATER))], writer="stories")
        told = await answer(api, 77, "Bộ Công an triển khai Đề án 06")
        assert [data[:4] for data in told.buttons] == ["v:+:", "v:-:"]
        api.say("/why", 77, person=77, answering=told.message_id)
        await answer(api, 77, "Ở đây theo dõi Đề án 06 (sáng kiến)")
        wishes = await table(log, "subscriptions")
        (own,) = [key for key in wishes if key.startswith("bot/")]
        assert own.endswith("/initiative:de-an-06")
        assert "77" not in own.partition("tg-")[0]
        api.say("/stop", 77, person=77)
        await answer(api, 77, "Đã dừng")
        for topic in ("subscriptions", "destinations"):
            assert not [key for key in await table(log, topic) if key.startswith("bot/")], "nothing is kept"
        await log.append([b.change_output(b.change(story="s9"))], writer="stories")
        await until(lambda: len(api.texts(-5)) == 2)
        assert not [m for m in api.current(77) if "s9" in m.text]
        assert len([m for m in api.current(77) if "triển khai" in m.text and "Vì sao" not in m.text]) == 1


async def test_what_was_wished_outlives_the_process(wire: tuple[BotApi, Config], tmp_path: Path) -> None:
    api, config = wire
    async with alerting(config, tmp_path):
        api.say(f"/start {INVITATION}", 77, person=77)
        api.say("/follow Đồng Tháp", 77, person=77)
        api.say("/quiet 22:00-06:30", 77, person=77)
        await answer(api, 77, "Giờ yên lặng: 22:00-06:30")
    async with opened(tmp_path) as log, running(Context(log, Clock(), config), Screen(file=io.StringIO())):
        api.say("/list", 77, person=77)
        listed = await answer(api, 77, "Đang theo dõi")
        assert "Đồng Tháp (địa phương)" in listed.text
        assert "22:00-06:30" in listed.text
        await log.append([b.change_output(b.change(began_at=LATER))], writer="stories")
        await answer(api, 77, "Bộ Công an triển khai Đề án 06")


async def test_who_is_barred_is_put_out_and_not_let_in_again(wire: tuple[BotApi, Config], tmp_path: Path) -> None:
    api, config = wire
    async with alerting(config, tmp_path):
        api.say(f"/start {INVITATION}", 77, person=77)
        api.say("/follow Đề án 06", 77, person=77)
        await answer(api, 77, "Đã theo dõi")
    assert config.telegram is not None
    barring = msgspec.structs.replace(config, telegram=msgspec.structs.replace(config.telegram, barred=[77]))
    async with opened(tmp_path) as log, running(Context(log, Clock(), barring), Screen(file=io.StringIO())):
        api.say(f"/start {INVITATION}", 77, person=77)
        api.say(f"/start {INVITATION}", 78, person=78)
        await answer(api, 78, "Chào bạn")
        await log.append([b.change_output(b.change(began_at=LATER))], writer="stories")
        await until(lambda: len(api.texts(-5)) == 1)
        made = [d for d in (await table(log, "destinations")).values() if isinstance(d, Destination)]
        assert {d.address for d in made} == {"-5", "78"}
        assert not [key for key in await table(log, "subscriptions") if key.startswith("bot/")]
    assert len(api.texts(77)) == 2


async def test_a_chat_that_a_file_names_by_now_is_told_once(wire: tuple[BotApi, Config], tmp_path: Path) -> None:
    api, config = wire
    async with alerting(config, tmp_path):
        api.say(f"/start {INVITATION}", 77, person=77)
        api.say("/follow Đề án 06", 77, person=77)
        await answer(api, 77, "Đã theo dõi")
    lan = DestinationConfig(alias="lan", channel="telegram", address="77")
    theirs = SubscriptionConfig(id="lan", destination="lan", match=Match(initiatives=["de-an-06"]))
    named = msgspec.structs.replace(
        config, destinations=[*config.destinations, lan], subscriptions=[*config.subscriptions, theirs]
    )
    async with opened(tmp_path) as log:
        await log.append(tables(named), writer="apply")
        async with running(Context(log, Clock(), named), Screen(file=io.StringIO())):
            api.say("/list", 77, person=77)
            listed = await answer(api, 77, "Đang theo dõi")
            assert listed.text.count("Đề án 06 (sáng kiến)") == 2, "the file's and the reader's own"
            await log.append([b.change_output(b.change(began_at=LATER))], writer="stories")
            await until(lambda: len(api.texts(-5)) == 1)
            await answer(api, 77, "Bộ Công an triển khai Đề án 06")
            await asyncio.sleep(0.3)
            alerts = [m for m in (await table(log, "alerts")).values() if isinstance(m, Alert)]
        made = [d for d in (await table(log, "destinations")).values() if isinstance(d, Destination)]
    assert [d.address for d in made].count("77") == 1
    assert [len(m.subscriptions) for m in alerts if m.destination == "lan"] == [2]
    assert len(alerts) == 2


async def test_applying_the_file_again_leaves_readers_wishes(wire: tuple[BotApi, Config], tmp_path: Path) -> None:
    from services.cli import applying
    from tinsom.clock import ManualClock

    api, config = wire
    async with alerting(config, tmp_path) as log:
        api.say(f"/start {INVITATION}", 77, person=77)
        api.say("/follow Đồng Tháp", 77, person=77)
        await answer(api, 77, "Đã theo dõi")
        before = {k for k in await table(log, "subscriptions") if k.startswith("bot/")}
        await applying.apply(config, log, ManualClock(b.NOW_S))
        assert {k for k in await table(log, "subscriptions") if k.startswith("bot/")} == before != set()


async def test_in_a_group_telegram_says_who_looks_after_it(wire: tuple[BotApi, Config], tmp_path: Path) -> None:
    api, config = wire
    api.chat(-5).members = {7: "administrator", 8: "member"}
    async with alerting(config, tmp_path) as log:
        for person in (8, 9):
            api.say("/follow VNeID", -5, person=person)
        await until(lambda: sum("chỉ quản trị viên" in m.text for m in api.current(-5)) == 2)
        api.say("/follow VNeID", -5, person=7, thread=11)
        done = await answer(api, -5, "Đã theo dõi VNeID")
        assert done.thread == 11
        made = [d for d in (await table(log, "destinations")).values() if isinstance(d, Destination)]
        assert {(d.address, d.thread) for d in made} == {("-5", None), ("-5", 11)}


async def test_what_is_followed_already_would_have_been_told(wire: tuple[BotApi, Config], tmp_path: Path) -> None:
    api, config = wire
    async with alerting(config, tmp_path) as log:
        await log.append([b.change_output(b.change(story=f"s{n}")) for n in range(4)], writer="stories")
        await until(lambda: len(api.texts(-5)) == 4)
        api.say(f"/start {INVITATION}", 77, person=77)
        api.say("/follow Đề án 06", 77, person=77)
        told = await answer(api, 77, "Đã theo dõi")
        assert "khoảng 4 tin/ngày trong 1 ngày qua" in told.text
        assert told.text.count("• 15/06 ") == 4
        await asyncio.sleep(0.3)
        assert len(api.texts(77)) == 2, "what was before is told in one line each, and not sent"


async def test_a_reminder_is_taken_note_of_by_a_button(wire: tuple[BotApi, Config], tmp_path: Path) -> None:
    api, config = wire

    def reminder(revision: int, deadline: str = "2025-06-22") -> StoryChange:
        task = Task(lead=[], co=[], action="báo cáo", deadline=deadline, precision="day", raw="")
        return b.change(found=b.tags(tasks=[task]), kind="deadline", revision=revision, task="viec-1")

    before = metrics.value(metrics.SUPPRESSIONS, "acknowledged")
    async with alerting(config, tmp_path) as log:
        await log.append([b.change_output(reminder(2))], writer="stories")
        await until(lambda: len(api.texts(-5)) == 1)
        (right, _, noted) = api.accepted[0].buttons
        api.press(noted, -5, person=8, name="Lan")
        pressed = time.monotonic()
        await until(lambda: "✅ Lan đã nắm 15:00 · nhắc lại" in str(api.current(-5)[0].rows))
        assert time.monotonic() - pressed < bot.LONG_POLL, "it does not wait for the end of a poll"
        assert api.current(-5)[0].buttons == (right, api.accepted[0].buttons[1], noted.replace("+", "-"))
        (rule,) = [m for m in (await table(log, "subscriptions")).values() if isinstance(m, Mute)]
        assert (rule.task, rule.deadline) == ("viec-1", "2025-06-22")
        await log.append([b.change_output(reminder(3))], writer="stories")
        await until(lambda: metrics.value(metrics.SUPPRESSIONS, "acknowledged") - before == 1)
        # A date that was moved is another matter.
        await log.append([b.change_output(reminder(4, "2025-06-24"))], writer="stories")
        await until(lambda: len(api.current(-5)) == 2)
        decided = [m for m in (await table(log, "alerts")).values() if isinstance(m, Alert | Suppression)]
        assert [type(m).__name__ for m in decided] == ["Alert", "Suppression", "Alert"]


# --- two replicas -----------------------------------------------------------------------------------------------


async def test_two_replicas_never_fight_and_the_second_goes_on(
    wire: tuple[BotApi, Config], tmp_path: Path
) -> None:
    api, config = wire
    async with alerting(config, tmp_path), opened(tmp_path) as log:
        second = Context(log, Clock(), config)
        async with running(second, Screen(file=io.StringIO())):
            api.say(f"/start {INVITATION}", 77, person=77)
            api.say("/follow Đồng Tháp", 77, person=77)
            await answer(api, 77, "Đã theo dõi")
            await asyncio.sleep(0.3)
            assert api.conflicts == 0
    async with opened(tmp_path) as log, running(Context(log, Clock(), config), Screen(file=io.StringIO())):
        api.say("/list", 77, person=77)
        await answer(api, 77, "Đồng Tháp (địa phương)")
        wishes = [w for w in (await table(log, "subscriptions")).values() if isinstance(w, Subscription)]
    assert len([w for w in wishes if w.destination != "nhom"]) == 1
    assert sum("Đã theo dõi" in text for text in api.texts(77)) == 1, "each update once"


async def test_a_flood_of_commands_meets_no_limit(
    monkeypatch: pytest.MonkeyPatch, wire: tuple[BotApi, Config], tmp_path: Path
) -> None:
    """What the bot says counts against the pace of the chat, as alerts do."""
    _, config = wire
    monkeypatch.setattr(TelegramChannel, "pace", pacing.TELEGRAM)
    # Wider than it is paced: a message that stood on the way for two seconds comes together with two others.
    strict = BotApi(time.monotonic, Limits(chat=(1.25, 3.0)))
    async with serve(strict, TOKEN) as url:
        telegram = TelegramConfig(
            token_env="TINSOM_TEST_TOKEN", invitation_env="TINSOM_TEST_INVITATION", api_url=url, bot=True
        )
        config = Config(destinations=config.destinations, subscriptions=config.subscriptions, telegram=telegram)
        async with alerting(config, tmp_path) as log:
            strict.chat(-5).members = {7: "creator"}
            for _ in range(6):
                strict.say("/help", -5, person=7)
            await log.append([b.change_output(b.change())], writer="stories")
            await until(lambda: len(strict.texts(-5)) == 7)
    assert not [status for _, status in strict.requests if status == 429]


async def test_wrong_codes_by_the_dozen_are_not_answered(wire: tuple[BotApi, Config], tmp_path: Path) -> None:
    api, config = wire
    async with alerting(config, tmp_path):
        for n in range(9):
            api.say(f"/start sai-ma-so-{n}", 66, person=66)
        api.say(f"/start {INVITATION}", 77, person=77)
        await answer(api, 77, "Chào bạn")
        await until(lambda: len(api.texts(66)) == guessing.CODES)
        api.say(f"/start {INVITATION}", 66, person=66)
        api.say("/list", 77, person=77)
        await answer(api, 77, "chưa theo dõi mục nào")
        assert len(api.texts(66)) == guessing.CODES


async def test_an_update_that_comes_twice_changes_nothing_twice(
    wire: tuple[BotApi, Config], tmp_path: Path
) -> None:
    """As after a crash between the commit and the acknowledgement."""
    api, config = wire
    async with alerting(config, tmp_path) as log:
        api.say(f"/start {INVITATION}", 77, person=77)
        api.press("f:i:de-an-06", 77, person=77)
        await answer(api, 77, "Đã theo dõi Đề án 06")
        again = list(api.updates)
        await log.append([b.change_output(b.change(began_at=LATER))], writer="stories")
        (right, _) = (await answer(api, 77, "Bộ Công an triển khai")).buttons
        api.press(right, 77, person=77)
        await until(lambda: len(api.answers) == 2)
        again += [update for update in api.updates if update not in again]
        before = [await table(log, topic) for topic in ("subscriptions", "destinations", "verdicts")]
    async with opened(tmp_path) as log, running(Context(log, Clock(), config), Screen(file=io.StringIO())):
        api.updates = again
        api.say("/help", 77, person=77)
        await answer(api, 77, "Bạn có thể gửi")
        after = [await table(log, topic) for topic in ("subscriptions", "destinations", "verdicts")]
    assert again
    assert after == before
