"""What comes of one look at an article page, over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from aiohttp import web

from services.collector import poll
from services.collector.articles import pages
from services.collector.articles.page import PageLook, PageWish
from services.collector.articles.pages import PageReader
from services.collector.articles.pool import Pool
from services.collector.decide import decide
from services.collector.known import FeedState, Known
from services.collector.web.fetch import Fetcher
from services.collector.web.gate import Gate
from tests.collector.build import NOW, entry, source
from tests.collector.fakeweb import FakeWeb
from tests.collector.feedserver import FeedServer
from tests.collector.test_selected import SELECTORS, article
from tinsom import metrics

HTML: dict[str, Any] = {"Content_Type": "text/html; charset=utf-8"}
CHALLENGE = b"<html><title>Just a moment...</title><body><p>Enable JavaScript and cookies to continue</p></body>"


@pytest.fixture
async def reader() -> AsyncIterator[PageReader]:
    with ThreadPoolExecutor(1) as threads:
        async with Fetcher(allow_private=["127.0.0.1"], timeout=30.0) as fetcher:
            yield PageReader(fetcher, Pool(executor=threads), Gate(fetcher))


@pytest.mark.parametrize(
    ("body", "status", "kind", "outcome"),
    [
        (article(), 200, "text/html; charset=utf-8", "ok"),
        (article(), 200, "", "ok"),
        (article(name="khung-moi"), 200, "text/html", "layout"),
        (b"<html><body></body></html>", 200, "text/html", "no_text"),
        (b"", 200, "text/html", "empty"),
        (CHALLENGE, 200, "text/html", "challenge"),
        (CHALLENGE, 503, "text/html", "challenge"),
        (b"\x89PNG", 200, "image/png", "not_html"),
        (article(), 404, "text/html", "missing"),
        (article(), 410, "text/html", "gone"),
        (b"x", 403, "text/html", "http_4xx"),
        (b"x", 500, "text/html", "http_5xx"),
        (b"x", 429, "text/html", "rate_limited"),
    ],
)
async def test_every_answer_has_a_name(
    server: FeedServer, reader: PageReader, body: bytes, status: int, kind: str, outcome: str
) -> None:
    server.put("/bai", body, status, Content_Type=kind)
    seen = await reader.read(server.url("/bai"), PageWish(SELECTORS))
    assert seen.outcome == outcome
    assert (seen.page is not None) == (outcome in ("ok", "layout"))


async def test_a_page_that_is_slow_or_forbidden(
    server: FeedServer, reader: PageReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    server.put("/robots.txt", b"User-agent: *\nDisallow: /rieng")
    server.put("/bai", article(), **HTML).handler = hang
    assert (await reader.read(server.url("/rieng/bai"), PageWish())).outcome == "robots"
    monkeypatch.setattr(pages, "PAGE_SECONDS", 0.05)
    assert (await reader.read(server.url("/bai"), PageWish())).outcome == "timeout"


async def test_the_sample_is_always_the_same_one_of_fifty() -> None:
    """And only what is news is asked for at all."""
    asked = []

    class Web(FakeWeb):
        async def page(self, url: str, wish: PageWish) -> PageLook:
            asked.append((url, wish.sampled))
            return PageLook("layout")

    feed = FeedState(source="bao-home", publisher="bao.example", baseline_done=True)
    posts = [entry(n, n) for n in range(500)]
    reading = decide(posts, Known(), feed, source(), NOW)
    looks = [await poll.read_pages(reading.decisions, source(page=SELECTORS), Web()) for _ in range(2)]
    assert len(asked) == 1_000
    assert asked[:500] == asked[500:]
    assert 3 <= sum(sampled for _, sampled in asked[:500]) <= 25
    assert len(looks[0]) == 500
    baseline = decide(posts, Known(), FeedState(source="b", publisher="b"), source(), NOW)
    assert await poll.read_pages(baseline.decisions, source(), Web()) == {}


async def test_what_came_is_counted(server: FeedServer, reader: PageReader) -> None:
    server.put("/bai", article(name="khung-moi"), **HTML)
    before = metrics.value(metrics.PAGES, "layout")
    live = poll.LiveWeb(reader.fetcher, reader.pool, reader.gate)
    assert (await live.page(server.url("/bai"), PageWish(SELECTORS))).outcome == "layout"
    assert metrics.value(metrics.PAGES, "layout") == before + 1
