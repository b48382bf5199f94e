"""Listing pages: a made-up portal, broken pages, real ones where they are to be had."""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.poll import _INLINE_PAGE
from services.collector.reading import dates, listing
from services.collector.reading.css import SelectorError
from services.collector.reading.entry import MAX_ENTRIES, Document
from services.collector.shipped import shipped
from tests.collector.build import NOW
from tinsom.messages import Selectors

DATA = Path(__file__).parent.parent / "data" / "listings"
BASE = "https://thunghiem.example/vi/tin-tuc"
PORTAL = Selectors(entry=".danh-sach .muc", link="h3 a", date=".ngay", lede=".tom-tat")
PAGE = (DATA / "portal.html").read_bytes()


def read(html: str, selectors: Selectors = PORTAL, base: str = BASE) -> Document:
    return listing.read(html.encode("utf-8", "replace"), "text/html", base, selectors)


def shown(document: Document) -> list[dict[str, Any]]:
    fields = ("position", "link", "title", "lede", "date", "guessed")
    return [{name: getattr(entry, name) for name in fields} for entry in document.entries]


def test_a_portal_as_it_is_meant() -> None:
    document = listing.read(PAGE, "", BASE, PORTAL)
    assert shown(document) == json.loads((DATA / "portal.json").read_text("utf-8"))
    assert (document.title, document.language) == ("Tin hoạt động – Cổng thông tin Bộ Thử nghiệm", "vi")


def test_its_dates_are_read() -> None:
    written = [entry.date for entry in listing.read(PAGE, "", BASE, PORTAL).entries]
    read_ = [dates.read(raw, now=NOW, timezone="Asia/Ho_Chi_Minh") for raw in written]
    assert [(d.at and d.at.astimezone(UTC).isoformat()[:16], d.quality) for d in read_] == [
        ("2025-02-06T07:25", "exact"),
        ("2025-09-24T09:49", "exact"),
        ("2025-09-23T01:00", "exact"),
        ("2022-12-24T17:00", "date_only"),
        (None, "missing"),
        ("2022-12-22T00:30", "exact"),
    ]


@pytest.mark.parametrize(
    "page",
    [
        "",
        "<!---->",
        "\x00",
        "<html><body><div class='tin'><h3><a href='/tin-1'>Tin một</a></h3></div></body></html>",
        # Entries as ever, and nothing in them where link and title were.
        "<div class='danh-sach'><div class='muc'><h4><a href='/tin-1'>Tin một</a></h4></div></div>",
        "<div class='danh-sach'><div class='muc'><h3><a href='#'>Tin một</a></h3></div></div>",
        # One of three is a remnant, not a listing.
        "<div class='danh-sach'><p class=muc><p class=muc><div class=muc><h3><a href=/1>Một</a></h3></div></div>",
        '<?xml version="1.0"?><rss version="2.0"><channel><item><link>https://a.example/1</link></item></channel></rss>',
    ],
)
def test_a_page_without_entries_has_another_layout(page: str) -> None:
    assert read(page) == Document(fault=listing.LAYOUT)


def test_entries_may_be_links_and_picture_and_title_are_one() -> None:
    page = """<a href="/bai-viet/mot-1001"><img></a><a href="/bai-viet/mot-1001">Bài một</a>
      <a href="/chuyen-muc/tin">Chuyên mục</a> <a href="/bai-viet/hai-1002" title="Bài hai"><img></a>
      <a href="/bai-viet/mot-1001">Xem thêm</a>"""
    found = read(page, Selectors(entry='a[href*="/bai-viet/"]'))
    assert [(e.link.rpartition("/")[2], e.title, e.position) for e in found.entries] == [
        ("mot-1001", "Bài một", 0),
        ("hai-1002", "Bài hai", 1),
        ("mot-1001", "Xem thêm", 2),  # dropped as a duplicate where identity is decided
    ]


def test_a_wrapper_that_matches_too_is_no_entry() -> None:
    page = "<div class=tin><div class=tin><a href=/1>Một</a></div><div class=tin><a href=/2>Hai</a></div></div>"
    assert [e.title for e in read(page, Selectors(entry=".tin")).entries] == ["Một", "Hai"]


@pytest.mark.timeout(120)  # many minutes, when nested parts are read again and again
def test_what_is_made_to_hurt_is_soon_over() -> None:
    for part in ("<div><div><div>", "<table><tr><td><a href=/q>", "<div class=m><span>", "<a href=/x>"):
        page = (part * _INLINE_PAGE)[: 4 * _INLINE_PAGE]
        read(page, Selectors(entry="*", link="*", title="*", date="*", lede="*"))
        read(page, Selectors(entry="div div", link="div a", title="div div", lede="div > *"))


def test_too_many_entries_are_counted() -> None:
    page = "".join(f'<a class="t" href="/{n}">Tin {n}</a>' for n in range(MAX_ENTRIES + 3))
    found = read(page, Selectors(entry="a.t"))
    assert (len(found.entries), found.surplus) == (MAX_ENTRIES, 3)


@pytest.mark.parametrize(
    ("selectors", "fault"),
    [
        (Selectors(entry=""), "entry: '' is no CSS selector"),
        (Selectors(entry="div["), "entry: 'div[' is no CSS selector"),
        (Selectors(entry="div", link="a::text"), "link: 'a::text' is no CSS selector"),
        (Selectors(entry="div", date="time:nonsense"), "date: 'time:nonsense' is no CSS selector"),
    ],
)
def test_a_selector_that_is_none_is_named(selectors: Selectors, fault: str) -> None:
    with pytest.raises(SelectorError) as caught:
        listing.check(selectors)
    assert str(caught.value).startswith(fault)
    assert listing.read(PAGE, "", BASE, selectors).fault == listing.LAYOUT


