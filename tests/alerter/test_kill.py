"""The alerter as a process, killed and stopped at random moments: nothing lost, nothing twice without a word."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
import yaml

from services.alerter import catalogue
from tests.alerter import builders as b
from tests.chance import seeded
from tests.fakes import telegram
from tests.fakes.telegram.core import NO_LIMITS
from tests.waiting import heeds, shown, until
from tinsom import codec
from tinsom.config import (
    Config,
    DestinationConfig,
    HttpConfig,
    KafkaConfig,
    LogConfig,
    SubscriptionConfig,
    TelegramConfig,
)
from tinsom.log import Log
from tinsom.messages import Alert, Delivery, Match, Place, Priority, StoryChange
from tinsom.process import open_log

pytestmark = pytest.mark.alone

CHATS, IN_FLIGHT = 60, 8
TIMEOUT = 6.0  # of a send: longer than anybody stands still who was not stopped
A_SECOND = 30  # the channel's pace: the kills are spread over all that there is to send
FORMS = ["sqlite", pytest.param("kafka", marks=pytest.mark.kafka)]
MARK = "Có thể trùng"
PRIORITIES: tuple[Priority, ...] = ("normal", "urgent")


def configuration(form: str, folder: Path, bot: str, bootstrap: str) -> Config:
    (folder / "token").write_text("42:secret")
    kafka = KafkaConfig(bootstrap_servers=bootstrap, session_timeout=3.0, transaction_timeout=5.0)
    return Config(
        namespace="tinsom" if form == "sqlite" else f"t{uuid.uuid4().hex[:8]}",
        log=LogConfig(path=str(folder / "log.db"), session=1.0),
        kafka=kafka if form == "kafka" else None,
        http=HttpConfig(port=0),
        destinations=[
            DestinationConfig(alias=f"c{n}", channel="telegram", address=str(1000 + n)) for n in range(CHATS)
        ],
        # Half of the readers want it urgently: what is in doubt comes to them once more.
        subscriptions=[
            SubscriptionConfig(
                id=f"s{n}", destination=f"c{n}", match=Match(places=[f"p{n}"]), priority=PRIORITIES[n % 2]
            )
            for n in range(CHATS)
        ],
        telegram=TelegramConfig(token_file=str(folder / "token"), api_url=bot, timeout=TIMEOUT),
    )  # fmt: skip


def change(number: int, now: datetime) -> StoryChange:
    item = b.item(id=f"i{number}", title=f"Tin số {number}.", fetched_at=now, published_at=now)
    tags = b.tags(id=item.id, places=[Place(id=f"p{number % CHATS}", role="primary")])
    return b.change(item, tags, story=f"s{number}", began_at=now)


@dataclass
class Process:
    """One `tinsom alert`, a child of the nursery."""

    pid: int
    alerter: Alerter
    code: int | None = None

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait(self) -> int:
        if self.code is None:
            self.code = int(self.alerter.order("wait", str(self.pid)))
        return self.code


@dataclass
class Alerter:
    """`tinsom alert`, restarted whenever it was killed."""

    config: Path
    processes: list[Process] = field(default_factory=list)
    _nursery: subprocess.Popen[str] | None = None

    def order(self, *words: str) -> str:
        if self._nursery is None:
            command = [sys.executable, "-m", "tests.alerter.nursery"]
            self._nursery = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.write("\t".join(words) + "\n")
        self._nursery.stdin.flush()
        return self._nursery.stdout.readline()

    def launch(self) -> Process:
        log = str(self.config.parent / "alert.log")
        process = Process(int(self.order("run", log, "alert", "-c", str(self.config))), self)
        self.processes.append(process)
        return process

    def end(self) -> None:
        for process in self.processes:
            if process.code is None:
                process.send_signal(signal.SIGCONT)
                process.send_signal(signal.SIGKILL)
                process.wait()
        if self._nursery is not None:
            assert self._nursery.stdin is not None
            assert self._nursery.stdout is not None
            self._nursery.stdin.close()
            self._nursery.stdout.close()
            self._nursery.wait()


async def stopped(process: Process, file: Path) -> None:
    """SIGSTOP, but not in the middle of a transaction: SQLite's lock would be held as long as the stop lasts."""
    while True:
        process.send_signal(signal.SIGSTOP)
        # The signal is sent, not yet heard: a thread on another core may still begin a transaction.
        await until(lambda: _has_stopped(process.pid))
        if not file.exists():
            return
        connection = sqlite3.connect(file, timeout=0.2, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
            return
        except sqlite3.OperationalError:
            process.send_signal(signal.SIGCONT)
            await asyncio.sleep(0.01)
        finally:
            connection.close()


def _has_stopped(pid: int) -> bool:
    """All its threads; see proc_pid_stat(5)."""
    states = [stat.read_text().rpartition(")")[2].split()[0] for stat in Path(f"/proc/{pid}/task").glob("*/stat")]
    return bool(states) and set(states) == {"T"}


async def deliveries(log: Log) -> dict[str, Delivery]:
    found = [codec.decode_as(r, Delivery) async for r in log.read("deliveries", 0)]
    return {d.alert_id: d for d in found}


async def all_settled(log: Log, wanted: int) -> dict[str, Delivery]:
    def settled(newest: dict[str, Delivery]) -> bool:
        return len(newest) == wanted and not any(d.state in ("pending", "sending") for d in newest.values())

    return await shown(lambda: deliveries(log), settled, seconds=400, every=0.3)


async def prepared(log: Log, config: Config, count: int) -> None:
    now = datetime.now(UTC)
    ms = int(now.timestamp() * 1000) - 1000
    tables = [*catalogue.destination_outputs(config, ms, {}).outputs]
    await log.append([*tables, *catalogue.subscription_outputs(config, ms, {}).outputs], writer="apply")
    changes = [change(n, now) for n in range(count)]
    await log.append(
        [codec.output("story-changes", c.story, c, ms + 1000, source="stories") for c in changes],
        writer="stories",
    )


async def check(log: Log, api: telegram.BotApi, newest: dict[str, Delivery], kills: int) -> None:
    alerts = [codec.decode(r) async for r in log.read("alerts", 0)]
    titles = {a.id: (a.notice.title, a.destination) for a in alerts if isinstance(a, Alert)}
    assert set(titles) == set(newest), "every alert once, whatever plan was doing when it was killed"
    assert len(alerts) == len(newest)
    states = Counter(d.state for d in newest.values())
    print(f"kills {kills}, states {dict(states)}, accepted {len(api.accepted)}")
    assert states["ambiguous"] <= IN_FLIGHT * kills
    assert api.duplicates() == {}, "every repeat says so"
    for identity, delivery in newest.items():
        title, alias = titles[identity]
        times = sum(title in text for text in api.texts(1000 + int(alias[1:])))
        repeats = sum(title in text and MARK in text for text in api.texts(1000 + int(alias[1:])))
        assert delivery.state in ("sent", "ambiguous")
        assert times >= 1 or delivery.state == "ambiguous", f"{title} is lost"
        assert times <= 1 + repeats


def bootstrap_of(form: str, request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue("kafka_bootstrap")) if form == "kafka" else ""


async def kill_run(
    form: str, bootstrap: str, folder: Path, *, count: int, kills: int, latency: float = 0.05
) -> None:
    rng = seeded()
    api = telegram.BotApi(time.time, NO_LIMITS)
    async with telegram.serve(api, latency=latency) as bot:
        config = configuration(form, folder, bot, bootstrap)
        path = folder / "tinsom.yaml"
        path.write_text(yaml.safe_dump(msgspec.to_builtins(config), allow_unicode=True), "utf-8")
        log, alerter = open_log(config), Alerter(path)
        await log.start()
        try:
            await prepared(log, config, count)
            process = alerter.launch()
            for _ in range(kills):
                # Work for a while, then die at once; a moment is random, what it hits is random too.
                seen = len(api.accepted)
                await until(lambda: len(api.accepted) >= min(seen + 1, count))  # noqa: B023 - called at once
                await asyncio.sleep(rng.uniform(0.0, 2 * count / A_SECOND / kills))
                process.send_signal(signal.SIGKILL)
                process.wait()
                process = alerter.launch()
            newest = await all_settled(log, count)
            # The one before may have settled everything: this one may only be starting.
            await until(lambda: heeds(process.pid, signal.SIGTERM))
            process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(process.wait) == 0
            await check(log, api, newest, kills)
        except BaseException:
            print((folder / "alert.log").read_text("utf-8", "replace")[-3000:])
            raise
        finally:
            alerter.end()
            await log.close()


@pytest.mark.parametrize("form", FORMS)
async def test_killed(form: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    await kill_run(form, bootstrap_of(form, request), tmp_path, count=2_000, kills=20, latency=0.02)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("form", FORMS)
async def test_killed_two_hundred_times(form: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    await kill_run(form, bootstrap_of(form, request), tmp_path, count=2_000, kills=200)


@pytest.mark.parametrize("form", FORMS)
async def test_stopped_longer_than_its_intents_live_and_woken(
    form: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """SIGSTOP in the middle of sending; a second process takes over and finishes; then SIGCONT."""
    api = telegram.BotApi(time.time, NO_LIMITS)
    async with telegram.serve(api, latency=0.2) as bot:
        config = configuration(form, tmp_path, bot, bootstrap_of(form, request))
        path = tmp_path / "tinsom.yaml"
        path.write_text(yaml.safe_dump(msgspec.to_builtins(config), allow_unicode=True), "utf-8")
        log, alerter = open_log(config), Alerter(path)
        await log.start()
        try:
            await prepared(log, config, 200)
            first = alerter.launch()
            await until(lambda: len(api.accepted) > 40)
            await stopped(first, tmp_path / "log.db")
            second = alerter.launch()
            newest = await all_settled(log, 200)
            sent = len(api.accepted)
            first.send_signal(signal.SIGCONT)
            await asyncio.sleep(3.0)
            assert len(api.accepted) == sent, "the woken one may write nothing that is in doubt already"
            for process in (first, second):
                process.send_signal(signal.SIGTERM)
                await asyncio.to_thread(process.wait)
            assert len(api.accepted) == sent, "nor at its end, however late it woke"
            await check(log, api, newest, 1)
        finally:
            alerter.end()
            await log.close()
