"""Both stages on the real embedded log: from a story change to a message, and why."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import aiohttp
import msgspec
import pytest

from services.alerter import catalogue, service, wiring
from services.alerter.commands import send_test
from services.alerter.trail import why
from tests.alerter import builders as b
from tests.fakes import smtp
from tests.fakes.smtp import Inbox
from tests.fakes.telegram import BotApi, Limits, serve
from tests.ports import free_port
from tests.waiting import PATIENCE, becomes, shown, until
from tinsom import codec, http, metrics
from tinsom.config import (
    Config,
    DestinationConfig,
    EmailConfig,
    HttpConfig,
    SubscriptionConfig,
    TelegramConfig,
    UnsubscribeConfig,
)
from tinsom.errors import ConfigError, InputError, UnreachableError
from tinsom.log import Output, Table
from tinsom.log.sqlite import SqliteLog
from tinsom.messages import Delivery, Match, Tag
from tinsom.screen import Screen
from tinsom.service import Context

TOKEN = "42:canary-secret"
MATCH = Match(initiatives=["de-an-06"])


class Clock:
    """The articles' own day, at the speed of the real one."""

    def __init__(self) -> None:
        self._shift = b.NOW_S - time.time()

    def now(self) -> float:
        return time.time() + self._shift

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


def config(api_url: str = "", port: int = 0) -> Config:
    return Config(
        destinations=[
            DestinationConfig(alias="nhom", channel="telegram", address="-100"),
            DestinationConfig(alias="lan", channel="email", address="lan@don-vi.vn"),
            DestinationConfig(alias="man-hinh", channel="terminal"),
        ],
        subscriptions=[
            SubscriptionConfig(id=f"theo-{d}", destination=d, match=MATCH) for d in ("nhom", "lan", "man-hinh")
        ],
        telegram=TelegramConfig(token_env="TINSOM_TEST_TOKEN", api_url=api_url),
        email=EmailConfig(host="127.0.0.1", port=port, tls="none", sender="tin@tinsom.vn"),
    )


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINSOM_TEST_TOKEN", TOKEN)


@dataclass
class Outside:
    api: BotApi
    inbox: Inbox
    config: Config


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    api, inbox = BotApi(time.monotonic, Limits(None, None, None)), Inbox()
    async with serve(api, TOKEN) as url, smtp.serve(inbox) as port:
        yield Outside(api, inbox, config(url, port))


@asynccontextmanager
async def running(context: Context, console: Screen | None = None) -> AsyncIterator[None]:
    task = asyncio.create_task(service.run_on(context, console))
    try:
        yield
    finally:
        context.stop.set()
        await asyncio.wait_for(task, PATIENCE)


def tables(settings: Config) -> list[Output]:
    ms = int(b.NOW_S * 1000) - 60_000
    written = catalogue.destination_outputs(settings, ms, {}).outputs
    return written + catalogue.subscription_outputs(settings, ms, {}).outputs


@asynccontextmanager
async def opened(path: Path, namespace: str = "tinsom") -> AsyncIterator[SqliteLog]:
    log = SqliteLog(path / "t.db", namespace)
    await log.start()
    try:
        yield log
    finally:
        await log.close()


async def deliveries(log: SqliteLog) -> dict[str, Delivery]:
    found = [codec.decode_as(r, Delivery) async for r in log.read("deliveries", 0)]
    return {d.alert_id: d for d in found}


async def sent(log: SqliteLog, count: int) -> None:
    """Return when so many deliveries are on the log, and all of them are sent."""
    await becomes(lambda: _states(log), ["sent"] * count)


async def _states(log: SqliteLog) -> list[str]:
    return [d.state for d in (await deliveries(log)).values()]


async def planned(log: SqliteLog) -> None:
    """Return when plan has read all that there is."""
    await shown(lambda: log.lag("plan", "story-changes"), lambda lags: not any(lag.records for lag in lags))


async def test_a_change_reaches_a_chat_a_mailbox_and_a_terminal(outside: Outside, tmp_path: Path) -> None:
    screen = io.StringIO()
    async with opened(tmp_path) as log:
        await log.append(tables(outside.config), writer="apply")
        context = Context(log, Clock(), outside.config)
        async with running(context, Screen(file=screen, width=80)):
            await log.append([b.change_output(b.change())], writer="stories")
            await until(lambda: bool(outside.api.accepted and outside.inbox.taken and screen.getvalue()))
        assert {d.state for d in (await deliveries(log)).values()} == {"sent"}
        lines = [line async for line in why(log, "i1", "nhom")]
    assert outside.api.accepted[0].chat_id == "-100"
    assert "Đề án 06" in outside.api.accepted[0].text
    assert outside.inbox.taken[0].message["Subject"] == "Bộ Công an triển khai Đề án 06"
    assert "→ man-hinh" in screen.getvalue()
    assert "Bạn theo dõi: Đề án 06" in screen.getvalue()
    assert lines[0] == "story s1 revision 1: new"
    assert "initiative:de-an-06 by theo-nhom" in lines[1]
    assert [line.split()[1] for line in lines[3:]] == ["pending", "sending", "sent"]


