"""SIGTERM under load: what was decided is committed, nothing is left half sent, and the next start goes on."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from services.cli import applying
from tests.fakes import telegram
from tests.pipeline.fleet import Fleet
from tests.pipeline.oracle import check_stages
from tests.pipeline.running import arrived, busy, count, messages, until
from tests.pipeline.site import served
from tests.pipeline.test_processes import (
    FEEDS,
    FORMS,
    bootstrap_of,
    check_deliveries,
    check_items,
    configuration,
    show,
    site_of,
)
from tests.waiting import becomes
from tinsom.clock import SystemClock
from tinsom.log import Log
from tinsom.messages import Delivery
from tinsom.process import open_log
from tinsom.topics import QUEUES

pytestmark = pytest.mark.alone

ENTRIES = 40
HALF = ENTRIES // 2  # the second half is shown when alerts flow: no machine is through with it at the signal
WRITTEN = {"tag": "tagged", "stories": "story-changes"}


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
            await until(log, "items", FEEDS)
            show(site, later, 0, HALF)
            while not api.accepted:
                await asyncio.sleep(0.02)
            await arrived(log, "items", FEEDS * (HALF + 1))
            show(site, later, HALF, ENTRIES)
            await arrived(log, "items", FEEDS * (HALF + 1) + 1)
            # Code 0 is also in time: who is still there after 14.5 s leaves with another.
            assert await asyncio.to_thread(fleet.terminate) == [0, 0, 0]
            # A chat takes a message a second: who has all the items has not sent all of them.
            assert await count(log, "items") < FEEDS * (ENTRIES + 1) or await busy(log), "it was under no load"
            await check_what_stands(log)
            fleet.start(each=1)
            await until(log, "items", FEEDS * (ENTRIES + 1), seconds=400)
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


async def unwritten(log: Log, stage: str) -> int:
    """Records that it has read by its offsets, and not written."""
    unread = sum(lag.records for lag in await log.lag(stage, QUEUES[stage]))
    return await count(log, QUEUES[stage]) - unread - await count(log, WRITTEN[stage])


async def check_what_stands(log: Log) -> None:
    """Outputs and offsets agree; every delivery has a result or waits for its first attempt."""
    for stage in WRITTEN:
        await becomes(partial(unwritten, log, stage), 0)
    newest = {m.alert_id: m.state for m in await messages(log, "deliveries") if isinstance(m, Delivery)}
    assert set(newest.values()) <= {"sent", "pending"}, Counter(newest.values())
