"""A service that cannot go on ends the process with its reason; half a pipeline looks alive and is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.cli.running import service
from tests.waiting import PATIENCE
from tinsom import process
from tinsom.clock import SystemClock
from tinsom.config import Config, HttpConfig
from tinsom.errors import LogError
from tinsom.log import Record
from tinsom.log.sqlite import SqliteLog
from tinsom.service import Context

# What each service reads when it is given a partition.
RESTORED = {"collector": "feed-state", "classifier": "stories", "alerter": "deliveries"}


class Unreadable(SqliteLog):
    """A log in which one topic cannot be read."""

    topic = ""

    async def read(
        self, topic: str, partition: int, start: int = 0, stop: int | None = None
    ) -> AsyncIterator[Record]:
        if topic == self.topic:
            raise LogError(f"{topic} cannot be read")
        async for record in super().read(topic, partition, start, stop):
            yield record


@pytest.mark.parametrize("name", RESTORED)
async def test_what_cannot_restore_its_state_ends_with_the_reason(name: str, tmp_path: Path) -> None:
    """The collector owns partitions without reading them as a queue: its failure has a way out of its own."""
    from services.cli import applying

    log = Unreadable(tmp_path / "log.db")
    log.topic = RESTORED[name]
    await log.start()
    config = Config(http=HttpConfig(port=0))
    await applying.apply(config, log, SystemClock())

    async def idle(context: Context) -> None:
        await context.stop.wait()

    with pytest.raises(LogError, match="cannot be read"):
        async with asyncio.timeout(PATIENCE):
            await process.run([idle, service(name)], Context(log, SystemClock(), config))
    await log.close()
