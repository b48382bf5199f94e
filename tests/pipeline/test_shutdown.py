"""SIGTERM under load: what was decided is committed, nothing is left half sent, and the next start goes on."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from pathlib import Path

import pytest

from services.cli import applying
from tests.fakes import telegram
from tests.pipeline.fleet import Fleet
from tests.pipeline.oracle import check_stages
from tests.pipeline.running import arrived, count, messages, until
from tests.pipeline.site import Article, Site, served
from tests.pipeline.test_processes import (
    FEEDS,
    FORMS,
    bootstrap_of,
    check_deliveries,
    check_items,
    configuration,
    site_of,
)
from tinsom.clock import SystemClock
from tinsom.log import Log
from tinsom.messages import Delivery
from tinsom.process import open_log
from tinsom.topics import QUEUES

pytestmark = pytest.mark.alone

ENTRIES = 40
HALF = ENTRIES // 2  # the second half is shown when alerts flow: no machine is through with it at the signal
WRITTEN = {"tag": "tagged", "stories": "story-changes"}


@pytest.mark.timeout(240)
@pytest.mark.parametrize("form", FORMS)
async def test_sigterm_under_load(form: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    site, later = site_of(ENTRIES)
    api = telegram.BotApi(time.time)
    async with served(site), telegram.serve(api, latency=0.05) as bot:
        config = configuration(form, site, tmp_path, bot, bootstrap_of(form, request))
        fleet, log = Fleet.of(config, tmp_path), open_log(config)
        await log.start()
        try:
            await applying.apply(config, log, SystemClock())
            fleet.start(each=1)
            await until(log, "items", FEEDS, seconds=60)
            show(site, later, 0, HALF)
            while not api.accepted:
                await asyncio.sleep(0.02)
            await arrived(log, "items", FEEDS * (HALF + 1))
            show(site, later, HALF, ENTRIES)
            await arrived(log, "items", FEEDS * (HALF + 1) + 1)
            began = time.monotonic()
            assert await asyncio.to_thread(fleet.terminate) == [0, 0, 0]
            assert time.monotonic() - began < 15
            assert await count(log, "items") < FEEDS * (ENTRIES + 1), "it was not under load any more"
            await check_what_stands(log)
            fleet.start(each=1)
            await until(log, "items", FEEDS * (ENTRIES + 1), seconds=120)
            assert await asyncio.to_thread(fleet.terminate) == [0, 0, 0]
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


async def check_what_stands(log: Log) -> None:
    """Outputs and offsets agree; every delivery has a result or waits for its first attempt."""
    for stage, topic in WRITTEN.items():
        unread = sum(lag.records for lag in await log.lag(stage, QUEUES[stage]))
        assert await count(log, topic) == await count(log, QUEUES[stage]) - unread, stage
    newest = {m.alert_id: m.state for m in await messages(log, "deliveries") if isinstance(m, Delivery)}
    assert set(newest.values()) <= {"sent", "pending"}, Counter(newest.values())
