"""Whose turn it is: so many requests at a time in this process, and so many of them to one host.

The connector has the same limits; but who waits there, waits on the server's time, and the last of twenty feeds of
one slow host would be called dead before it was ever asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

PER_HOST = 2


@dataclass(slots=True)
class _Host:
    free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PER_HOST))
    guests: int = 0


class Turns:
    """Hosts are known as long as somebody waits for them."""

    def __init__(self, concurrency: int) -> None:
        self._free = asyncio.Semaphore(concurrency)
        self._hosts: dict[str, _Host] = {}

    @asynccontextmanager
    async def turn(self, host: str) -> AsyncIterator[None]:
        at = self._hosts.setdefault(host, _Host())
        at.guests += 1
        try:
            # The host first: who waits for a slow one takes no place from others.
            async with at.free, self._free:
                yield
        finally:
            at.guests -= 1
            if not at.guests:
                self._hosts.pop(host, None)
