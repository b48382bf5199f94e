from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector import catalogue, opml, shipped
from services.collector.discover import candidates
from services.collector.finding import check_sources, discover
from tests.collector.build import posts, rss
from tests.collector.feedserver import FeedServer
from tinsom.config import CollectorConfig, Config, SelectorsConfig, SourceConfig
from tinsom.errors import ConfigError, InputError, UnreachableError

PAGE = """<html><head><link rel="alternate" type="application/rss+xml" title="Tin mới" href="/rss/a.rss">
<link rel="alternate" type="text/html" href="/en"><link rel="stylesheet" type="application/rss+xml" href="/no">
</head><body><a href="/rss/b.rss">Thời sự</a> <a href="/rss/a.rss">lần nữa</a> <a href="/bai-1.htm">bài</a>
</body></html>"""


def test_announced_before_linked_before_usual_each_once() -> None:
    found = candidates(PAGE.encode(), "", "https://bao.example/")
    assert [(c.url.partition(".example")[2], c.how) for c in found[:3]] == [
        ("/rss/a.rss", "announced"),
        ("/rss/b.rss", "linked"),
        ("/rss", "usual"),
    ]
    assert found[0].title == "Tin mới"
    assert max(Counter(c.url for c in found).values()) == 1


@given(st.binary(max_size=200))
def test_any_page(body: bytes) -> None:
    candidates(body, "", "https://bao.example/")


async def test_discover_gives_what_is_a_feed(server: FeedServer) -> None:
    server.put("/", PAGE.encode(), Content_Type="text/html")
    server.put("/rss/a.rss", rss(posts(2, 1)))
    server.put("/rss/b.rss", b"<html></html>")
    server.put("/feed", status=301, Location="/rss/a.rss")
    found = await discover(server.url("/"), allow_private=True)
    assert [(f.candidate.how, len(f.report.decisions)) for f in found] == [("announced", 2)]
    itself = await discover(server.url("/rss/a.rss"), allow_private=True)
    assert [f.candidate.how for f in itself] == ["itself"]
    with pytest.raises(UnreachableError, match="status 404"):
        await discover(server.url("/nowhere"), allow_private=True)
    with pytest.raises(InputError, match="not an http"):
        await discover("bao.example")


async def test_the_whole_list_is_checked_side_by_side(server: FeedServer) -> None:
    server.put("/a", rss(posts(1)))
    sources = [SourceConfig(id=i, url=server.url(f"/{i}"), publisher=i) for i in ("a", "b")]
    done: list[str] = []
    config = Config(sources=sources, collector=CollectorConfig(allow_private=["127.0.0.1"]))
    found = await check_sources(config, lambda report: done.append(report.look.outcome))
    assert [(source.id, report.look.outcome) for source, report in found] == [("a", "ok"), ("b", "http_4xx")]
    assert sorted(done) == ["http_4xx", "ok"]


def test_opml_there_and_back() -> None:
    sources = [
        SourceConfig(id="bao-chinh-phu", url="https://cp.example/rss?a=1&b=2", name="Báo Chính phủ"),
        SourceConfig(id="bao-chinh-phu-2", url="https://khac.example/rss", name="Báo Chính phủ"),
    ]
    assert opml.read(opml.write(sources).encode()) == sources
    assert opml.read(opml.write(sources).encode(), taken=["bao-chinh-phu"])[0].id == "bao-chinh-phu-2"


def test_opml_leaves_listings_out() -> None:
    page = SourceConfig(
        id="a", url="https://a.example/", kind="listing", selectors=SelectorsConfig(entry="article")
    )
    assert opml.read(opml.write([page]).encode()) == []


def test_opml_as_others_write_it() -> None:
    body = b"""<?xml version="1.0"?><opml version="1.0"><body><outline text="folder">
    <outline text="" xmlUrl="https://a.example/f"/>
    <outline xmlUrl="https://a.example/f"/><outline xmlUrl="file:///etc/passwd"/></outline></body></opml>"""
    assert [(s.id, s.url) for s in opml.read(body)] == [("a-example", "https://a.example/f")]
    for bad in (b"", b"<rss/>", b"text"):
        with pytest.raises(InputError, match="no OPML"):
            opml.read(bad)


def test_the_shipped_list() -> None:
    found = shipped.shipped()
    assert len(found) >= 40
    assert max(Counter(s.source.id for s in found).values()) == 1
    assert max(Counter(s.source.url for s in found).values()) == 1
    assert {s.group for s in found} == {"government", "ministry", "press", "province"}
    assert all(s.note for s in found if s.health in ("broken", "unsure") and s.source.id != "ictnews-cds")
    for s in found:
        catalogue.source_of(s.source)


def test_shipped_sources_are_chosen_by_group_or_id() -> None:
    official = shipped.chosen(["government", "ministry"])
    assert official
    assert all(s.tier == 1 for s in official)
    assert [s.id for s in shipped.chosen(["laodong"])] == ["laodong"]
    assert "laodong" not in {s.id for s in shipped.chosen(["all"])}
    with pytest.raises(ConfigError, match="nonsense"):
        shipped.chosen(["nonsense"])
    own = SourceConfig(id="vtv", url="https://own.example/rss")
    config = Config(sources=[own], collector=CollectorConfig(catalogue=["vtv", "vov"]))
    assert [s.url for s in catalogue.configured(config)] == ["https://own.example/rss", "https://vov.vn/rss.xml"]
