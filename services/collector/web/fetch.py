"""One GET: conditional, bounded in every direction, and never to a private address. The only HTTP client here.

Redirects are followed by hand, so that each hop is checked; names are resolved by a resolver that keeps only
public addresses, so that what was checked is what is connected to (no second look-up for a rebinding name
server to answer otherwise).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from types import TracebackType

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from services.collector.web.addresses import refusal
from services.collector.web.response import Outcome, Response
from services.collector.web.trust import Trust
from services.collector.web.turns import PER_HOST, Turns
from tinsom.words import counted

MAX_FEED_BYTES = 8 * 1024 * 1024  # after decompression; the largest real feeds seen are below 2 MB
MAX_PAGE_BYTES = 5 * 1024 * 1024
MAX_REDIRECTS = 5
ANY_HOST = "*"
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_PERMANENT = frozenset((301, 308))
_KEPT_HEADERS = frozenset(
    (
        *("etag", "last-modified", "content-type", "content-length", "retry-after", "cache-control", "expires"),
        *("age", "date", "cf-mitigated", "server", "link", "location"),
    )
)
FEED_TYPES = (
    "application/atom+xml, application/rss+xml, application/feed+json, "
    "application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5"
)
PAGE_TYPES = "text/html, application/xhtml+xml;q=0.9, */*;q=0.5"


class RefusedAddressError(OSError):
    """The name leads to no address that we go to."""


class _Stop(Exception):
    """The answer is known before there is one."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class PublicResolver(AbstractResolver):
    """Resolves to public addresses only, except for hosts that the operator allows by name."""

    def __init__(self, allow_private: frozenset[str], names: AbstractResolver | None = None) -> None:
        self._names = names or aiohttp.ThreadedResolver()
        self._allow = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._names.resolve(host, port, family)
        if _allowed(host, self._allow):
            return found
        public = [one for one in found if not refusal(one["host"])]
        if not public:
            raise RefusedAddressError(f"{counted(len(found), 'address', 'addresses')}, none public")
        return public

    async def close(self) -> None:
        await self._names.close()


class Fetcher:
    """Use as an async context manager; one for the whole process, so that connections are shared and counted."""

    def __init__(
        self,
        *,
        contact: str = "",
        timeout: float = 20.0,
        concurrency: int = 20,
        allow_private: Iterable[str] = (),
        names: AbstractResolver | None = None,
        trust: Trust | None = None,
    ) -> None:
        self.trust = trust or Trust()
        self._agent = user_agent(contact)
        self._timeout = timeout
        self._concurrency = concurrency
        self._allow = frozenset(host.lower() for host in allow_private)
        self._names = names
        self._turns = Turns(concurrency)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Fetcher:
        connector = aiohttp.TCPConnector(
            limit=self._concurrency,
            limit_per_host=PER_HOST,
            resolver=PublicResolver(self._allow, self._names),
            ttl_dns_cache=60,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": self._agent},
            timeout=aiohttp.ClientTimeout(total=None),  # `get` bounds all of it, redirects and body included
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(
        self,
        url: str,
        *,
        conditions: Mapping[str, str] | None = None,
        hold_at: str = "",
        accept: str = FEED_TYPES,
        limit: int = MAX_FEED_BYTES,
    ) -> Response:
        """GET `url`. Never raises for what a server or network does: that is the response's `fault`.

        `conditions` are sent to `hold_at` alone (`url` when empty): on the way there they mean nothing.
        """
        start = time.perf_counter()
        sent = {"Accept": accept}
        try:
            async with self._turns.turn(URL(url).host or ""), asyncio.timeout(self._timeout):
                start = time.perf_counter()
                return await self._follow(url, sent, {**sent, **(conditions or {})}, hold_at, limit)
        except Exception as error:
            return Response(url, fault=fault_of(error), elapsed=time.perf_counter() - start)

    async def _follow(
        self, url: str, plain: Mapping[str, str], conditional: Mapping[str, str], hold_at: str, limit: int
    ) -> Response:
        start, at, moved_to, permanent = time.perf_counter(), URL(url), "", True
        holds = URL(hold_at) if hold_at else at
        for _ in range(MAX_REDIRECTS + 1):
            self._check(at)
            status, headers, body = await self._one(at, conditional if at == holds else plain, limit)
            location = headers.get("location", "") if status in _REDIRECTS else ""
            if not location:
                return Response(str(at), status, headers, body, time.perf_counter() - start, moved_to=moved_to)
            permanent = permanent and status in _PERMANENT
            at = _next_hop(at, location)
            moved_to = str(at) if permanent else moved_to
        raise _Stop("redirects")

    async def _one(self, url: URL, headers: Mapping[str, str], limit: int) -> tuple[int, dict[str, str], bytes]:
        assert self._session is not None
        trusted = self.trust.of(url.host or "")
        async with self._session.get(url, headers=headers, allow_redirects=False, ssl=trusted) as answer:
            kept = _kept(answer.headers)
            ends = answer.status == 304 or (answer.status in _REDIRECTS and bool(kept.get("location")))
            return answer.status, kept, b"" if ends else await _body(answer, limit)

    def _check(self, url: URL) -> None:
        """Scheme, and addresses written as such: these never meet the resolver."""
        if url.scheme not in ("http", "https") or not url.host:
            raise _Stop("refused")
        literal = _literal(url.host)
        if literal and not _allowed(url.host, self._allow) and refusal(literal):
            raise _Stop("refused")


def user_agent(contact: str) -> str:
    """Who we are and whom to write to; nothing pretended."""
    return f"tinsom/{version('tinsom')} (feed monitor{f'; +{contact}' if contact else ''})"


def validators(etag: str, last_modified: str) -> dict[str, str]:
    """The conditional headers: what the server gave, as it gave it, and nothing of our own."""
    sent = {"If-None-Match": etag, "If-Modified-Since": last_modified}
    return {name: value for name, value in sent.items() if value}


def fault_of(error: BaseException) -> Outcome:
    """The outcome of a request that ended in `error`."""
    if isinstance(error, _Stop):
        return error.outcome
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "refused" if isinstance(error.os_error, RefusedAddressError) else "dns"
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return "tls"
    if isinstance(error, aiohttp.InvalidURL | ValueError):
        return "refused"
    return "connection"


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    """What is used of the headers; of one that comes twice the first."""
    kept: dict[str, str] = {}
    for name, value in headers.items():
        if (known := name.lower()) in _KEPT_HEADERS:
            kept.setdefault(known, value)
    return kept


def _next_hop(at: URL, location: str) -> URL:
    """Where a redirect leads; credentials in it are nobody's, least of all ours."""
    target = at.join(URL(location))
    return target.with_user(None) if target.user is not None or target.password is not None else target


def _allowed(host: str, allow: frozenset[str]) -> bool:
    return ANY_HOST in allow or host.lower() in allow


def _literal(host: str) -> str:
    """The address that `host` is written as, in any form a C library takes (`127.1`, `0x7f000001`)."""
    if ":" in host:
        return host
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except (OSError, UnicodeEncodeError):
        return ""


async def _body(answer: aiohttp.ClientResponse, limit: int) -> bytes:
    """The body, decompressed, as far as `limit`: what is larger is not read on, however small it was packed."""
    parts, size = [], 0
    async for part in answer.content.iter_chunked(65_536):
        size += len(part)
        if size > limit:
            answer.close()
            raise _Stop("too_big")
        parts.append(part)
    return b"".join(parts)
