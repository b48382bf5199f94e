"""Follows `story-changes` for the bot: the last 30 days once, then what is new when somebody asks."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field

import msgspec
import structlog

from services.alerter.bot import past
from services.alerter.bot.past import Counting, Forecast, Past
from services.alerter.plan import Rules
from tinsom import codec
from tinsom.clock import Clock, millis
from tinsom.errors import DecodeError, LogError
from tinsom.log import Log, Record
from tinsom.messages import Match, StoryChange

logger = structlog.get_logger(__name__)

TOPIC = "story-changes"


@dataclass
class PastLog:
    log: Log
    clock: Clock
    rules: Rules
    past: Past = field(default_factory=Past)
    _next: dict[int, int] = field(default_factory=dict)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def forecast(self, match: Match) -> Forecast:
        """What a subscription to `match` would have sent; others get their turn meanwhile."""
        await self.refresh()
        counting = Counting([past.wish(match, self.clock.now())], self.rules)
        for chunk in past.chunks(self.past.matching(match)):
            for entry in chunk:
                counting.take(entry)
            await asyncio.sleep(0)
        return counting.result(self.past.days(self.clock.now()))

    async def refresh(self) -> None:
        """As `read_on`; a log that does not answer leaves what is known as it is."""
        try:
            await self.read_on()
        except LogError as error:
            logger.warning("the past is not read on", reason=str(error))

    async def read_on(self) -> None:
        """Read what is new. Raises LogError: then it may not be all."""
        async with self._lock:
            try:
                for number, (_, end) in (await self.log.ends(TOPIC)).items():
                    await self._read(number, end)
            finally:
                self.past.prune(self.clock.now())

    async def _read(self, number: int, end: int) -> None:
        start = self._next.get(number)
        if start is None:
            since = millis(self.clock.now() - past.DAYS * past.DAY)
            start = await self.log.offset_at(TOPIC, number, since)
        if start < end:  # to open a partition for nothing costs a broker's round trip or two
            async for record in self.log.read(TOPIC, number, start, end):
                self._take(record)
                self._next[number] = record.offset + 1
                if record.offset % past.CHUNK == 0:
                    await asyncio.sleep(0)
                if len(self.past.entries) > 2 * past.MOST:
                    self.past.prune(self.clock.now())
        self._next[number] = max(start, end)

    def _take(self, record: Record) -> None:
        # What cannot be read is parked by plan among the dead letters, with its reason.
        with contextlib.suppress(DecodeError, msgspec.DecodeError, UnicodeDecodeError):
            self.past.add(record.timestamp / 1000, codec.decode_as(record, StoryChange))
