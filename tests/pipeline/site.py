"""A loopback site for pipeline tests: feeds whose entries the test adds, and the pages behind them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape

from aiohttp import web


@dataclass(frozen=True)
class Article:
    slug: str
    title: str
    lede: str
    published: datetime
    page: str = ""  # HTML; empty when the feed is all there is


@dataclass
class Site:
    """`feeds`: name → articles, newest last; what is added is shown at the next poll."""

    feeds: dict[str, list[Article]] = field(default_factory=dict)
    base: str = ""
    polls: int = 0

    def url(self, feed: str) -> str:
        return f"{self.base}/{feed}.xml"

    def _rss(self, feed: str) -> str:
        items = "".join(
            f"<item><title>{escape(a.title)}</title><link>{self.base}/{a.slug}.html</link>"
            f"<guid>{self.base}/{a.slug}.html</guid><description>{escape(a.lede)}</description>"
            f"<pubDate>{format_datetime(a.published.astimezone(UTC))}</pubDate></item>"
            for a in reversed(self.feeds[feed])
        )
        head = f"<title>{feed}</title><link>{self.base}/</link><description>{feed}</description>"
        return f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel>{head}{items}</channel></rss>'

    async def feed(self, request: web.Request) -> web.Response:
        """A polite server: an unchanged feed is answered with 304."""
        self.polls += 1
        name = request.match_info["feed"]
        etag = f'"{len(self.feeds[name])}"'
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers={"ETag": etag})
        return web.Response(text=self._rss(name), content_type="application/rss+xml", headers={"ETag": etag})

    async def page(self, request: web.Request) -> web.Response:
        for articles in self.feeds.values():
            for article in articles:
                if article.slug == request.match_info["slug"]:
                    return web.Response(text=article.page, content_type="text/html")
        raise web.HTTPNotFound


@asynccontextmanager
async def served(site: Site) -> AsyncIterator[Site]:
    app = web.Application()
    app.router.add_get("/{feed}.xml", site.feed)
    app.router.add_get("/{slug}.html", site.page)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    site.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield site
    finally:
        await runner.cleanup()
