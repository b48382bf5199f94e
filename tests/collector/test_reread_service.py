"""Pages that are looked at again, by the whole collector on the embedded log, against a web without a network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from services.collector import service
from services.collector.articles import rereading
from services.collector.articles.page import Page
from services.collector.articles.rereader import Rereader
from services.collector.articles.rereading import BUDGET, CONFIRM_AFTER, DAY, HOUR
from services.collector.state import PartitionState
from tests.collector.build import NOW, Post, posts, rss
from tests.collector.fakeweb import FakeWeb
from tests.collector.feedserver import FeedServer
from tests.collector.test_rereading import LINES, PAGE
from tests.collector.test_selected import article
from tests.collector.test_service import (
    URL,
    Running,
    SteppedClock,
    _dying,
    _ticking,
    apply,
    config,
    items,
    opened,
    records,
    running,
    source,
)
from tests.waiting import PATIENCE, until
from tinsom import metrics
from tinsom.config import Config
from tinsom.log import Log
from tinsom.messages import Item
from tinsom.service import Context

LINK = Post(2).full.link


def settings(tier: int = 1) -> Config:
    return config(msgspec.structs.replace(source("home", full_text=True), tier=tier))


def web() -> FakeWeb:
    return FakeWeb({URL: rss(posts(1))})


@asynccontextmanager
async def published(
    tmp_path: Path, fake: FakeWeb, tier: int = 1, clock: SteppedClock | None = None
) -> AsyncIterator[tuple[Log, Running]]:
    """A collector that has seen its baseline and one new item."""
    async with opened(tmp_path) as log:
        await apply(log, settings(tier))
        async with running(log, fake, clock) as run:
            await run.poll(URL)
            fake.feeds[URL] = rss(posts(2, 1))
            await run.poll(URL)
            yield log, run


async def story(log: Log) -> list[tuple[int, str]]:
    return [(i.revision, i.change) for i in await items(log) if i.title.startswith("Tin số 2")]


async def remembered(log: Log) -> PartitionState:
    memory = PartitionState()
    for record in await records(log, "feed-state"):
        memory.apply(record)
    return memory


async def test_a_page_that_comes_late_is_a_revision_of_its_item(tmp_path: Path) -> None:
    fake = web()
    fake.pages[LINK] = "timeout"
    async with published(tmp_path, fake, tier=2) as (log, run):
        assert await story(log) == [(1, "new")]
        await run.poll(URL)
        fake.pages[LINK] = PAGE
        await run.poll(URL)
        found = [i for i in await items(log) if i.revision == 2]
        asked = fake.asked[LINK]
        await run.poll(URL)
        assert fake.asked[LINK] == asked, "it came: nobody looks again"
        assert (await remembered(log)).pages == {}
    assert [(i.change, i.changed, i.text, i.title) for i in found] == [
        ("enriched", ["text"], PAGE.text, Post(2).full.title)
    ]
    assert found[0].lede == Post(2).full.lede


async def test_an_official_page_that_is_taken_away(tmp_path: Path) -> None:
    fake = web()
    fake.pages[LINK] = PAGE
    async with published(tmp_path, fake) as (log, run):
        await run.poll(URL)
        assert fake.asked[LINK] == 1
        fake.pages[LINK] = "http_5xx"
        await run.poll(URL, advance=HOUR)
        fake.pages[LINK] = "gone"
        await run.poll(URL, advance=CONFIRM_AFTER)
        assert await story(log) == [(1, "new")]
        await run.poll(URL, advance=CONFIRM_AFTER)
        assert await story(log) == [(1, "new"), (2, "withdrawn")]
        withdrawn = (await items(log))[-1]
        assert withdrawn.text == PAGE.text, "whoever was told because of the text is told of this"
        assert (await remembered(log)).pages == {}
        asked = fake.asked[LINK]
        await run.poll(URL, advance=DAY)
        assert fake.asked[LINK] == asked


async def test_a_silent_edit_is_a_revision_once_and_the_feed_may_follow(tmp_path: Path) -> None:
    fake = web()
    fake.pages[LINK] = PAGE
    async with published(tmp_path, fake) as (log, run):
        edited = Page(title="Thông báo số 13 của Bộ", text=PAGE.text + "\nThời hạn: 30/6/2026.")
        fake.pages[LINK] = edited
        for advance in (HOUR, CONFIRM_AFTER, CONFIRM_AFTER):
            await run.poll(URL, advance=advance)
        assert await story(log) == [(1, "new")], "its title is another now"
        revised = [i for i in await items(log) if i.revision == 2]
        assert [(i.change, i.changed, i.title, i.text) for i in revised] == [
            ("revised", ["title", "text"], edited.title, edited.text)
        ]
        fake.feeds[URL] = rss([Post(2, title=edited.title), Post(1)])
        await run.poll(URL)
        await run.poll(URL, advance=DAY)
        await run.poll(URL, advance=7 * DAY)
        assert len([i for i in await items(log) if i.id == revised[0].id]) == 2
        assert (await remembered(log)).pages == {}


async def test_an_edit_in_the_feed_whose_page_does_not_come_keeps_the_text(tmp_path: Path) -> None:
    fake = web()
    fake.pages[LINK] = PAGE
    async with published(tmp_path, fake) as (log, run):
        fake.pages[LINK] = "timeout"
        fake.feeds[URL] = rss([Post(2, lede="Tóm tắt khác."), Post(1)])
        await run.poll(URL)
        edited = (await items(log))[-1]
        assert (edited.change, edited.changed, edited.text) == ("revised", ["lede"], PAGE.text)
        fake.pages[LINK] = Page(title=PAGE.title, text="\n".join(LINES[::-1]) + "\nThêm một việc mới.")
        await run.poll(URL)
        assert [i.change for i in await items(log) if i.id == edited.id] == ["new", "revised", "enriched"]


async def test_baseline_pages_and_pages_of_the_press_are_left_alone(tmp_path: Path) -> None:
    fake = web()
    fake.pages = {LINK: PAGE, Post(1).full.link: PAGE}
    async with published(tmp_path, fake, tier=2) as (log, run):
        await run.poll(URL, advance=2 * HOUR)
        assert (fake.asked[LINK], fake.asked[Post(1).full.link]) == (1, 0)
        assert (await remembered(log)).pages == {}


async def test_a_restart_remembers_and_a_removed_source_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "REFRESH_SECONDS", 0.02)
    fake, clock = web(), SteppedClock(NOW)
    fake.pages[LINK] = "timeout"
    async with published(tmp_path, fake, clock=clock):
        pass
    fake.pages[LINK] = PAGE
    async with opened(tmp_path) as log:
        async with running(log, fake, clock) as run:
            await run.poll(URL)
            assert await story(log) == [(1, "new"), (2, "enriched")]
            assert list((await remembered(log)).pages) == ["bao.example"]
            await apply(log, config())
            await until(lambda: "home" not in run.collector._share_of)
            await run.idle()
        memory = await remembered(log)
        assert (memory.pages, memory.feeds) == ({}, {})


async def test_a_publisher_is_looked_at_within_its_budget(tmp_path: Path) -> None:
    fake = web()
    many = [Post(n) for n in range(2, 2 + 2 * BUDGET)]
    fake.pages = {post.full.link: PAGE for post in many}
    async with opened(tmp_path) as log:
        await apply(log, settings())
        async with running(log, fake) as run:
            await run.poll(URL)
            fake.feeds[URL] = rss([*many[::-1], Post(1)])
            await run.poll(URL)
            start = sum(fake.asked[post.full.link] for post in many)
            assert start == len(many)
            run.clock.advance(HOUR)
            share = run.collector._share_of["home"]
            reader = run.collector._poller
            before = metrics.value(metrics.REREADS, "same")
            for _ in range(40):
                await Rereader(reader.web, reader.clock).read_due(share, share.runs["home"])
            await run.idle()
            assert sum(fake.asked[post.full.link] for post in many) - start <= BUDGET + rereading.AT_ONCE
            assert metrics.value(metrics.REREADS, "same") - before >= BUDGET - rereading.AT_ONCE
            assert len((await remembered(log)).pages["bao.example"]) == len(many)


@pytest.mark.parametrize("written", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("crash_at", range(2, 6))
async def test_a_crash_at_any_commit_enriches_once(tmp_path: Path, crash_at: int, written: bool) -> None:
    """Baseline, an item without its page, a failed try, the page: whatever is committed last."""
    fake, clock = web(), SteppedClock(NOW)
    fake.pages[LINK] = "timeout"
    clock.advance(1_000)
    async with opened(tmp_path) as log:
        await apply(log, settings())
        async with _dying(log, fake, clock, crash_at, written) as died:
            for step in range(4):
                fake.feeds[URL] = rss(posts(2, 1)) if step else rss(posts(1))
                fake.pages[LINK] = PAGE if step > 2 else "timeout"
                if not await died(URL):
                    break
    async with opened(tmp_path) as log:
        async with running(log, fake, clock) as run:
            for step in range(5):
                if step or (await remembered(log)).feeds:
                    fake.feeds[URL] = rss(posts(2, 1))
                fake.pages[LINK] = PAGE if step > 2 else "timeout"
                await run.poll(URL, advance=4 * HOUR)
        found: list[Item] = [i for i in await items(log) if i.title.startswith("Tin số 2")]
        (page,) = (await remembered(log)).pages["bao.example"].values()
    assert [(i.revision, i.change) for i in found] == [(1, "new"), (2, "enriched")]
    assert page.came


async def test_over_real_http_a_page_that_was_not_there_yet(tmp_path: Path, server: FeedServer) -> None:
    """The whole service: a page that answers 503, then with its text, then 404 to whoever looks again."""
    page = article()
    server.put("/bai.html", b"", 503)
    server.put("/rss", rss([Post(1)]))
    found = source("home", server.url("/rss"), full_text=True, interval=5.0)
    chosen = config(msgspec.structs.replace(found, tier=1))
    async with opened(tmp_path) as log:
        await apply(log, chosen)
        clock = SteppedClock(NOW)
        context = Context(log, clock, chosen)
        task = asyncio.create_task(service.run(context))
        await _ticking(clock, lambda: server.statuses["/rss"].count(304))
        server.put("/rss", rss([Post(2, link=server.url("/bai.html")), Post(1)]))
        await _ticking(clock, lambda: server.statuses["/bai.html"] == [503])
        server.put("/bai.html", page, Content_Type="text/html; charset=utf-8")
        await _ticking(clock, lambda: server.statuses["/bai.html"] == [503, 200])
        while len(await items(log)) < 3:  # it is read in another process, and time must not pass meanwhile
            await asyncio.sleep(0.01)
        server.put("/bai.html", b"<html><p>khong tim thay</p></html>", 404, Content_Type="text/html")
        clock.advance(HOUR)
        await _ticking(clock, lambda: server.statuses["/bai.html"] == [503, 200, 404])
        while not any(one.doubt for one in (await remembered(log)).pages["bao.example"].values()):
            await asyncio.sleep(0.01)
        clock.advance(CONFIRM_AFTER)
        await _ticking(clock, lambda: server.statuses["/bai.html"] == [503, 200, 404, 404])
        asked = len(server.asked["/rss"])
        await _ticking(clock, lambda: len(server.asked["/rss"]) > asked + 1)
        context.stop.set()
        await asyncio.wait_for(task, PATIENCE)
        revisions = [i for i in await items(log) if i.title.startswith("Tin số 2")]
    assert [(i.revision, i.change) for i in revisions] == [(1, "new"), (2, "enriched"), (3, "withdrawn")]
    assert [("việc thứ 11" in i.text) for i in revisions] == [False, True, True]
