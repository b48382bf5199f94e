"""Time, injected: nothing that decides reads the system's clock."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        ...

    async def sleep(self, seconds: float) -> None: ...


def millis(seconds: float) -> int:
    """Record timestamps are whole milliseconds since the epoch, as Kafka's."""
    return int(seconds * 1000)


class SystemClock:
    def now(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


@dataclass
class ScaledClock:
    """A clock that starts at `start` and runs `speed` times as fast: the demo plays a day in a minute."""

    start: float
    speed: float
    _origin: float = field(default_factory=time.monotonic)

    def now(self) -> float:
        return self.start + (time.monotonic() - self._origin) * self.speed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds) / self.speed)


@dataclass
class ManualClock:
    """A clock that only moves when told to; sleeping moves it. For tests and replays."""

    time: float = 1_750_000_000.0

    def now(self) -> float:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += seconds

    async def sleep(self, seconds: float) -> None:
        self.advance(max(0.0, seconds))
        await asyncio.sleep(0)


@dataclass
class RecordClock:
    """Stands at the time of the newest record that was fed: timers of a replay run by record time.

    A sleeper wakes every tenth of a second and looks again.
    """

    time: float = 0.0

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, min(seconds, 0.1)))
