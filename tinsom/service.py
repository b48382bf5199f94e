"""What a service is given: the log, a clock, its configuration, and the sign to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tinsom.clock import Clock
from tinsom.config import Config
from tinsom.doors import Doors
from tinsom.health import Health
from tinsom.log import Log


@dataclass
class Context:
    log: Log
    clock: Clock
    config: Config
    health: Health = field(default_factory=Health)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    doors: Doors = field(default_factory=Doors)  # paths that a service answers itself
    replay: bool = False  # recorded topics are run again: nobody may be notified


Service = Callable[[Context], Awaitable[None]]
"""`collector.service.run`, `classifier.service.run`, `alerter.service.run`: work until `context.stop` is set."""
