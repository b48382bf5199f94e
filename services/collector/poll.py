"""One look at one source: a conditional GET, what it means, and the document in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import structlog

from services.collector.articles.page import PageLook, PageWish
from services.collector.articles.pages import PageReader
from services.collector.articles.pool import Pool, WorkError
from services.collector.articles.rereading import OFFICIAL
from services.collector.decide import Decision
from services.collector.feedstate import Look, target, validators_for
from services.collector.known import FeedState
from services.collector.reading import documents, listing
from services.collector.reading.entry import Document, Memo
from services.collector.reading.sitemap import Index
from services.collector.web.fetch import MAX_PAGE_BYTES, PAGE_TYPES, Fetcher, validators
from services.collector.web.gate import Gate
from services.collector.web.response import Outcome, Response, judge, without_entries
from tinsom import metrics
from tinsom.messages import Selectors, Source

logger = structlog.get_logger(__name__)

T = TypeVar("T")

PARSE_SECONDS = 20.0
MAX_SITEMAPS = 3
# Of pages that are read by selectors one of so many is read by trafilatura as well.
SAMPLE = 50
NOT_MADE_FOR_POLLING = frozenset(("sitemap", "listing"))
# What may be read on the event loop: feedparser needs up to 4 ms for a kilobyte, the fast reader 30 µs.
_INLINE = 16_384
_INLINE_FAST = 524_288
# HTML takes about 25 µs for a kilobyte, and made to hurt up to fifty times that.
_INLINE_PAGE = 65_536
_PAGE_OUTCOMES = frozenset(("new", "changed"))


class Web(Protocol):
    """The world outside, as a poll sees it."""

    async def feed(self, url: str, etag: str, last_modified: str, hold_at: str) -> Response:
        """The feed at `url`; the validators hold at `hold_at`, where redirects led last time."""
        ...

    async def document(self, response: Response, memo: Memo) -> Document:
        """The document in a response; entries in `memo` need not be read again."""
        ...

    async def listing(self, url: str, etag: str, last_modified: str, hold_at: str) -> Response:
        """As `feed`, asking for a page."""
        ...

    async def entries(self, response: Response, selectors: Selectors) -> Document:
        """What `selectors` find in the listing page of a response."""
        ...

    async def admits(self, url: str) -> bool:
        """Does the site's robots.txt let us read `url`?"""
        ...

    async def page(self, url: str, wish: PageWish) -> PageLook:
        """The article at `url`."""
        ...


@dataclass(frozen=True)
class LiveWeb:
    fetcher: Fetcher
    pool: Pool
    gate: Gate

    async def feed(self, url: str, etag: str, last_modified: str, hold_at: str) -> Response:
        return await self.fetcher.get(url, conditions=validators(etag, last_modified), hold_at=hold_at)

    async def listing(self, url: str, etag: str, last_modified: str, hold_at: str) -> Response:
        asked = validators(etag, last_modified)
        return await self.fetcher.get(
            url, conditions=asked, hold_at=hold_at, accept=PAGE_TYPES, limit=MAX_PAGE_BYTES
        )

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

    async def page(self, url: str, wish: PageWish) -> PageLook:
        seen = await PageReader(self.fetcher, self.pool, self.gate).read(url, wish)
        metrics.PAGES.labels(seen.outcome).inc()
        for one in seen.page.attached if seen.page else ():
            metrics.ATTACHMENTS.labels(one.attachment.outcome).inc()
        return seen


async def look(
    source: Source,
    feed: FeedState,
    web: Web,
    now: float,
    memo: Callable[[], Memo] = dict,
    *,
    audit: bool = False,
) -> Look:
    """Poll `source` once; only a document needs the `memo`.

    With `audit` unconditionally: can this server's "not modified" be believed?
    """
    address = target(feed, source, now)
    etag, modified, known_body = validators_for(feed, source, address)
    if audit:
        etag = modified = ""
    if source.kind in NOT_MADE_FOR_POLLING and not await web.admits(address):
        return Look("robots", Response(address), audit=audit)
    page = source.kind == "listing"
    response = await (web.listing if page else web.feed)(address, etag, modified, feed.answered_at)
    asked = bool(etag or modified)
    outcome = judge(response, asked_conditionally=asked, known_body=known_body, page=page)
    if outcome != "ok":
        return Look(outcome, response, audit=audit)
    document = await _document(source, response, web, memo)
    return Look(_outcome(document, response), response, document, audit)


async def _document(source: Source, response: Response, web: Web, memo: Callable[[], Memo]) -> Document:
    if source.kind != "listing":
        return await web.document(response, memo())
    if source.selectors is None:  # a record that an older version wrote
        return Document(fault=listing.LAYOUT)
    return await web.entries(response, source.selectors)


def _outcome(document: Document, response: Response) -> Outcome:
    if document.fault == listing.LAYOUT:
        return without_entries(response.body)
    if document.fault:
        return "parse"
    return "ok" if document.entries or document.unchanged else "no_entries"


async def read_pages(decisions: Iterable[Decision], source: Source, web: Web) -> dict[int, PageLook]:
    """The pages of what is news, by the entry's position. A baseline is no news: its pages are left alone."""
    wanted = [d for d in decisions if d.outcome in _PAGE_OUTCOMES and d.entry.link]
    looks = await asyncio.gather(*(web.page(d.entry.link, _wish(d, source)) for d in wanted))
    if any(look.outcome == "layout" for look in looks):
        logger.warning("selectors do not fit an article page: the layout changed", source=source.id)
    return {decision.entry.position: look for decision, look in zip(wanted, looks, strict=True)}


def _wish(decision: Decision, source: Source) -> PageWish:
    """Of pages that are read by selectors one of fifty is a sample, always the same ones."""
    sampled = decision.item is not None and int(decision.item.id[:8], 16) % SAMPLE == 0
    return PageWish(source.page, sampled, attachments=source.tier == OFFICIAL, files=decision.entry.files)
