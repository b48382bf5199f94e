"""The site over real HTTP, on a clock that only moves when told to."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from services.demo import edition
from services.demo.documents import page_path
from services.demo.site import DemoSite
from services.demo.timeline import Timeline
from tinsom import checks
from tinsom.clock import ManualClock

DAY = edition.load()


@pytest.fixture
async def site() -> AsyncIterator[DemoSite]:
    site = DemoSite(DAY, ManualClock(DAY.opens))
    await site.start()
    yield site
    await site.close()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def clock_of(site: DemoSite) -> ManualClock:
    assert isinstance(site.clock, ManualClock)
    return site.clock


async def poll_all(site: DemoSite, http: aiohttp.ClientSession) -> None:
    for source in site.sources():
        async with http.get(source.url) as response:
            await response.read()


async def test_the_first_answer_is_the_baseline_however_late(site: DemoSite, http: aiohttp.ClientSession) -> None:
    clock_of(site).time = DAY.closes
    source = next(s for s in site.sources() if s.id == "chinhphu")
    first = await (await http.get(source.url)).text()
    second = await (await http.get(source.url)).text()
    assert first.count("<item>") == len(DAY.shown("chinhphu", DAY.opens))
    assert second.count("<item>") == len(DAY.shown("chinhphu", DAY.closes))


async def test_caught_up_when_every_feed_was_polled_after_its_last_change(
    site: DemoSite, http: aiohttp.ClientSession
) -> None:
    assert not site.caught_up()
    await poll_all(site, http)
    assert site.caught_up()
    clock_of(site).time = DAY.closes
    assert not site.caught_up()
    await poll_all(site, http)
    assert site.caught_up()
    assert Timeline.of(DAY).done(site.clock.now())


async def test_a_304_over_http(site: DemoSite, http: aiohttp.ClientSession) -> None:
    source = next(s for s in site.sources() if s.id == "tonghop")
    first = await http.get(source.url)
    again = await http.get(source.url, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, again.headers["ETag"]) == (304, first.headers["ETag"])
    assert site.requests["tonghop", 304] == 1


async def test_an_outage_is_no_catching_up(site: DemoSite, http: aiohttp.ClientSession) -> None:
    await poll_all(site, http)
    clock_of(site).time = DAY.opens + 3.25 * 3600
    await poll_all(site, http)
    assert site.requests["phaply", 500] == 1
    assert not site.caught_up()


async def test_the_slow_feed_takes_its_time(site: DemoSite, http: aiohttp.ClientSession) -> None:
    source = next(s for s in site.sources() if s.id == "songtien")
    await http.get(source.url)
    assert site.clock.now() == DAY.opens + DAY.feeds["songtien"].delay


async def test_pages_and_unknown_paths(site: DemoSite, http: aiohttp.ClientSession) -> None:
    article = next(a for a in DAY.articles if a.baseline)
    assert (await http.get(site.base + page_path(article))).status == 200
    assert (await http.get(f"{site.base}/{article.publisher}/")).status == 200
    for path in (
        "/robots.txt",
        f"/{article.publisher}/tin/no.html",
        "/bao-phap-ly/rss/chinhphu.xml",
        "/x/rss/y.xml",
    ):
        assert (await http.get(site.base + path)).status == 404


async def test_the_configuration_is_whole(site: DemoSite) -> None:
    whole = site.config()
    assert checks.check(whole) == []
    assert {source.publisher for source in whole.sources} == set(DAY.publishers)
    assert {destination.channel for destination in whole.destinations} == {"terminal"}
