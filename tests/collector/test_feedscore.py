"""A virtual day and a bit at the scoring server, through the real collector: full marks."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from services.collector import catalogue, service
from services.collector.articles.pool import Pool
from services.collector.poll import LiveWeb
from services.collector.web.fetch import ANY_HOST, Fetcher
from services.collector.web.gate import Gate
from tests.collector.besieged import Here
from tests.collector.build import NOW
from tests.fakes.feedscore import HOUR, POLLED, FeedScore, behaviours, host_of
from tinsom.clock import ManualClock
from tinsom.config import Config, SourceConfig
from tinsom.log import Log
from tinsom.log.sqlite import SqliteLog
from tinsom.service import Context


@dataclass
class Alarm(ManualClock):
    """A clock that stands still until told to go to the next moment that somebody sleeps until."""

    sleepers: list[tuple[float, int, asyncio.Event]] = field(default_factory=list)
    _count: int = 0

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            return
        self._count += 1
        entry = (self.time + seconds, self._count, asyncio.Event())
        heapq.heappush(self.sleepers, entry)
        try:
            await entry[2].wait()
        finally:
            if entry in self.sleepers:
                self.sleepers.remove(entry)
                heapq.heapify(self.sleepers)

    def ring(self) -> None:
        until, _, event = heapq.heappop(self.sleepers)
        self.time = max(self.time, until)
        event.set()


def configured(port: int) -> Config:
    return Config(
        sources=[
            SourceConfig(
                id=path[1:],
                url=f"http://{host_of(path)}:{port}{path}",
                publisher=path[1:],
                interval=300.0 if path == "/ttl" else 2_400.0,
                full_text=False,
            )
            for path in POLLED
        ]
    )


@asynccontextmanager
async def collecting(log: Log, clock: Alarm, config: Config) -> AsyncIterator[service.Collector]:
    """The real collector on the real fetcher, as one process runs it."""
    context, pool = Context(log, clock, config), Pool()
    async with Fetcher(timeout=30.0, contact="ops@bao.example", allow_private=[ANY_HOST], names=Here()) as fetcher:
        collector = service.Collector(context, LiveWeb(fetcher, pool, Gate(fetcher)))
        running = asyncio.create_task(collector.run())
        while not (context.health.is_ready and len(collector._shares) == 64):
            await asyncio.sleep(0.01)
        yield collector
        context.stop.set()
        await running
    pool.close()


async def play(collector: service.Collector, clock: Alarm, until: float) -> None:
    while True:
        while any(share.tasks for share in collector._shares.values()) or not clock.sleepers:
            await asyncio.sleep(0)
        if clock.sleepers[0][0] > until:
            return
        clock.ring()
        await asyncio.sleep(0)
        await asyncio.sleep(0)


async def test_full_marks(tmp_path: Path) -> None:
    clock = Alarm(NOW)
    log = SqliteLog(tmp_path / "log.db", session=5.0)
    await log.start()
    async with FeedScore(clock.now, behaviours(), delay=0.01) as score:
        config = configured(score.port)
        await log.append(catalogue.source_outputs(config, int(NOW * 1000), {}).outputs, writer="apply")
        for hours in (7.2, 15.0, 30.0):
            async with collecting(log, clock, config) as collector:
                await play(collector, clock, NOW + hours * HOUR)
            score.restarts.append(clock.now())
        marks = score.marks()
    await log.close()
    print(f"\n{len(score.visits)} requests in 30 hours, {len(POLLED)} feeds, two restarts")
    for mark in marks:
        print(f"{mark.occasions - len(mark.faults):5} of {mark.occasions:5}  {mark.rule}  {mark.faults[:4]}")
    assert [mark.rule for mark in marks if not mark.full] == []
