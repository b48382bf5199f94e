"""From fetch to alert at 20 items/s: an item on the log, tagged, in a story, planned; on both logs."""

from __future__ import annotations

import asyncio
import tempfile
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.report import Figure, quantile
from services.alerter.plan_stage import PlanStage, rules_of
from services.alerter.tables import Subscriptions
from services.classifier import service as classifier
from services.cli import applying
from tinsom import codec
from tinsom.clock import SystemClock
from tinsom.config import Config, DestinationConfig, KafkaConfig, LogConfig, SubscriptionConfig
from tinsom.log import Log
from tinsom.messages import Item, Match
from tinsom.process import open_log
from tinsom.service import Context
from tinsom.worker import Worker

ITEMS, WARM_UP, PER_SECOND = 300, 120, 20  # a group needs some seconds to share out its partitions
TITLE = "Bộ Công an triển khai Đề án 06 tại 34 tỉnh, thành phố"
TEXT = "Trước ngày 30/11/2026, các bộ, ngành hoàn thành kết nối với Cơ sở dữ liệu quốc gia về dân cư. " * 40


def configuration(folder: Path, bootstrap: str = "") -> Config:
    return Config(
        namespace=f"bench{uuid.uuid4().hex[:8]}",
        log=LogConfig(path=str(folder / "log.db")),
        kafka=KafkaConfig(bootstrap_servers=bootstrap) if bootstrap else None,
        destinations=[DestinationConfig(alias="d", channel="terminal")],
        subscriptions=[SubscriptionConfig(id="s", destination="d", match=Match(initiatives=["de-an-06"]))],
    )


async def fetch_to_alert(config: Config) -> list[float]:
    """Milliseconds from an item's fetch to its alert being readable, one figure per item."""
    log, clock = open_log(config), SystemClock()
    await log.start()
    await applying.apply(config, log, clock)
    context = Context(log, clock, config)
    subscriptions = Subscriptions(log, clock, context.stop)
    plan = PlanStage(subscriptions, rules_of(config.alerter))
    tasks = [
        asyncio.create_task(classifier.run(context)),
        asyncio.create_task(Worker(log, plan, clock, context.health).run(context.stop)),
    ]
    try:
        writing = asyncio.create_task(_write(log))
        took = await _read(log)
        await writing
        return took[WARM_UP:]
    finally:
        context.stop.set()
        await asyncio.gather(*tasks)
        await subscriptions.close()
        await log.close()


async def _write(log: Log) -> None:
    for number in range(ITEMS + WARM_UP):
        now = time.time()
        item = Item(
            id=f"item-{number}",
            publisher="p",
            source="s",
            url=f"https://example.gov.vn/{number}",
            title=TITLE,
            text=TEXT,
            fetched_at=datetime.fromtimestamp(now, UTC),
        )
        await log.append([codec.output("items", item.id, item, int(now * 1000), source="bench")], writer="bench")
        await asyncio.sleep(max(0.0, 1 / PER_SECOND - (time.time() - now)))


async def _read(log: Log) -> list[float]:
    tail = log.tail(["alerts"])
    took: list[float] = []
    while len(took) < ITEMS + WARM_UP:
        took += [time.time() * 1000 - record.timestamp for record in await tail.read()]
        await asyncio.sleep(0.002)
    await tail.close()
    return took


async def run(bootstrap: str = "", floor_ms: dict[float, float] | None = None) -> list[Figure]:
    """p50 and p99; on Kafka beside three bare transactional hops measured in the same run."""
    with tempfile.TemporaryDirectory() as folder:
        took = await fetch_to_alert(configuration(Path(folder), bootstrap))
    form = "Kafka" if bootstrap else "SQLite"
    return [
        Figure(
            f"{form} log, fetch to alert at {PER_SECOND} items/s, p{share * 100:.0f}",
            quantile(took, share),
            "ms",
            (floor_ms or {}).get(share),
            "three bare transactional hops",
        )
        for share in (0.5, 0.99)
    ]
