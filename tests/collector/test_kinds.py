"""Kinds of source beside RSS and Atom: JSON Feed, sitemaps and their indexes."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.commands import poll_urls
from services.collector.reading import documents, sitemap
from services.collector.reading.entry import Document, Entry
from tests.collector.feedserver import FeedServer

BASE = "https://bao.example/feed.json"


def read(body: bytes | str) -> Document:
    return documents.read(body.encode() if isinstance(body, str) else body, "", BASE)


def test_json_feed_golden() -> None:
    item = {
        "id": 7,
        "url": "/bai-100007",
        "title": "Bộ KH&CN họp",
        "content_html": "<p>Đoạn một.</p><p>Đoạn hai.</p>",
        "summary": "Tóm tắt.",
        "date_published": "2026-03-01T09:51:00+07:00",
        "authors": [{"name": "Phóng viên"}],
    }
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Báo",
        "home_page_url": "/",
        "items": [item, "x"],
    }
    document = read(json.dumps(feed))
    assert (document.title, document.link) == ("Báo", "https://bao.example/")
    assert document.entries == [
        Entry(
            guid="7",
            link="https://bao.example/bai-100007",
            title="Bộ KH&CN họp",
            lede="Tóm tắt.",
            text="Đoạn một.\nĐoạn hai.",
            author="Phóng viên",
            date="2026-03-01T09:51:00+07:00",
        )
    ]


@pytest.mark.parametrize(
    "body", ["{", "{}", '{"items": 1}', "{" + '"a":{' * 50_000, '{"items": [{"id": null, "url": 3}]}']
)
def test_json_that_is_no_feed(body: str) -> None:
    document = read(body)
    assert document.fault or document.entries[0].link.startswith("https://bao.example/")


SITEMAP = """<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">
<url><loc>https://bao.example/thoi-su/chinh-phu-hop-ban-100001.htm</loc><lastmod>2026-03-01</lastmod></url>
<url><loc>https://bao.example/bai-100002.htm</loc>
<news:news><news:publication><news:name>Báo</news:name></news:publication><news:title>Tin &amp; bài</news:title>
<news:publication_date>2026-03-02T08:00:00+07:00</news:publication_date></news:news></url>
<url><loc>javascript:x</loc></url></urlset>"""


def test_sitemap_golden() -> None:
    newest, older = read(SITEMAP).entries
    assert (newest.title, newest.date, newest.guessed) == ("Tin & bài", "2026-03-02T08:00:00+07:00", False)
    assert (older.title, older.date, older.guessed) == ("chinh phu hop ban", "2026-03-01", True)


def test_a_packed_sitemap_and_a_bomb() -> None:
    assert len(read(gzip.compress(SITEMAP.encode())).entries) == 2
    assert read(b"\x1f\x8bnot gzip").fault
    assert read(gzip.compress(bytes(100_000_000))).fault


@given(st.binary(max_size=100))
def test_any_bytes_in_a_sitemap(body: bytes) -> None:
    read(b"<urlset><url><loc>" + body + b"</loc></url></urlset>")


INDEX = "<sitemapindex>{}</sitemapindex>"


def test_an_index_names_the_newest_first() -> None:
    names = "".join(f"<sitemap><loc>/s{n}.xml</loc><lastmod>2026-03-0{n}</lastmod></sitemap>" for n in (1, 3, 2))
    index = documents.read_index(INDEX.format(names).encode(), "", BASE)
    assert index is not None
    assert [link.rpartition("/")[2] for link, _ in index.sitemaps] == ["s3.xml", "s2.xml", "s1.xml"]
    assert documents.read_index(SITEMAP.encode(), "", BASE) is None


async def test_the_sitemaps_of_an_index_are_read(server: FeedServer) -> None:
    names = "".join(f"<sitemap><loc>{server.url(f'/s{n}.xml')}</loc></sitemap>" for n in range(5))
    server.put("/index.xml", INDEX.format(names).encode())
    server.put("/s0.xml", SITEMAP.encode())
    server.put("/s1.xml", SITEMAP.replace("10000", "20000").encode())
    report = (await poll_urls([server.url("/index.xml")], allow_private=True))[0]
    assert report.look.outcome == "ok"
    assert len(report.decisions) == 4
    assert server.asked["/s4.xml"] == []


def test_words_of_an_address() -> None:
    assert sitemap.words_of("https://b.example/a/de-an-06-sau-1-nam-20260301.html") == "de an 06 sau 1 nam"
    assert sitemap.words_of("") == ""
