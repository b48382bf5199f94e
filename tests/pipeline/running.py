"""Run the services inside a test, and know when they are through."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.cli import applying
from services.cli.running import service
from services.cli.summing import open_deliveries
from tests.pipeline.oracle import everything
from tests.waiting import PATIENCE, shown
from tinsom import codec
from tinsom.config import Config
from tinsom.log import Log
from tinsom.messages import Message
from tinsom.process import open_log
from tinsom.service import Context
from tinsom.topics import QUEUES

ALL = ("collector", "classifier", "alerter")


@dataclass
class JumpClock:
    """Real time, moved by the test: an article of 2022 is polled in 2022."""

    offset: float = 0.0

    def now(self) -> float:
        return time.time() + self.offset

    def jump(self, to: float) -> None:
        self.offset = to - time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, min(seconds, 1.0)))


@asynccontextmanager
async def running(config: Config, clock: JumpClock, names: Sequence[str] = ALL) -> AsyncIterator[Log]:
    """The services in this process, on the log that the configuration names."""
    log = open_log(config)
    await log.start()
    await applying.apply(config, log, clock)
    context = Context(log, clock, config)
    tasks = [asyncio.ensure_future(service(name)(context)) for name in names]
    try:
        yield log
        for task in tasks:
            if task.done():
                await task
    finally:
        context.stop.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        await log.close()


async def count(log: Log, topic: str) -> int:
    """Records, not offsets: on Kafka each commit takes one offset more in every partition that it wrote."""
    return len(await messages(log, topic))


async def until(log: Log, topic: str, records: int, *, seconds: float = PATIENCE) -> None:
    """Wait until a topic holds `records`, and everything behind it is through."""
    await arrived(log, topic, records, seconds=seconds)
    deadline, quiet = time.monotonic() + seconds, 0
    while quiet < 2:  # on Kafka an offset may show a moment before what was written with it
        quiet = 0 if await busy(log) else quiet + 1
        assert time.monotonic() < deadline, f"a stage is behind {topic}"
        await asyncio.sleep(0.1)


async def arrived(log: Log, topic: str, records: int, *, seconds: float = PATIENCE) -> None:
    """Wait until a topic holds `records`, whatever becomes of them."""
    async with growing(log, topic) as count:
        await shown(count, lambda found: found >= records, seconds, every=0.02)


@asynccontextmanager
async def growing(log: Log, topic: str) -> AsyncIterator[Callable[[], Awaitable[int]]]:
    """Ask how many records a topic holds by now, as often as you like: each is read once."""
    tail, found = log.tail([topic]), 0

    async def count() -> int:
        nonlocal found
        found += len(await tail.read())
        return found

    try:
        yield count
    finally:
        await tail.close()


async def busy(log: Log) -> bool:
    """Is anything on its way: unread by a stage, or not delivered yet?"""
    lags = [lag.records for stage, topic in QUEUES.items() for lag in await log.lag(stage, topic)]
    return any(lags) or bool(await open_deliveries(log))


async def messages(log: Log, topic: str) -> list[Message]:
    return [codec.decode(record) for record in await everything(log, topic)]
