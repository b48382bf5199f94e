"""From a story change to an accepted message at 20 a second, on the embedded log and a fake that takes 50 ms.

Requirement: p50 at most 1 s, p99 at most 5 s. Beside it the floor: the same requests with nothing around them.
Planning alone is pure, so it is measured without a log: 200 subscriptions, half of them with keywords.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import msgspec

from benchmarks.report import Figure, quantile
from services.alerter import catalogue, service
from services.alerter.plan import Rules, plan
from tests.fakes import telegram
from tests.fakes.telegram.core import NO_LIMITS, BotApi
from tinsom import codec
from tinsom.clock import SystemClock
from tinsom.config import Config, DestinationConfig, SubscriptionConfig, TelegramConfig
from tinsom.log.sqlite import SqliteLog
from tinsom.messages import Item, Match, Place, StoryChange, Subscription, TaggedItem, Tags
from tinsom.service import Context

CHATS, CHANGES, PER_SECOND, LATENCY = 60, 400, 20, 0.05
PLANS, SUBSCRIPTIONS = 2_000, 200
KEYWORD, PLACE = Match(keywords=["chuyển đổi số"], role="any"), Match(places=["x"])
TEXT = "Bộ Công an phối hợp các địa phương triển khai Đề án 06 và dịch vụ công trực tuyến toàn trình. " * 30


def change(number: int) -> StoryChange:
    now = datetime.now(UTC)
    item = Item(
        id=f"i{number}", publisher="p", source="s", url=f"https://example.gov.vn/{number}",
        title=f"Tin số {number}.", text=TEXT, fetched_at=now, published_at=now, date_quality="exact",
    )  # fmt: skip
    tags = Tags(id=item.id, places=[Place(id=f"p{number % CHATS}", role="primary")])
    tagged = TaggedItem(item=msgspec.Raw(codec.to_bytes(item)), tags=tags)
    return StoryChange(
        story=item.id,
        revision=1,
        kind="new",
        item=item.id,
        tagged=msgspec.Raw(codec.to_bytes(tagged)),
        began_at=now,
    )


def configuration(folder: Path, bot: str) -> Config:
    (folder / "token").write_text("42:secret")
    return Config(
        destinations=[
            DestinationConfig(alias=f"c{n}", channel="telegram", address=str(n + 1)) for n in range(CHATS)
        ],
        subscriptions=[
            SubscriptionConfig(id=f"s{n}", destination=f"c{n}", match=Match(places=[f"p{n}"]))
            for n in range(CHATS)
        ],
        telegram=TelegramConfig(token_file=str(folder / "token"), api_url=bot),
    )


async def change_to_accepted() -> list[float]:
    """Seconds from each change being written to its message being accepted."""
    api = BotApi(time.time, NO_LIMITS)
    with tempfile.TemporaryDirectory() as name:
        async with telegram.serve(api, latency=LATENCY) as bot:
            config, log = configuration(Path(name), bot), SqliteLog(Path(name) / "log.db")
            await log.start()
            ms = int(time.time() * 1000) - 1000
            tables = catalogue.destination_outputs(config, ms, {}).outputs
            await log.append([*tables, *catalogue.subscription_outputs(config, ms, {}).outputs], writer="apply")
            context = Context(log, SystemClock(), config)
            running = asyncio.create_task(service.run(context))
            try:
                written = await _write(log)
                while len(api.accepted) < CHANGES:
                    await asyncio.sleep(0.02)
            finally:
                context.stop.set()
                await running
                await log.close()
    return [m.at - written[m.text.split("Tin số ")[1].split(".")[0]] for m in api.accepted]


async def _write(log: SqliteLog) -> dict[str, float]:
    written: dict[str, float] = {}
    for number in range(CHANGES):
        began, made = time.time(), change(number)
        output = codec.output("story-changes", made.story, made, int(began * 1000), source="bench")
        written[str(number)] = time.time()
        await log.append([output], writer="bench")
        await asyncio.sleep(max(0.0, 1 / PER_SECOND - (time.time() - began)))
    return written


async def bare_request() -> list[float]:
    """The floor: one request after the other, nothing decided and nothing written down."""
    api, took = BotApi(time.time, NO_LIMITS), []
    async with telegram.serve(api, latency=LATENCY) as bot, aiohttp.ClientSession() as session:
        for number in range(100):
            began = time.time()
            body = {"chat_id": str(number), "text": f"Tin số {number}."}
            async with session.post(f"{bot}/bot42:secret/sendMessage", json=body) as response:
                await response.read()
            took.append(time.time() - began)
    return took


def plans_per_second() -> float:
    subscriptions = [
        Subscription(id=f"s{n}", destination=f"d{n}", match=(KEYWORD, PLACE)[n % 2]) for n in range(SUBSCRIPTIONS)
    ]
    changes = [change(n) for n in range(PLANS)]
    began = time.perf_counter()
    for made in changes:
        plan(made, subscriptions, Rules())
    return PLANS / (time.perf_counter() - began)


async def run() -> list[Figure]:
    took, bare = await change_to_accepted(), await bare_request()
    figures = [
        Figure(
            f"story change to accepted at {PER_SECOND}/s, p{share * 100:.0f}",
            quantile(took, share) * 1000,
            "ms",
            quantile(bare, share) * 1000,
            "one bare request",
        )
        for share in (0.5, 0.99)
    ]
    return [*figures, Figure(f"plan, {SUBSCRIPTIONS} subscriptions", plans_per_second(), "changes/s")]
