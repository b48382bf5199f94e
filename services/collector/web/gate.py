"""May this page be read, and when: robots.txt of its host, fetched once a day, and the pause it asks for."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from services.collector.web import robots
from services.collector.web.fetch import Fetcher
from services.collector.web.robots import NONE, Robots

KEEP_SECONDS = 86_400.0
KEEP_FAILURE_SECONDS = 600.0
MAX_HOSTS = 5_000


@dataclass(slots=True)
class _Host:
    robots: Robots = NONE
    until: float = 0.0
    next_page: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Gate:
    """For every page of this process; monotonic time, since it is about real servers."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self._hosts: dict[str, _Host] = {}

    async def admits(self, url: str) -> bool:
        """Whether `url` may be fetched; waits for the pause that its host asks for between two pages."""
        parts = urlsplit(url)
        host = self._host(f"{parts.scheme}://{parts.netloc}")
        async with host.lock:
            if time.monotonic() >= host.until:
                await self._read(host, f"{parts.scheme}://{parts.netloc}/robots.txt")
            if not host.robots.allows(parts.path + (f"?{parts.query}" if parts.query else "")):
                return False
            if host.robots.delay:
                await asyncio.sleep(max(0.0, host.next_page - time.monotonic()))
                host.next_page = time.monotonic() + host.robots.delay
        return True

    def _host(self, origin: str) -> _Host:
        if origin not in self._hosts and len(self._hosts) >= MAX_HOSTS:
            del self._hosts[next(iter(self._hosts))]
        return self._hosts.setdefault(origin, _Host())

    async def _read(self, host: _Host, address: str) -> None:
        response = await self._fetcher.get(address, accept="text/plain, */*;q=0.5", limit=robots.MAX_BYTES)
        host.robots = NONE if response.fault else robots.from_response(response.status, response.body)
        failed = bool(response.fault) or response.status >= 500
        host.until = time.monotonic() + (KEEP_FAILURE_SECONDS if failed else KEEP_SECONDS)
