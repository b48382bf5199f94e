"""One look at one source: a conditional GET, what it means, and the document in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import structlog

from services.collector import documents, listing
from services.collector.decide import Decision
from services.collector.entry import Document, Memo
from services.collector.extract import extract
from services.collector.feedstate import Look, target, validators_for
from services.collector.fetch import MAX_PAGE_BYTES, PAGE_TYPES, Fetcher, validators
from services.collector.gate import Gate
from services.collector.known import FeedState
from services.collector.page import Page
from services.collector.pool import Pool, WorkError
from services.collector.response import Outcome, Response, judge, without_entries
from services.collector.sitemap import Index
from tinsom import metrics
from tinsom.messages import Selectors, Source

logger = structlog.get_logger(__name__)

T = TypeVar("T")

# An item whose page does not come in this time goes out with what the feed says.
PAGE_SECONDS = 30.0
PARSE_SECONDS = 20.0
MAX_SITEMAPS = 3
NOT_MADE_FOR_POLLING = frozenset(("sitemap", "listing"))
# What may be read on the event loop: feedparser needs up to 4 ms for a kilobyte, the fast reader 30 µs.
_INLINE = 16_384
_INLINE_FAST = 524_288
# HTML takes about 25 µs for a kilobyte, and made to hurt up to fifty times that.
_INLINE_PAGE = 65_536
_PAGE_OUTCOMES = frozenset(("new", "changed"))


class Web(Protocol):
    """The world outside, as a poll sees it."""

    async def feed(self, url: str, etag: str, last_modified: str) -> Response: ...

    async def document(self, response: Response, memo: Memo) -> Document:
        """The document in a response; entries in `memo` need not be read again."""
        ...

    async def listing(self, url: str, etag: str, last_modified: str) -> Response:
        """As `feed`, asking for a page."""
        ...

    async def entries(self, response: Response, selectors: Selectors) -> Document:
        """What `selectors` find in the listing page of a response."""
        ...

    async def admits(self, url: str) -> bool:
        """Does the site's robots.txt let us read `url`?"""
        ...

    async def page(self, url: str) -> Page | None:
        """The article at `url`, or nothing."""
        ...


@dataclass(frozen=True)
class LiveWeb:
    fetcher: Fetcher
    pool: Pool
    gate: Gate

    async def feed(self, url: str, etag: str, last_modified: str) -> Response:
        return await self.fetcher.get(url, headers=validators(etag, last_modified))

    async def listing(self, url: str, etag: str, last_modified: str) -> Response:
        asked = validators(etag, last_modified)
        return await self.fetcher.get(url, headers=asked, accept=PAGE_TYPES, limit=MAX_PAGE_BYTES)

    async def entries(self, response: Response, selectors: Selectors) -> Document:
        given = response.body, response.content_type, response.url, selectors
        if len(response.body) <= _INLINE_PAGE:
            return listing.read(*given)
        return await self._apart(listing.read, *given) or Document(fault="too slow")

    async def admits(self, url: str) -> bool:
        return await self.gate.admits(url)

    async def document(self, response: Response, memo: Memo) -> Document:
        given = response.body, response.content_type, response.url
        small = len(response.body) <= _INLINE_FAST and not documents.is_packed(response.body)
        index = documents.read_index(*given) if small else await self._apart(documents.read_index, *given)
        if index is not None:
            return await self._sitemaps(index)
        quick = documents.read_fast(*given, memo) if small else None
        if quick is not None:
            return quick
        if len(response.body) <= _INLINE:
            return documents.read(*given)
        return await self._apart(documents.read, *given) or Document(fault="too slow")

    async def _apart(self, work: Callable[..., T], *given: object) -> T | None:
        """Beside the event loop, which a hostile document must not hold; None when it takes too long."""
        try:
            return await self.pool.run(work, *given, timeout=PARSE_SECONDS)
        except WorkError:
            return None

    async def _sitemaps(self, index: Index) -> Document:
        """The newest sitemaps of an index; older ones hold what was news once."""
        found = []
        for address, _ in index.sitemaps[:MAX_SITEMAPS]:
            response = await self.fetcher.get(address)
            ok = not response.fault and response.status == 200
            read = (
                documents.read(response.body, response.content_type, response.url)
                if ok
                else Document(fault="sitemap")
            )
            found.append(read)
        return documents.joined(found)

    async def page(self, url: str) -> Page | None:
        result, page = await self._page(url)
        metrics.PAGES.labels(result).inc()
        return page

    async def _page(self, url: str) -> tuple[str, Page | None]:
        try:
            async with asyncio.timeout(PAGE_SECONDS):
                if not await self.gate.admits(url):
                    return "robots", None
                response = await self.fetcher.get(url, accept=PAGE_TYPES, limit=MAX_PAGE_BYTES)
                if response.fault or response.status != 200:
                    return response.fault or "status", None
                if "html" not in (response.content_type or "html"):
                    return "not_html", None
                given = response.body, response.content_type, response.url
                page = await self.pool.run(extract, *given, timeout=PAGE_SECONDS)
        except (TimeoutError, WorkError):
            return "timeout", None
        except Exception as error:  # lxml and trafilatura raise whatever a page makes them
            logger.warning("page could not be read", error=type(error).__name__)
            return "fault", None
        return ("ok", page) if page and page.text else ("no_text", page)


async def look(source: Source, feed: FeedState, web: Web, now: float, memo: Memo, *, audit: bool = False) -> Look:
    """Poll `source` once. With `audit` unconditionally: can this server's "not modified" be believed?"""
    address = target(feed, source, now)
    etag, modified, known_body = validators_for(feed, source, address)
    if audit:
        etag = modified = ""
    if source.kind in NOT_MADE_FOR_POLLING and not await web.admits(address):
        return Look("robots", Response(address), audit=audit)
    page = source.kind == "listing"
    response = await (web.listing if page else web.feed)(address, etag, modified)
    asked = bool(etag or modified)
    outcome = judge(response, asked_conditionally=asked, known_body=known_body, page=page)
    if outcome != "ok":
        return Look(outcome, response, audit=audit)
    document = await _document(source, response, web, memo)
    return Look(_outcome(document, response), response, document, audit)


async def _document(source: Source, response: Response, web: Web, memo: Memo) -> Document:
    if source.kind != "listing":
        return await web.document(response, memo)
    if source.selectors is None:  # a record that an older version wrote
        return Document(fault=listing.LAYOUT)
    return await web.entries(response, source.selectors)


def _outcome(document: Document, response: Response) -> Outcome:
    if document.fault == listing.LAYOUT:
        return without_entries(response.body)
    if document.fault:
        return "parse"
    return "ok" if document.entries or document.unchanged else "no_entries"


async def read_pages(decisions: Iterable[Decision], web: Web) -> dict[int, Page]:
    """The pages of what is news, by the entry's position. A baseline is no news: its pages are left alone."""
    wanted = [d.entry for d in decisions if d.outcome in _PAGE_OUTCOMES and d.entry.link]
    pages = await asyncio.gather(*(web.page(entry.link) for entry in wanted))
    return {entry.position: page for entry, page in zip(wanted, pages, strict=True) if page is not None}
