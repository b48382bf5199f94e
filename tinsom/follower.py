"""A table that is followed: read whole, then refreshed every two seconds while the process runs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import structlog

from tinsom.clock import Clock
from tinsom.errors import LogError
from tinsom.log import Log, Table

logger = structlog.get_logger(__name__)

REFRESH_SECONDS = 2.0


@dataclass
class Follower:
    """Keeps one table up to date. `stop` ends a wait for a table that nobody has written yet."""

    log: Log
    clock: Clock
    stop: asyncio.Event
    topic: str
    table: Table = field(init=False)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.table = Table(self.log.tail([self.topic]))

    async def load(self) -> None:
        """Return when the table is complete, or the process is to stop."""
        await self.refresh()
        if not self.table.complete:
            logger.info("waiting for `tinsom apply`", topic=self.topic)
        while not self.table.complete and not self.stop.is_set():
            await pause(self.stop, self.clock, REFRESH_SECONDS)
            await self.refresh()

    async def follow(self) -> None:
        while not self.stop.is_set():
            await pause(self.stop, self.clock, REFRESH_SECONDS)
            try:
                await self.refresh()
            except LogError as error:
                # The table of before still holds; a reader that gave up would hold it for ever.
                logger.warning("table not refreshed", topic=self.topic, reason=str(error))

    async def refresh(self) -> None:
        async with self._lock:
            if await self.table.refresh():
                self.changed()

    async def close(self) -> None:
        """When nobody refreshes it any more: on Kafka a tail holds a connection."""
        await self.table.tail.close()

    def changed(self) -> None:
        """Make the decoded view anew."""


async def pause(event: asyncio.Event, clock: Clock, seconds: float) -> None:
    """Sleep, or return earlier when `event` is set."""
    if event.is_set():
        return
    tasks = {asyncio.ensure_future(event.wait()), asyncio.ensure_future(clock.sleep(seconds))}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
