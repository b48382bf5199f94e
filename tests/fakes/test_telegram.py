"""The fake refuses what the Bot API refuses, in its words."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from tests.fakes.telegram import BotApi, Limits, Reply, serve
from tests.waiting import until

BUTTON = {"text": "x", "callback_data": "y"}


def api() -> BotApi:
    made = BotApi(lambda: 0.0, Limits(None, None, None))
    made.handle("sendMessage", {"chat_id": 7, "text": "một", "reply_markup": {"inline_keyboard": [[BUTTON]]}})
    return made


@pytest.mark.parametrize(
    ("markup", "words"),
    [
        ({"inline_keyboard": [[{"text": "x", "callback_data": "y" * 65}]]}, "BUTTON_DATA_INVALID"),
        ({"inline_keyboard": [[{"text": "x", "callback_data": "ữ" * 22}]]}, "BUTTON_DATA_INVALID"),
        ({"inline_keyboard": [[{"text": "x", "callback_data": ""}]]}, "BUTTON_DATA_INVALID"),
        ({"inline_keyboard": [[{"text": " ", "callback_data": "y"}]]}, "button text must be non-empty"),
        ({"inline_keyboard": [[{"text": "x"}]]}, "text buttons are unallowed"),
        ({"inline_keyboard": [[BUTTON] * 9]}, "REPLY_MARKUP_TOO_LONG"),
        ("[]", "object expected as reply markup"),
    ],
)
def test_keyboards_that_are_refused(markup: Any, words: str) -> None:
    for method, more in (("sendMessage", {"text": "x"}), ("editMessageReplyMarkup", {"message_id": 1})):
        reply = api().handle(method, {"chat_id": 7, "reply_markup": markup, **more})
        assert (reply.status, words in reply.body["description"]) == (400, True), reply.body


def test_edits_of_a_keyboard() -> None:
    made = api()
    turned = {"inline_keyboard": [[BUTTON | {"text": "z"}]]}
    edit = {"chat_id": 7, "message_id": 1, "reply_markup": turned}
    assert made.handle("editMessageReplyMarkup", edit).status == 200
    assert [m.rows for m in made.current(7)] == [((("z", "y"),),)]
    assert "message is not modified" in made.handle("editMessageReplyMarkup", edit).body["description"]
    assert "not found" in made.handle("editMessageReplyMarkup", edit | {"message_id": 9}).body["description"]
    made.handle("editMessageText", {"chat_id": 7, "message_id": 1, "text": "hai"})
    assert [(m.text, m.rows) for m in made.current(7)] == [("hai", ())], "a text without buttons loses them"


def test_a_pressed_button_is_answered_once_and_shortly() -> None:
    made = api()
    made.press("y", 7, 7)
    query = made.updates[0]["callback_query"]["id"]
    assert made.handle("answerCallbackQuery", {"callback_query_id": query, "text": "x" * 201}).status == 400
    assert made.handle("answerCallbackQuery", {"callback_query_id": query, "text": "x" * 200}).status == 200
    again = made.handle("answerCallbackQuery", {"callback_query_id": query})
    assert "query is too old" in again.body["description"]


@pytest.mark.parametrize(
    ("commands", "words"),
    [
        ([{"command": "Follow", "description": "x"}], "BOT_COMMAND_INVALID"),
        ([{"command": "a" * 33, "description": "x"}], "BOT_COMMAND_INVALID"),
        ([{"command": "a", "description": ""}], "BOT_COMMAND_DESCRIPTION_INVALID"),
        ([{"command": "a", "description": "x" * 257}], "BOT_COMMAND_DESCRIPTION_INVALID"),
        ([{"command": "a", "description": "x"}] * 101, "BOT_COMMANDS_TOO_MUCH"),
    ],
)
def test_menus_that_are_refused(commands: list[dict[str, str]], words: str) -> None:
    assert words in api().handle("setMyCommands", {"commands": commands}).body["description"]


def test_members() -> None:
    made = api()
    made.chat(-5).members = {7: "creator"}
    assert made.handle("getChatMember", {"chat_id": -5, "user_id": 7}).body["result"]["status"] == "creator"
    assert made.handle("getChatMember", {"chat_id": -5, "user_id": 8}).body["result"]["status"] == "left"
    assert made.handle("getChatMember", {"chat_id": -6, "user_id": 8}).status == 400
    assert made.handle("getChatMember", {"chat_id": -5}).status == 400


async def test_two_readers_of_updates_are_in_conflict() -> None:
    made, asked = api(), list[str]()
    handle = made.handle

    def counting(method: str, body: dict[str, Any]) -> Reply:
        asked.append(method)
        return handle(method, body)

    made.handle = counting
    async with serve(made, "t") as url, aiohttp.ClientSession() as session:

        async def poll() -> tuple[int, Any]:
            async with session.post(f"{url}/bott/getUpdates", json={"timeout": 60}) as response:
                return response.status, await response.json()

        first = asyncio.create_task(poll())
        await until(lambda: len(asked) == 1)
        second = asyncio.create_task(poll())
        await until(lambda: len(asked) == 2)
        made.say("xin chào", 7, 7)
        (status, refused), (ok, told) = await asyncio.gather(first, second)
    assert (status, "terminated by other getUpdates" in refused["description"]) == (409, True)
    assert (ok, told["result"][0]["message"]["text"]) == (200, "xin chào")
    assert made.conflicts == 1
