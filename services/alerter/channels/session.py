"""One HTTP client for a channel, made when it is first used and inside the loop that uses it."""

from __future__ import annotations

import aiohttp
import msgspec

# Shorter than servers keep idle connections, else a request could be written into one that is being closed.
_KEEP_ALIVE = 10.0


class LazySession:
    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self._open: aiohttp.ClientSession | None = None

    def get(self) -> aiohttp.ClientSession:
        if self._open is None:
            self._open = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self.timeout),
                connector=aiohttp.TCPConnector(keepalive_timeout=_KEEP_ALIVE),
                cookie_jar=aiohttp.DummyCookieJar(),
                json_serialize=lambda value: msgspec.json.encode(value).decode(),
            )
        return self._open

    async def close(self) -> None:
        if self._open is not None:
            await self._open.close()
            self._open = None


async def whole(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The body to its end, which `read(n)` is not: that is whatever has arrived. ValueError beyond `limit`."""
    body = bytearray()
    async for part in response.content.iter_any():
        body += part
        if len(body) > limit:
            response.close()
            raise ValueError("the answer is too long")
    return bytes(body)
