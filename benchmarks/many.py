"""Ten thousand sources in one collector: the share of a core that polling every five minutes takes; its memory.

The whole service runs, in a process of its own, on the embedded log; each source is a host of its own, so that
each poll looks a name up and connects. Only the waiting is left out: whoever sleeps moves the clock. The first
look at every source is a baseline and counts apart; of the polls after it nine in ten bring nothing new.

python -m benchmarks.many PORT: the collector alone, on the feed server at this port of 127.0.0.1.
"""

from __future__ import annotations

import asyncio
import json
import logging
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import structlog
import uvloop
from aiohttp.abc import ResolveResult
from prometheus_client import Counter

from benchmarks.feeds import server
from benchmarks.report import Figure
from services.collector import catalogue
from services.collector.articles.pool import Pool
from services.collector.poll import LiveWeb
from services.collector.service import Collector
from services.collector.web.fetch import ANY_HOST, Fetcher
from services.collector.web.gate import Gate
from services.collector.web.response import GOOD
from tinsom import metrics
from tinsom.clock import ManualClock
from tinsom.config import CollectorConfig, Config, SourceConfig
from tinsom.log.sqlite import SqliteLog
from tinsom.service import Context

SOURCES, ROUNDS, INTERVAL = 10_000, 2, 300.0


class Loopback(aiohttp.ThreadedResolver):
    """Every name is this machine's; looking it up takes the thread and the call that it takes in life."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return await super().resolve("127.0.0.1", port, family)


def settings(port: int) -> Config:
    sources = [
        SourceConfig(
            id=f"s{n}",
            url=f"http://bao{n}.example:{port}/mixed/{n}",
            publisher=f"bao{n}.example",
            full_text=False,
            interval=INTERVAL,
        )
        for n in range(SOURCES)
    ]
    return Config(sources=sources, collector=CollectorConfig(allow_private=[ANY_HOST]))


def counted(counter: Counter, **labels: str) -> float:
    """The sum of a counter's samples that bear `labels`."""
    samples = [sample for metric in counter.collect() for sample in metric.samples]
    return sum(s.value for s in samples if s.name.endswith("_total") and labels.items() <= s.labels.items())


def megabytes() -> float:
    """Resident now. A peak (`ru_maxrss`) would begin with that of the process which started this one."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1_048_576


@asynccontextmanager
async def collecting(port: int, folder: Path) -> AsyncIterator[None]:
    """The collector at work on all sources."""
    log, config, clock = SqliteLog(folder / "log.db"), settings(port), ManualClock(time.time())
    await log.start()
    await log.append(catalogue.source_outputs(config, int(clock.now() * 1_000), {}).outputs, writer="apply")
    context, pool = Context(log, clock, config), Pool()
    async with Fetcher(allow_private=[ANY_HOST], names=Loopback()) as fetcher:
        web = LiveWeb(fetcher, pool, Gate(fetcher))
        work = asyncio.create_task(Collector(context, web, fetcher.trust).run())
        try:
            yield
        finally:
            context.stop.set()
            await work
    pool.close()
    await log.close()


async def polled(count: int) -> None:
    """Return when so many polls have been made in all."""
    while counted(metrics.FETCHES) < count:
        await asyncio.sleep(0.2)


async def collect(port: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        async with collecting(port, Path(folder)):
            await polled(SOURCES)
            first = time.process_time()
            before, new = counted(metrics.FETCHES), counted(metrics.ENTRIES, outcome="new")
            await polled(SOURCES * (1 + ROUNDS))
            polls = counted(metrics.FETCHES) - before
            good = sum(counted(metrics.FETCHES, result=outcome) for outcome in GOOD)
            return {
                "first": first * 1_000 / SOURCES,
                "share": (time.process_time() - first) / polls * SOURCES / INTERVAL * 100,
                "new": (counted(metrics.ENTRIES, outcome="new") - new) / polls,
                "failed": polls + before - good,
                "megabytes": megabytes(),
            }


def figures() -> list[Figure]:
    with server() as port:
        command = [sys.executable, "-m", "benchmarks.many", str(port)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout)
    assert not found["failed"]
    assert 0.08 < found["new"] < 0.12
    return [
        Figure(f"{SOURCES:,} sources, first sight of one", found["first"], "ms CPU"),
        Figure(f"{SOURCES:,} sources every 5 min, 10 % new", found["share"], "% of a core", 6.0, "allowed", 1.0),
        Figure(f"{SOURCES:,} sources, memory of the process", found["megabytes"], "MB", 300.0, "allowed", 1.0),
    ]


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    print(json.dumps(uvloop.run(collect(int(sys.argv[1])))))
