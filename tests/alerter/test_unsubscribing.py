"""One click and no more mail: by POST and not by GET, for the right reader and nobody else, on the log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace

from services.alerter import unsubscribing
from services.alerter.channels.email import EmailChannel
from services.alerter.channels.recording import RecordingChannel
from services.alerter.door import UnsubscribeDoor
from services.alerter.rendering import Digest, Letter
from tests.alerter import builders as b
from tests.alerter.virtual import VIRTUAL_TIME, World, start
from tests.fakes import smtp
from tests.fakes.smtp import Inbox
from tests.ports import free_port
from tinsom import http
from tinsom.config import EmailConfig, HttpConfig, UnsubscribeConfig
from tinsom.doors import Doors
from tinsom.health import Health
from tinsom.messages import Destination

KEY = b"mot khoa bi mat"
BASE = "https://tin.example.test/ngung"
LAN = b.destination("lan", channel="email", address="lan@don-vi.vn")
MAI = b.destination("mai.nguyen", channel="email", address="mai@don-vi.vn")


def door_of(world: World) -> UnsubscribeDoor:
    return UnsubscribeDoor(KEY, world.stage.senders, world.stage.tools, 1)


@asynccontextmanager
async def opened(world: World) -> AsyncIterator[str]:
    port = free_port()
    doors = Doors({unsubscribing.PATH: door_of(world)})
    async with http.serve(HttpConfig(port=port), Health(), doors):
        yield f"http://127.0.0.1:{port}"


def path(to: Destination = LAN) -> str:
    return f"/{unsubscribing.PATH}/{unsubscribing.token(KEY, to)}"


def state(world: World, alias: str = "lan") -> tuple[str, str]:
    to = world.stage.tools.destinations.all[alias]
    return to.state, to.reason


async def test_post_ends_it_and_get_does_not() -> None:
    """Requirement 11."""
    world = await start([LAN, MAI], more={"email": (recording := RecordingChannel(name="email"))})
    async with opened(world) as server, aiohttp.ClientSession() as session:
        for method in ("GET", "HEAD"):
            async with session.request(method, server + path()) as answer:
                assert answer.status in (200, 405)
                shown = await answer.text()
            assert state(world) == ("active", "")
        assert 'method="post"' in shown or method == "HEAD"
        async with session.post(server + path(), data={"List-Unsubscribe": "One-Click"}) as answer:
            assert answer.status == 200
            assert answer.headers["Cache-Control"] == "no-store"
            assert "không nhận thư nữa" in await answer.text()
        async with session.post(server + path()) as answer:  # a second click is no fault
            assert answer.status == 200
    assert state(world) == ("suspended", "unsubscribed")
    await world.arrive(b.alert(1, destination="lan"), b.alert(2, destination="mai.nguyen"))
    await world.settle()
    assert [alias for alias, _ in recording.sent] == ["mai.nguyen"]
    await world.stage.lost(world.partition)


async def test_it_holds_after_a_restart_and_can_be_taken_back() -> None:
    world = await start([LAN])
    assert (await door_of(world)("POST", unsubscribing.token(KEY, LAN))).status == 200
    await world.stage.lost(world.partition)
    successor = await start([], log=world.log, api=world.api)
    assert state(successor) == ("suspended", "unsubscribed")
    answer = await door_of(successor)("POST", unsubscribing.token(KEY, LAN) + "/again")
    assert answer.status == 200
    assert state(successor) == ("active", "")
    await successor.stage.lost(successor.partition)


@pytest.mark.parametrize(
    "given",
    [
        "lan." + "0" * 32,
        "lan",
        "",
        unsubscribing.token(b"another key", LAN),
        unsubscribing.token(KEY, b.destination("lan", address="cu@don-vi.vn")),  # the address of before
        unsubscribing.token(KEY, MAI),  # nobody here
        unsubscribing.token(KEY, LAN) + "/x",
        "lan.é" + "0" * 31,
    ],
)
async def test_a_forged_link_does_nothing(given: str) -> None:
    world = await start([LAN])
    assert (await door_of(world)("POST", given)).status == 404
    assert state(world) == ("active", "")
    await world.stage.lost(world.partition)


async def test_a_full_mailbox_does_not_come_back_by_a_click() -> None:
    ended = b.destination("lan", channel="email", address="lan@don-vi.vn", state="suspended", reason="hard_bounce")
    assert unsubscribing.back(ended) is None
    assert unsubscribing.left(ended) is None


async def test_a_process_that_does_not_send_says_later() -> None:
    world = await start([LAN])
    senders, world.stage.senders = dict(world.stage.senders), {}
    answer = await door_of(world)("POST", unsubscribing.token(KEY, LAN))
    assert (answer.status, answer.retry_after) == (503, 30)
    world.stage.senders = senders
    world.partition.owned = False  # fenced meanwhile: the record is not taken
    assert (await door_of(world)("POST", unsubscribing.token(KEY, LAN))).status == 503
    assert state(world) == ("active", "")
    await world.stage.lost(world.partition)


@VIRTUAL_TIME
async def test_who_leaves_while_a_mail_is_under_way_stays_away() -> None:
    """Its result says that the mailbox is well again; of what was known before the click."""
    world = await start(
        [b.destination("lan", channel="telegram", address="1000", reason="soft_bounce")], latency=5.0
    )
    await world.arrive(b.alert(1, destination="lan"))
    await asyncio.sleep(1)
    to = world.stage.tools.destinations.all["lan"]
    assert (await door_of(world)("POST", unsubscribing.token(KEY, to))).status == 200
    await world.settle()
    assert (world.states(), state(world)) == ({"sent": 1}, ("suspended", "unsubscribed"))
    await world.stage.lost(world.partition)


@VIRTUAL_TIME
async def test_what_changes_while_a_click_waits_for_its_turn_is_not_undone() -> None:
    world = await start([LAN])
    async with world.partition.lock:
        click = asyncio.create_task(door_of(world)("POST", unsubscribing.token(KEY, LAN)))
        await asyncio.sleep(1)
        chosen = replace(world.stage.tools.destinations.all["lan"], quiet=["22:00-06:00"], chosen=["quiet"])
        await world.sender.clerk.write([], chosen)
    assert (await click).status == 200
    assert state(world) == ("suspended", "unsubscribed")
    assert world.stage.tools.destinations.all["lan"].quiet == ["22:00-06:00"]
    await world.stage.lost(world.partition)


async def test_other_paths_stay_closed() -> None:
    world = await start([LAN])
    async with opened(world) as server, aiohttp.ClientSession() as session:
        for method, wanted in (
            ("GET", "/khac/x"),
            ("POST", "/metrics"),
            ("POST", "/live"),
            ("GET", "/unsubscribe/"),
        ):
            async with session.request(method, server + wanted) as answer:
                assert answer.status in (404, 405)
        async with session.get(server + "/live") as answer:
            assert answer.status == 200
    await world.stage.lost(world.partition)


# --- what the mails say --------------------------------------------------------------------------------------


def config(port: int = 25, **changes: Any) -> EmailConfig:
    fields: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "tls": "none",
        "sender": "tin@tinsom.vn",
        "timeout": 30.0,
    }
    return EmailConfig(**fields | changes)


LETTER = Letter(alert=b.alert(), timezone="Asia/Ho_Chi_Minh", language="vi", decided_at=b.NOW)
DIGEST = Digest("d1", "lan", [], "Asia/Ho_Chi_Minh", "vi", b.NOW)


def test_mails_and_digests_carry_the_link_where_it_is_configured() -> None:
    channel = EmailChannel(config(unsubscribe=UnsubscribeConfig(url=BASE + "/", key_env="X")), "", KEY)
    link = f"{BASE}{path()}"
    for (part,) in (channel.render(LETTER, LAN), channel.render_digest(DIGEST, LAN)):
        headers = dict(part.headers)
        assert headers["List-Unsubscribe"] == f"<{link}>"
        assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert f'href="{link}"' in part.html
        assert link in part.text
    (plain,) = EmailChannel(config()).render(LETTER, LAN)
    assert not [name for name, _ in plain.headers if name.startswith("List-Unsubscribe")]
    assert "Ngừng nhận thư" not in plain.html + plain.text


async def test_a_bounce_can_name_the_destination() -> None:
    inbox = Inbox()
    async with smtp.serve(inbox) as port:
        for verp in (True, False):
            channel = EmailChannel(config(port, verp=verp))
            (part,) = channel.render(LETTER, MAI)
            assert (await channel.send(MAI, part, before_write=lambda: None)).ok
            await channel.close()
    assert [taken.sender for taken in inbox.taken] == ["tin+mai-nguyen@tinsom.vn", "tin@tinsom.vn"]
