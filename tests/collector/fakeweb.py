"""The world outside, for a collector that is tested without a network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from services.collector.articles.page import Page, PageLook, PageOutcome, PageWish
from services.collector.reading import listing
from services.collector.reading.documents import read as parse
from services.collector.reading.documents import read_fast
from services.collector.reading.entry import Document, Memo
from services.collector.web.response import Response
from tinsom.messages import Selectors


@dataclass
class FakeWeb:
    """A web without a network: address → body; a page may be what comes instead; counts what is asked."""

    feeds: dict[str, bytes] = field(default_factory=dict)
    pages: dict[str, Page | PageOutcome] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    before: Callable[[str], None] = lambda url: None

    async def feed(self, url: str, etag: str, last_modified: str, hold_at: str) -> Response:
        self.asked[url] += 1
        self.before(url)
        body = self.feeds[url]
        tag = f'"{hash(body)}"'
        if etag == tag:
            return Response(url, 304, {"etag": tag})
        return Response(url, 200, {"etag": tag}, body)

    async def listing(self, url: str, etag: str, last_modified: str, hold_at: str) -> Response:
        return await self.feed(url, etag, last_modified, hold_at)

    async def entries(self, response: Response, selectors: Selectors) -> Document:
        return listing.read(response.body, "", response.url, selectors)

    async def admits(self, url: str) -> bool:
        return True

    async def document(self, response: Response, memo: Memo) -> Document:
        return read_fast(response.body, "", response.url, memo) or parse(response.body, "", response.url)

    async def page(self, url: str, wish: PageWish) -> PageLook:
        self.asked[url] += 1
        found = self.pages.get(url, "missing")
        return PageLook("ok", found) if isinstance(found, Page) else PageLook(found)
