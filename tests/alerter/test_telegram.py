"""The Telegram channel against the strict fake, over real sockets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from aiohttp import BaseConnector, web

from services.alerter.channels import Part, StaleIntentError
from services.alerter.channels.telegram import TelegramChannel
from services.alerter.rendering import Letter
from services.alerter.responses import Answer
from tests.alerter import builders as b
from tests.fakes.telegram import BotApi, Limits, serve
from tests.fakes.telegram.core import Fault

TOKEN = "42:canary-secret"
TO = b.destination(channel="telegram", address="1000")
HELLO = Part(text="", html="<b>xin</b> chào")


def fine() -> None:
    pass


@dataclass
class Wire:
    api: BotApi
    channel: TelegramChannel
    url: str

    def impatient(self) -> None:
        """For servers that hang; before the first request."""
        self.channel._session.timeout = 3.0

    async def send(self, part: Part = HELLO, **changes: Any) -> Answer:
        to = b.destination(**{"channel": "telegram", "address": "1000"} | changes)
        return await self.channel.send(to, part, before_write=fine)


def connector_of(channel: TelegramChannel) -> BaseConnector:
    connector = channel._session.get().connector
    assert connector is not None
    return connector


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    api = BotApi(time.monotonic, Limits(None, None, None))
    async with serve(api, TOKEN) as url:
        channel = TelegramChannel(TOKEN, url, timeout=30)
        try:
            yield Wire(api, channel, url)
        finally:
            await channel.close()


async def test_sends_html(wire: Wire) -> None:
    answer = await wire.send()
    assert answer == Answer("answered", ok=True, code=200, message_id="1")
    assert wire.api.accepted[0].text == "xin chào"


async def test_topic_and_plain_text(wire: Wire) -> None:
    assert (await wire.send(Part(text="<b>"), thread=7)).ok
    assert (wire.api.accepted[0].text, wire.api.accepted[0].thread) == ("<b>", 7)


async def test_renders_what_the_server_takes(wire: Wire) -> None:
    letter = Letter(alert=b.alert(), timezone="Asia/Ho_Chi_Minh", language="vi", decided_at=b.NOW)
    for part in wire.channel.render(letter, TO):
        assert (await wire.send(part)).ok


async def test_refusals_reach_the_table(wire: Wire) -> None:
    wire.api.retry_after = 7
    assert wire.channel.judge(await wire.send()).retry_after == 7
    wire.api.chat(1000).blocked = "bot was blocked by the user"
    assert wire.channel.judge(await wire.send()).kind == "gone"
    wire.api.chat(-5).migrated_to = -100_5
    assert wire.channel.judge(await wire.send(address="-5")).moved_to == "-1005"
    assert wire.channel.judge(await wire.send(Part(text="", html="<b>"), address="2")).kind == "plain"
    assert wire.channel.judge(await wire.send(Part(text="x" * 4097), address="2")).reason == "too_long"


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("hang", "ambiguous"), ("reset", "ambiguous"), ("accept_hang", "ambiguous"), ("accept_reset", "ambiguous"),
        ("error_500", "unsure"), ("html_502", "unsure"),
    ],
)  # fmt: skip
async def test_faults(wire: Wire, fault: Fault, kind: str) -> None:
    if "hang" in fault:
        wire.impatient()
    wire.api.faults = [fault]
    assert wire.channel.judge(await wire.send()).kind == kind
    assert len(wire.api.accepted) == (1 if fault.startswith("accept") else 0)


async def test_a_reset_on_a_kept_connection_is_not_repeated_by_the_client(wire: Wire) -> None:
    assert (await wire.send()).ok
    wire.api.faults = ["accept_reset"]
    assert (await wire.send()).phase == "written"
    assert len(wire.api.accepted) == 2


async def test_nobody_there_is_not_written(unused_tcp_port: int) -> None:
    channel = TelegramChannel(TOKEN, f"http://127.0.0.1:{unused_tcp_port}", timeout=30)
    answer = await channel.send(TO, HELLO, before_write=fine)
    assert channel.judge(answer).kind == "unreachable"
    await channel.close()


async def test_a_wrong_token_is_fatal(wire: Wire) -> None:
    channel = TelegramChannel("42:wrong", wire.url, timeout=30)
    assert channel.judge(await channel.send(TO, HELLO, before_write=fine)).kind == "fatal"
    await channel.close()


async def test_the_last_look_before_the_socket(wire: Wire) -> None:
    def too_late() -> None:
        raise StaleIntentError

    for _ in range(3):
        answer = await wire.channel.send(TO, HELLO, before_write=too_late)
        assert answer == Answer("refused")
    assert wire.api.accepted == []
    assert (await wire.send()).ok


async def test_the_look_comes_after_the_connection_stands(wire: Wire) -> None:
    """A slow connect must not let an intent run out unseen: the check is the last thing before the bytes."""
    seen: list[str] = []
    connector = connector_of(wire.channel)
    connect = connector.connect

    async def slow(*args: Any, **more: Any) -> Any:
        connection = await connect(*args, **more)
        seen.append("connected")
        return connection

    connector.connect = slow
    await wire.channel.send(TO, HELLO, before_write=lambda: seen.append("look"))
    assert seen == ["connected", "look"]


async def test_the_token_is_in_no_answer(wire: Wire, unused_tcp_port: int) -> None:
    wire.impatient()
    answers = [await wire.send()]
    faults: list[Fault] = ["hang", "reset", "error_500", "html_502"]
    for fault in faults:
        wire.api.faults = [fault]
        answers.append(await wire.send())
    for url in (f"http://127.0.0.1:{unused_tcp_port}", "http://[bad", "nonsense"):
        channel = TelegramChannel(TOKEN, url, timeout=3.0)
        answers.append(await channel.send(TO, HELLO, before_write=fine))
        await channel.close()
    assert not [a for a in answers if "canary" in repr(a)]
    assert [a.phase for a in answers[-3:]] == ["not_written"] * 3


async def test_many_at_once(wire: Wire) -> None:
    answers = await asyncio.gather(*(wire.send(Part(text=f"tin {n}")) for n in range(50)))
    assert all(a.ok for a in answers)
    assert wire.api.duplicates() == {}


async def test_a_refusal_writes_not_one_byte_and_a_send_follows_its_look_at_once() -> None:
    """No turn of the event loop lies between the look and the socket, so that no stop can fall between them."""
    received: list[bytes] = []
    turns = 0

    async def serve_raw(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.read(65_536))
        writer.close()

    server = await asyncio.start_server(serve_raw, "127.0.0.1", 0)
    channel = TelegramChannel(TOKEN, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout=30)
    transport_writes: list[int] = []

    def too_late() -> None:
        raise StaleIntentError

    assert await channel.send(TO, HELLO, before_write=too_late) == Answer("refused")

    def look() -> None:
        def turned() -> None:
            nonlocal turns
            turns += 1

        asyncio.get_running_loop().call_soon(turned)

    connector = connector_of(channel)
    connect = connector.connect

    async def watched(*args: Any, **more: Any) -> Any:
        connection = await connect(*args, **more)
        transport = connection.transport
        for name in ("write", "writelines"):
            original = getattr(transport, name)

            def wrapped(data: Any, original: Callable[[Any], None] = original) -> None:
                transport_writes.append(turns)
                original(data)

            setattr(transport, name, wrapped)
        return connection

    connector.connect = watched
    await channel.send(TO, HELLO, before_write=look)
    await channel.close()
    server.close()
    await asyncio.sleep(0.01)
    assert [len(data) for data in received if not data] == [0], "the refused one left nothing"
    assert transport_writes, "the message was written"
    assert set(transport_writes) == {0}, "in the same turn as the look"


@pytest.mark.parametrize("size", [100, 2_000_000])
async def test_an_answer_that_comes_in_pieces_is_read_to_its_end(size: int, unused_tcp_port: int) -> None:
    """Twenty updates of the longest are megabytes; cut anywhere they would come again for ever, unread."""
    words = "\u1ec7" * size

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for piece in (b'{"ok":true,"result":{"message_id":7,"text":', msgspec.json.encode(words), b"}}"):
            await response.write(piece)
            await asyncio.sleep(0.01)  # each in a packet of its own
        return response

    app = web.Application()
    app.router.add_post("/{token}/{method}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
    channel = TelegramChannel(TOKEN, f"http://127.0.0.1:{unused_tcp_port}", timeout=30)
    try:
        assert (await channel.send(TO, HELLO, before_write=fine)).message_id == "7"
        assert (await channel.ask("getUpdates", {}))["text"] == words
    finally:
        await channel.close()
        await runner.cleanup()