def test_an_unknown_prefix_is_no_crash() -> None:
    selectors = Selectors(entry=".muc", title="x|h3")
    listing.check(selectors)
    assert listing.read(PAGE, "", BASE, selectors).fault == listing.LAYOUT


def test_selectors_travel_to_a_worker() -> None:
    assert pickle.loads(pickle.dumps(PORTAL)) == PORTAL


@pytest.mark.parametrize(
    "page", ["<div class=muc>" * 60_000, "<h3><a href=x>" * 40_000, "<b><i><p>" * 20_000 + "x"]
)
def test_nesting_without_end_ends(page: str) -> None:
    assert read(page).fault in ("", listing.LAYOUT)
    assert read(page, Selectors(entry="*", lede="*")).fault in ("", listing.LAYOUT)


TAGS = st.sampled_from(
    [
        *(
            "<div class=danh-sach>",
            "<div class='muc'>",
            "</div>",
            "<h3>",
            "</h3>",
            "<span class=ngay>",
            "<a href='",
        ),
        *(
            "<a href='/tin-10001'>",
            "</a>",
            "06/02/2025",
            "Tiêu đề",
            "<!--",
            "-->",
            "<script>",
            "<base href='//x'>",
        ),
        *("&", "\0", "&#x110000;", "\ud800"),
    ]
)


@given(st.lists(TAGS, max_size=40).map("".join))
def test_broken_markup_gives_usable_entries_or_the_fault(page: str) -> None:
    found = read(page)
    assert found.fault == ("" if found.entries else listing.LAYOUT)
    assert [e.position for e in found.entries] == list(range(len(found.entries)))
    for entry in found.entries:
        assert entry.link.startswith(("http://", "https://")) or not entry.title


@given(st.binary(max_size=300), st.integers(0, len(PAGE)))
def test_any_bytes_anywhere_in_a_page(junk: bytes, at: int) -> None:
    for page in (junk, PAGE[:at], PAGE[:at] + junk + PAGE[at:]):
        found = listing.read(page, "text/html", BASE, PORTAL)
        assert found.fault == ("" if found.entries else listing.LAYOUT)


# --- real pages ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Real:
    path: str
    base: str
    selectors: Selectors
    entries: int
    dated: bool = False


SHIPPED = {s.source.id: s.source for s in shipped()}


def selectors_of(id_: str) -> Selectors:
    given_ = SHIPPED[id_].selectors
    assert given_ is not None
    return Selectors(**{name: getattr(given_, name) for name in Selectors.__struct_fields__})


REAL = [
    Real(
        "meth04__tracking_news-mcp/baochinhphu_list.html",
        "https://baochinhphu.vn/chinh-sach-moi.htm",
        selectors_of("chinhphu-chinh-sach-moi"),
        18,
        dated=True,
    ),
    Real(
        "fontaineha1281__capstone2/cong-nghe-thong-tin.html",
        "https://sotttt.hanoi.gov.vn/vi/cong-nghe-thong-tin",
        selectors_of("hanoi-tttt"),
        10,
    ),
    Real(
        "fontaineha1281__capstone2/cong-nghe-thong-tin.html",
        "https://sotttt.hanoi.gov.vn/vi/cong-nghe-thong-tin",
        Selectors(entry=".asset-content", link=".asset-title a", date=".assetPublishDate", lede=".asset-summary"),
        10,
        dated=True,
    ),
    Real(
        "meth04__tracking_news-mcp/dantri_list.html",
        "https://dantri.com.vn/kinh-doanh.htm",
        Selectors(entry="article.article-item", link=".article-title a", lede=".article-excerpt"),
        40,
    ),
    Real(
        "meth04__tracking_news-mcp/vnexpress_list.html",
        "https://vnexpress.net/kinh-doanh",
        Selectors(entry="article.item-news", link=".title-news a", lede=".description a"),
        45,
    ),
    Real(
        "meth04__tracking_news-mcp/baodautu_list.html",
        "https://baodautu.vn/tai-chinh",
        Selectors(entry="article", link="a.fbold, .title_thumb_square", lede=".sapo_thumb_news"),
        20,
    ),
]


@pytest.mark.parametrize("real", REAL, ids=lambda real: f"{Path(real.path).stem}-{real.entries}-{real.dated}")
def test_real_listings(private_data: Path, real: Real) -> None:
    document = listing.read((private_data / "html" / real.path).read_bytes(), "", real.base, real.selectors)
    assert document.fault == ""
    assert len(document.entries) >= real.entries
    assert len({entry.link for entry in document.entries}) >= real.entries
    whole = [entry for entry in document.entries if entry.title and not entry.guessed]
    assert len(whole) >= 0.85 * len(document.entries)
    assert all(entry.link.startswith("https://") and "\n" not in entry.title for entry in whole)
    if real.dated:
        now = datetime(2026, 4, 1, tzinfo=UTC).timestamp()
        read_ = [dates.read(e.date, now=now, timezone="Asia/Ho_Chi_Minh") for e in document.entries]
        assert {d.quality for d in read_} == {"exact"}


def test_real_listings_with_foreign_selectors_have_another_layout(private_data: Path) -> None:
    for real in REAL:
        body = (private_data / "html" / real.path).read_bytes()
        assert listing.read(body, "", real.base, PORTAL).fault == listing.LAYOUT