async def test_a_restart_sends_nothing_again(outside: Outside, tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        await log.append(tables(outside.config), writer="apply")
        for count in (3, 5):
            context = Context(log, Clock(), outside.config)
            async with running(context, Screen(file=io.StringIO())):
                new = [b.change_output(b.change(b.item(id=f"i{n}"), story=f"s{n}")) for n in range(count)]
                await log.append(new, writer="stories")
                await planned(log)
                await sent(log, 3 * count)
    assert len(outside.api.accepted) == 5
    assert len(outside.inbox.taken) == 5


async def test_a_link_in_a_mail_ends_it(outside: Outside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the mail that came to the record that suspends, over the process's own server."""
    monkeypatch.setenv("TINSOM_TEST_KEY", "khoa-cua-bai-thu")
    door = UnsubscribeConfig(url="https://tin.example.test", key_env="TINSOM_TEST_KEY")
    assert outside.config.email is not None
    mail = msgspec.structs.replace(outside.config.email, unsubscribe=door)
    settings = msgspec.structs.replace(outside.config, email=mail)
    async with opened(tmp_path) as log:
        await log.append(tables(settings), writer="apply")
        context = Context(log, Clock(), settings)
        port = free_port()
        async with (
            http.serve(HttpConfig(port=port), context.health, context.doors),
            running(context, Screen(file=io.StringIO())),
            aiohttp.ClientSession() as session,
        ):
            await log.append([b.change_output(b.change())], writer="stories")
            await until(lambda: bool(outside.inbox.taken))
            link = outside.inbox.taken[0].message["List-Unsubscribe"].strip().strip("<>")
            own = link.replace("https://tin.example.test", f"http://127.0.0.1:{port}")
            async with session.post(own, data={"List-Unsubscribe": "One-Click"}) as answer:
                assert answer.status == 200
            await log.append([b.change_output(b.change(b.item(id="i2"), story="s2"))], writer="stories")
            await until(lambda: len(outside.api.accepted) == 2)
        ended = {d.destination: d.history[-1].reason for d in (await deliveries(log)).values() if d.item == "i2"}
        assert ended["lan"] == "suspended"
        assert context.doors.open == {}
    assert len(outside.inbox.taken) == 1


async def test_nothing_is_handled_before_apply_has_ended(outside: Outside, tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        await log.append([b.change_output(b.change())], writer="stories")
        async with running(Context(log, Clock(), outside.config), Screen(file=io.StringIO())):
            await asyncio.sleep(0.3)
            assert (await log.ends("alerts"))[0][1] == 0
            await log.append(tables(outside.config), writer="apply")
            await until(lambda: bool(outside.api.accepted))


async def test_stop_while_waiting_for_apply(outside: Outside, tmp_path: Path) -> None:
    async with (
        opened(tmp_path) as log,
        running(Context(log, Clock(), outside.config), Screen(file=io.StringIO())),
    ):
        await asyncio.sleep(0.2)


@pytest.mark.parametrize("replay", [False, True])
async def test_a_replay_notifies_nobody(outside: Outside, tmp_path: Path, replay: bool) -> None:
    """Invariant 5: another namespace, or the flag; live credentials are configured and never even read."""
    screen = io.StringIO()
    async with opened(tmp_path, "tinsom" if replay else "scratch") as log:
        await log.append(tables(outside.config), writer="apply")
        context = Context(log, Clock(), outside.config, replay=replay)
        async with running(context, Screen(file=screen)):
            await log.append([b.change_output(b.change())], writer="stories")
            await sent(log, 3)
    assert (outside.api.accepted, outside.api.requests, outside.inbox.taken) == ([], {}, [])
    assert screen.getvalue() == ""


def test_a_replay_makes_no_channel_and_reads_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TINSOM_TEST_TOKEN")
    assert set(wiring.channels(config(), live=False)) == {"recording"}
    with pytest.raises(ConfigError):
        wiring.channels(config(), live=True)


async def test_the_sums_add_up(outside: Outside, tmp_path: Path) -> None:
    """Every record ends in one outcome; what plan decided is what deliver took."""
    stories = [
        b.change(b.item(id=f"i{n}", baseline=n % 3 == 0), b.tags(initiatives=TAGS[n % 2]), story=f"s{n}")
        for n in range(9)
    ]
    before = {k: metrics.value(metrics.ITEMS, *k) for k in _OUTCOMES}
    async with opened(tmp_path) as log:
        await log.append(tables(outside.config), writer="apply")
        async with running(Context(log, Clock(), outside.config), Screen(file=io.StringIO())):
            await log.append([b.change_output(s) for s in stories], writer="stories")
            await planned(log)
            await sent(log, 9)
        assert len(outside.api.accepted) == len(outside.inbox.taken) == 3
        alerts = (await log.ends("alerts"))[0][1]
    counted = {k: metrics.value(metrics.ITEMS, *k) - v for k, v in before.items()}
    assert counted["plan", "alert"] == 3
    assert counted["plan", "suppressed"] == 1
    assert counted["plan", "unmatched"] == 5
    assert counted["deliver", "accepted"] + counted["deliver", "suppressed-by-plan"] == alerts == 12


TAGS: tuple[list[Tag], list[Tag]] = ([], [b.tag("de-an-06")])
_OUTCOMES = [
    ("plan", "alert"), ("plan", "suppressed"), ("plan", "unmatched"), ("deliver", "accepted"),
    ("deliver", "suppressed-by-plan"),
]  # fmt: skip


async def test_no_secret_in_metrics_or_records(
    outside: Outside, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outside.api.faults = ["error_500", "accept_reset"]
    async with opened(tmp_path) as log:
        await log.append(tables(outside.config), writer="apply")
        async with running(Context(log, Clock(), outside.config), Screen(file=io.StringIO())):
            await log.append([b.change_output(b.change(story=f"s{n}")) for n in range(3)], writer="stories")
            await until(lambda: len(outside.inbox.taken) == 3)
        values = [r.value or b"" for t in ("alerts", "deliveries") async for r in log.read(t, 0)]
    seen = metrics.render() + b"".join(values) + "".join(capsys.readouterr()).encode()
    for canary in (b"canary", b"lan@don-vi.vn", b'"-100"'):
        assert canary not in seen


# --- send-test and why -----------------------------------------------------------------------------------------


async def test_send_test(outside: Outside) -> None:
    await send_test(outside.config, "nhom")
    assert "Tin thử của Tin sớm" in outside.api.accepted[0].text
    await send_test(outside.config, "lan")
    assert outside.inbox.taken[0].message["Subject"] == "Tin thử của Tin sớm"


async def test_send_test_says_what_is_wrong(outside: Outside) -> None:
    with pytest.raises(InputError, match=r"no destination 'x'; configured: lan, man-hinh, nhom"):
        await send_test(outside.config, "x")
    outside.api.chat(-100).blocked = "bot was kicked from the group chat"
    with pytest.raises(InputError, match="refused: kicked"):
        await send_test(outside.config, "nhom")
    with pytest.raises(UnreachableError, match="unreachable"):
        await send_test(config("http://127.0.0.1:9", 9), "nhom")


async def test_why_of_what_was_suppressed_unmatched_or_unknown(outside: Outside, tmp_path: Path) -> None:
    async with opened(tmp_path) as log:
        await log.append(tables(outside.config), writer="apply")
        async with running(Context(log, Clock(), outside.config), Screen(file=io.StringIO())):
            old = b.change(b.item(id="cu", baseline=True), story="s1")
            none = b.change(b.item(id="la"), b.tags(id="la", initiatives=[]), story="s2")
            await log.append([b.change_output(old), b.change_output(none)], writer="stories")
            await planned(log)
        assert "suppressed for nhom: baseline" in [line async for line in why(log, "cu", "nhom")][1]
        assert [line async for line in why(log, "la")][1] == "no subscription matched"
        assert [line async for line in why(log, "x")] == ["nothing is known of item x"]


async def test_a_new_subscription_hears_once_of_the_time_before_it(outside: Outside, tmp_path: Path) -> None:
    """On the real log: two runs, an edit between them, and one chat that hears of five stories in one message."""
    wanted = [SubscriptionConfig(id="theo-nhom", destination="nhom", match=MATCH, backfill=5)]
    settings = msgspec.structs.replace(outside.config, subscriptions=wanted)
    edited = msgspec.structs.replace(wanted[0], match=Match(places=["dong-thap"]), backfill=50)
    began = b.NOW - timedelta(hours=1)
    async with opened(tmp_path) as log:
        past = [b.change(b.item(id=f"i{n}", title=f"Tin {n}."), story=f"s{n}", began_at=began) for n in range(9)]
        await log.append([b.change_output(one, n) for n, one in enumerate(past)], writer="stories")
        await log.append(tables(settings), writer="apply")
        for config_now in (settings, msgspec.structs.replace(settings, subscriptions=[edited])):
            table = Table(log.tail(["subscriptions"]))
            await table.refresh()
            changes = catalogue.subscription_outputs(config_now, int(b.NOW_S * 1000), table.records)
            await log.append(changes.outputs, writer="apply")
            async with running(Context(log, Clock(), config_now), Screen(file=io.StringIO())):
                await until(lambda: bool(outside.api.accepted))
                await asyncio.sleep(2.5)  # longer than from one look to the next
        lines = [line async for line in why(log, "i8", "nhom")]
    (message,) = outside.api.accepted
    assert [n for n in range(9) if f"Tin {n}." in message.text] == [4, 5, 6, 7, 8]
    assert "suppressed for nhom: before_subscription" in lines[1]
    assert "initiative:de-an-06 by theo-nhom" in lines[2]
    assert lines[-1].split()[1] == "digested"
