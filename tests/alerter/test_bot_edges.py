"""The bot where others are at work beside it: a chat that moves, many strangers, an end at a bad time."""

from __future__ import annotations

import asyncio
import gc
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from markupsafe import Markup

from services.alerter.bot import answers, guessing
from services.alerter.bot.answers import Answers
from services.alerter.bot.effects import Door, Effects, Outcome, Reply
from services.alerter.bot.guessing import Guesses
from services.alerter.bot.listener import Bot, Listening
from services.alerter.bot.updates import Place
from services.alerter.plan import Rules
from services.alerter.tables import Names, Subscriptions
from tests.alerter import builders as b
from tests.alerter.virtual import VIRTUAL_TIME, LoopClock, World, chats, start
from tinsom import codec
from tinsom.log import Output
from tinsom.messages import Verdict

pytestmark = VIRTUAL_TIME


@dataclass
class Asked:
    """What `ask` was asked, and when; `slow` methods take so many seconds."""

    clock: LoopClock
    slow: Mapping[str, float] = field(default_factory=dict)
    said: list[tuple[float, str]] = field(default_factory=list)

    async def __call__(self, method: str, body: dict[str, Any], wait: float = 0.0) -> Any:
        await asyncio.sleep(self.slow.get(method, 0.01))
        if method == "sendMessage":
            self.said.append((self.clock.now() - self.clock.base, body["chat_id"]))
        return {"status": "creator"} if method == "getChatMember" else {}


def bot_of(world: World, asked: Asked) -> Bot:
    world.channel.ask = asked
    log, clock, stop = world.log.as_log(), world.clock, asyncio.Event()
    wishes, names = Subscriptions(log, clock, stop), Names(log, clock, stop)
    listening = Listening(b"key", Door(), wishes, names, Rules())
    return Bot(log, world.sender.clerk, world.stage.tools, world.channel, listening)


async def test_a_chat_that_moves_while_its_setting_is_written_keeps_its_new_address() -> None:
    world = await start(chats("nhom", address="-5"))
    bot, known = bot_of(world, Asked(world.clock)), world.stage.tools.destinations
    chat = {"id": -5, "type": "supergroup"}
    said = {"chat": chat, "from": {"id": 7}, "text": "/digest daily", "message_id": 1}
    async with world.partition.lock:  # the sender writes what an answer told it
        taking = asyncio.create_task(bot._take({"update_id": 1, "message": said}))
        await asyncio.sleep(1)
        known.learn("bot/nhom", msgspec.structs.replace(known.all["nhom"], address="-1005", configured="-5"))
    await taking
    assert known.all["nhom"].address == "-1005"
    chat["id"] = -1005
    await bot._take({"update_id": 2, "message": said})
    assert (known.all["nhom"].address, known.all["nhom"].gathered) == ("-1005", True)
    await world.stage.lost(world.partition)


async def test_a_verdict_that_nobody_can_read_keeps_no_bot_from_beginning() -> None:
    world = await start(chats("nhom"))
    good = Verdict(reader="r", alert="a", verdict="right", item="i", matched=[], at=b.NOW)
    for key, value in (("r/a", good), ("r/b", good), ("r/c", good)):
        world.log.written.append(codec.output("verdicts", key, value, 1, source="deliver"))
    broken = world.log.written[-2]
    world.log.written[-2] = Output(broken.topic, broken.key, b"{", broken.timestamp, broken.headers)
    bot = bot_of(world, Asked(world.clock))
    await bot.start()
    assert set(bot.verdicts) == {"r/a", "r/c"}
    await bot.stop()
    await world.stage.lost(world.partition)


@pytest.mark.parametrize("method", ["getMe", "setMyCommands"])
async def test_an_end_waits_for_no_introduction(method: str) -> None:
    world = await start(chats("nhom"))
    bot = bot_of(world, Asked(world.clock, {method: 15.0}))
    await bot.start()
    await asyncio.sleep(1)
    asked_at = world.clock.now()
    await bot.stop()
    assert world.clock.now() - asked_at < 0.1
    await world.stage.lost(world.partition)


# --- strangers --------------------------------------------------------------------------------------------------


def tell(to: Answers, outcome: Outcome, chat: int) -> None:
    to.show(Effects(outcome, reply=Reply(Markup("x"))), Place(str(chat), None, "private", chat), "")


def answering(world: World) -> tuple[Answers, Asked]:
    world.channel.ask = asked = Asked(world.clock)
    return Answers(world.stage.tools, world.channel), asked


async def test_strangers_are_answered_one_by_one_and_not_without_end() -> None:
    world = await start(chats("nhom"))
    say, asked = answering(world)
    for chat in range(500):
        tell(say, "greeted", 5_000 + chat)
    tell(say, "shown", 1)
    await asyncio.sleep(0.5)
    assert [chat for _, chat in asked.said if chat == "1"], "a reader waits for no stranger"
    await asyncio.sleep(120)
    times = [at for at, chat in asked.said if chat != "1"]
    assert len(times) == answers.STRANGERS_AT_ONCE
    assert all(later - at >= 1.0 for at, later in itertools.pairwise(times))
    gc.collect()
    assert len(say._chats) == 0
    await world.stage.lost(world.partition)


async def test_alerts_go_before_a_stranger() -> None:
    world = await start(chats("nhom"))
    say, asked = answering(world)
    pacer = world.stage.tools.pacer_of(world.channel)
    pacer.take("1", False, world.clock.now())
    tell(say, "refused", 5_000)
    for n in range(10):  # an alert every half second
        await asyncio.sleep(0.5)
        pacer.take(str(n), False, world.clock.now())
    assert asked.said == []
    await asyncio.sleep(3)
    assert [chat for _, chat in asked.said] == ["5000"]
    await world.stage.lost(world.partition)


def test_a_guesser_is_let_be_for_an_hour() -> None:
    wrong = Guesses()
    for n in range(guessing.CODES):
        assert not wrong.too_many("66", float(n))
        wrong.add("66", float(n))
    assert wrong.too_many("66", 3_599.0)
    assert not wrong.too_many("66", 3_601.0)


def test_no_more_guessers_are_remembered_than_there_is_room_for_and_none_for_ever() -> None:
    wrong = Guesses()
    for n in range(guessing.CHATS * 2):
        wrong.add(str(n), n / 1000)
    assert len(wrong) == guessing.CHATS
    wrong.add("late", 10_000.0)
    assert len(wrong) == 1
