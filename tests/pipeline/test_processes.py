"""Six processes and kill -9 at any moment: the result equals the pure function over the input."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.cli import applying
from tests.chance import seeded
from tests.fakes import telegram
from tests.pipeline.fleet import Fleet
from tests.pipeline.oracle import check_stages
from tests.pipeline.running import count, growing, messages, until
from tests.pipeline.site import Article, Site, served
from tests.waiting import shown
from tinsom.clock import SystemClock
from tinsom.config import (
    CollectorConfig,
    Config,
    DestinationConfig,
    HttpConfig,
    KafkaConfig,
    LogConfig,
    SourceConfig,
    SubscriptionConfig,
    TelegramConfig,
)
from tinsom.log import Log
from tinsom.messages import Alert, Delivery, Item, Match
from tinsom.process import open_log

pytestmark = pytest.mark.alone

FEEDS, CHATS = 40, 20
ON_TOPIC_EVERY = 12
ONSETS = ["b", "c", "d", "đ", "g", "h", "k", "l", "m", "n", "r", "s", "t", "v", "x"]
RHYMES = ["a", "ai", "an", "anh", "ê", "i", "inh", "o", "oi", "ong", "u", "ung"]
IN_FLIGHT = 8  # sends that may be under way when a sender dies


def article(feed: int, number: int, now: datetime) -> Article:
    on_topic = number % ON_TOPIC_EVERY == 0
    chat = (feed * 31 + number // ON_TOPIC_EVERY) % CHATS
    head, lede = words_of(feed, number)
    what = f"Bộ Công an triển khai Đề án 06 ở khu vực {chat:02}" if on_topic else head
    return Article(f"tin-{feed}-{number}", f"{what}, {feed}-{number}", f"{lede}, {feed}-{number}.", now)


def words_of(feed: int, number: int) -> tuple[str, str]:
    """Its own for each, as news has: of thousands that are nearly the same each is compared with hundreds."""
    rng = random.Random(f"{feed}-{number}")
    words = ["".join(rng.choice(part) for part in (ONSETS, RHYMES) * 2) for _ in range(18)]
    return " ".join(words[:6]).capitalize(), " ".join(words[6:]).capitalize()


def site_of(entries: int) -> tuple[Site, dict[str, list[Article]]]:
    """A site that shows one entry a feed, and what it shows when the work begins."""
    now = datetime.now(UTC) - timedelta(minutes=5)
    later = {f"f{feed}": [article(feed, n, now) for n in range(1, entries + 1)] for feed in range(FEEDS)}
    old = Article("cu", "Có từ trước", "Không báo ai.", now)
    return Site({name: [old] for name in later}), later


def configuration(form: str, site: Site, folder: Path, bot: str, bootstrap: str) -> Config:
    (folder / "token").write_text("42:secret")
    kafka = KafkaConfig(bootstrap_servers=bootstrap, session_timeout=3.0, transaction_timeout=5.0)
    return Config(
        namespace="tinsom" if form == "sqlite" else f"t{uuid.uuid4().hex[:8]}",
        log=LogConfig(path=str(folder / "log.db"), session=3.0),
        kafka=kafka if form == "kafka" else None,
        http=HttpConfig(port=0),
        collector=CollectorConfig(allow_private=["127.0.0.1"]),
        sources=[
            SourceConfig(id=feed, publisher=f"p-{feed}", url=site.url(feed), interval=3.0, full_text=False)
            for feed in site.feeds
        ],
        destinations=[
            DestinationConfig(alias=f"chat-{n}", channel="telegram", address=str(1000 + n)) for n in range(CHATS)
        ],
        subscriptions=[
            SubscriptionConfig(
                id=f"s{n}",
                destination=f"chat-{n}",
                match=Match(initiatives=["de-an-06"], keywords=[f"khu vực {n:02}"]),
            )
            for n in range(CHATS)
        ],
        telegram=TelegramConfig(token_file=str(folder / "token"), api_url=bot),
    )


def bootstrap_of(form: str, request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue("kafka_bootstrap")) if form == "kafka" else ""


FORMS = ["sqlite", pytest.param("kafka", marks=pytest.mark.kafka)]


@pytest.mark.parametrize("form", FORMS)
async def test_killed_processes_lose_and_double_nothing(
    form: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    await kill_run(form, bootstrap_of(form, request), tmp_path, entries=125, kills=10)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("form", FORMS)
async def test_killed_a_hundred_times(form: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    await kill_run(form, bootstrap_of(form, request), tmp_path, entries=125, kills=100)


async def kill_run(form: str, bootstrap: str, folder: Path, *, entries: int, kills: int) -> None:
    rng = seeded()
    site, later = site_of(entries)
    api = telegram.BotApi(time.time)
    async with served(site), telegram.serve(api) as bot:
        config = configuration(form, site, folder, bot, bootstrap)
        fleet = Fleet.of(config, folder)
        log = open_log(config)
        await log.start()
        try:
            await applying.apply(config, log, SystemClock())
            fleet.start()
            await until(log, "items", FEEDS)
            await killed_at_work(log, site, later, fleet, rng, kills)
            await until(log, "items", FEEDS * (entries + 1), seconds=400)
            await fleet.up()
            assert set(await asyncio.to_thread(fleet.terminate)) == {0}
            await check_items(log, later)
            await check_stages(log, config)
            await check_deliveries(log, api, fleet)
        except BaseException:
            print(fleet.logs())
            raise
        finally:
            fleet.kill_all()
            await log.close()


def show(site: Site, later: dict[str, list[Article]], first: int, end: int) -> None:
    for name, articles in later.items():
        site.feeds[name] += articles[first:end]


async def killed_at_work(
    log: Log, site: Site, later: dict[str, list[Article]], fleet: Fleet, rng: random.Random, kills: int
) -> None:
    """Before each kill there is news, and some of it has come: no machine is through before the last one."""
    entries = len(later["f0"])
    async with growing(log, "items") as count:
        for kill in range(kills):
            before = await count()
            show(site, later, entries * kill // kills, entries * (kill + 1) // kills)
            await shown(count, lambda found: found > before)  # noqa: B023 - called at once
            await asyncio.sleep(rng.uniform(0.0, 2.0))
            fleet.kill_one(rng)


async def check_items(log: Log, later: dict[str, list[Article]]) -> None:
    """Every entry once, as its first revision; the old ones as baseline."""
    found = Counter(
        (m.source, m.title, m.revision, m.baseline) for m in await messages(log, "items") if isinstance(m, Item)
    )
    wanted = Counter((feed, a.title, 1, False) for feed, articles in later.items() for a in articles)
    wanted += Counter((feed, "Có từ trước", 1, True) for feed in later)
    assert found == wanted


async def check_deliveries(log: Log, api: telegram.BotApi, fleet: Fleet) -> None:
    """Every alert has one result; a chat got it once, or at most once where nobody can know."""
    alerts = {m.id: m for m in await messages(log, "alerts") if isinstance(m, Alert)}
    states = {m.alert_id: m for m in await messages(log, "deliveries") if isinstance(m, Delivery)}
    assert alerts
    assert set(states) == set(alerts)
    ended = Counter(delivery.state for delivery in states.values())
    assert set(ended) <= {"sent", "ambiguous"}, ended
    assert ended["ambiguous"] <= IN_FLIGHT * fleet.kills["alert"], (ended, fleet.kills)
    assert not api.duplicates()
    for alert in alerts.values():
        chat = str(1000 + int(alert.destination.removeprefix("chat-")))
        times = sum(alert.notice.title in text for text in api.texts(chat))
        assert times == 1 if states[alert.id].state == "sent" else times <= 1, (alert.notice.title, times)
    print(f"{await count(log, 'items')} items, {dict(ended)}, kills {dict(fleet.kills)}")
