"""A listing page through the whole collector, on the embedded log, against a site on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from services.cli.applying import faults
from services.collector import catalogue, service
from services.collector.finding import check_sources
from services.collector.poll import _INLINE_PAGE
from tests.collector.build import NOW
from tests.collector.feedserver import FeedServer
from tests.collector.test_service import SteppedClock, _ticking, apply, config, items, opened
from tests.waiting import PATIENCE
from tinsom import metrics
from tinsom.config import Config, SelectorsConfig, SourceConfig
from tinsom.errors import ConfigError
from tinsom.messages import Item
from tinsom.service import Context

SELECTORS = SelectorsConfig(entry=".muc", link="h3 a", date=".ngay", lede=".tom-tat")
HTML: dict[str, Any] = {"Content_Type": "text/html; charset=utf-8"}
PATH = "/tin-tuc"


def portal(*numbers: int, row: str = "muc", padding: int = 0) -> bytes:
    rows = "".join(
        f'<div class="{row}"><h3><a href="tin-tuc/bai-{100000 + n}">Bộ công bố kế hoạch thứ {n} của năm</a></h3>'
        f'<span class="ngay">10/03/2026 08:{n:02d}</span><p class="tom-tat">Tóm tắt {n}</p></div>'
        for n in numbers
    )
    return f"<html lang=vi><title>Cổng</title><body>{rows}<!-- {'x' * padding} --></body></html>".encode()


def article(number: int) -> bytes:
    body = "".join(
        f"<p>Đoạn thứ {i} của bài số {number}, đủ dài để là nội dung của bài này.</p>" for i in range(9)
    )
    return f"<html lang=vi><head><title>Bài</title></head><body><article>{body}</article></body></html>".encode()


def listing(server: FeedServer) -> SourceConfig:
    return SourceConfig(
        id="cong",
        url=server.url(PATH),
        publisher="cong.example",
        kind="listing",
        interval=5.0,
        selectors=SELECTORS,
    )


class Site:
    """A collector at work on one page."""

    def __init__(self, server: FeedServer, clock: SteppedClock) -> None:
        self.server, self.clock = server, clock

    async def show(self, body: bytes) -> None:
        """Put `body` there, and let it be looked at, twice, so that the first look is over."""
        self.server.put(PATH, body, **HTML).validators = False
        before = len(self.server.statuses[PATH])
        await _ticking(self.clock, lambda: len(self.server.statuses[PATH]) >= before + 2)


@asynccontextmanager
async def collecting(
    tmp_path: Path, server: FeedServer
) -> AsyncIterator[tuple[Site, Callable[[], Awaitable[list[Item]]]]]:
    settings, clock = config(listing(server)), SteppedClock(NOW)
    async with opened(tmp_path) as log:
        await apply(log, settings)
        context = Context(log, clock, settings)
        task = asyncio.create_task(service.run(context))
        try:
            yield Site(server, clock), lambda: items(log)
        finally:
            context.stop.set()
            await asyncio.wait_for(task, PATIENCE)


@pytest.mark.parametrize("padding", [0, _INLINE_PAGE], ids=["small", "read apart"])
async def test_baseline_news_another_layout_and_back(tmp_path: Path, server: FeedServer, padding: int) -> None:
    for number in (3, 4):
        server.put(f"/tin-tuc/bai-{100000 + number}", article(number), **HTML)
    alarms = metrics.value(metrics.FETCHES, "layout", "2")
    async with collecting(tmp_path, server) as (site, published):
        await site.show(portal(2, 1, padding=padding))
        await site.show(portal(3, 2, 1, padding=padding))
        assert metrics.value(metrics.SOURCES, "ok", "2") == 1
        before = await published()
        await site.show(portal(4, 3, 2, 1, row="the-moi", padding=padding))
        assert metrics.value(metrics.FETCHES, "layout", "2") > alarms
        assert metrics.value(metrics.SOURCES, "failing", "2") == 1
        assert await published() == before
        await site.show(portal(4, 3, 2, 1, padding=padding))
        assert metrics.value(metrics.SOURCES, "failing", "2") == 0
        found = sorted(await published(), key=lambda item: item.title)
    assert [(i.title.partition(" của")[0][-1], i.baseline, i.change) for i in found] == [
        ("1", True, "new"),
        ("2", True, "new"),
        ("3", False, "new"),
        ("4", False, "new"),
    ]
    assert found[3].url == server.url("/tin-tuc/bai-100004")
    assert "Đoạn thứ 8 của bài số 4" in found[3].text
    assert found[3].lede == "Tóm tắt 4"
    assert found[3].published_at is not None
    assert (found[3].published_at.isoformat(), found[3].date_quality) == ("2026-03-10T01:04:00+00:00", "exact")
    assert not server.asked["/tin-tuc/bai-100001"]
    assert "text/html" in server.asked[PATH][0]["Accept"]


async def test_the_list_of_sources_checks_listings_too(server: FeedServer) -> None:
    settings = config(listing(server))

    async def outcome() -> tuple[str, int]:
        ((_, report),) = await check_sources(settings)
        return report.look.outcome, len(report.decisions)

    server.put(PATH, portal(2, 1), **HTML)
    assert await outcome() == ("ok", 2)
    server.put(PATH, portal(2, 1, row="khac"), **HTML)
    assert await outcome() == ("layout", 0)
    server.put(PATH, b"<html><title>Just a moment...</title></html>", **HTML)
    assert await outcome() == ("challenge", 0)
    server.put(PATH, b"  ", **HTML)
    assert await outcome() == ("empty", 0)
    server.put("/robots.txt", b"User-agent: *\nDisallow: /tin-tuc")
    assert await outcome() == ("robots", 0)


def test_a_selector_that_is_none_is_not_applied() -> None:
    source = SourceConfig(id="a", url="https://a.example/", kind="listing", selectors=SelectorsConfig(entry="p["))
    with pytest.raises(ConfigError, match=r"'a': selectors\.entry: 'p\[' is no CSS selector"):
        catalogue.source_outputs(Config(sources=[source]), 1, {})


def test_check_names_it_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "tinsom.yaml"
    path.write_text("sources:\n- {id: a, url: 'https://a/', kind: listing, selectors: {entry: 'p['}}\n", "utf-8")
    (fault,) = faults(path)
    assert "tinsom.yaml:2: sources[0]: selectors.entry: 'p[' is no CSS selector" in fault
