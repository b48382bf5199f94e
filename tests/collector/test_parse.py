"""The parser matrix: what real feeds do wrong, and that every entry is kept all the same."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.collector.reading import markup
from services.collector.reading.documents import read as parse
from services.collector.reading.entry import MAX_ENTRIES, Document, Entry
from tests.collector.build import posts, rss

BASE = "https://bao.example/rss/home.rss"
TWO = rss(posts(2, 1))


def read(body: bytes | str, content_type: str = "text/xml") -> Document:
    return parse(body.encode() if isinstance(body, str) else body, content_type, BASE)


def titles(body: bytes | str, content_type: str = "text/xml") -> list[str]:
    return [entry.title for entry in read(body, content_type).entries]


def test_rss_golden() -> None:
    body = """<?xml version="1.0" encoding="utf-8"?>
    <rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/">
    <channel><title>Báo</title><link>https://bao.example/</link><language>vi</language><ttl>15</ttl>
    <item>
      <title><![CDATA[ Bộ KH&amp;CN họp
        <b>bàn</b>  chuyển đổi số ]]></title>
      <link>
        /tin/bai-1-100001.htm?utm_source=rss
      </link>
      <guid isPermaLink="false">bai-1</guid>
      <description><![CDATA[<a href="x"><img src="y"></a></br>Đoạn dẫn của bài.]]></description>
      <content:encoded><![CDATA[<p>Đoạn một.</p><p>Đoạn&nbsp;hai.</p><script>x()</script>]]></content:encoded>
      <dc:creator>Phóng viên</dc:creator>
      <pubDate>Thu, 06 Feb 2025 14:25:00 GMT+7</pubDate>
    </item></channel></rss>"""
    document = read(body)
    assert (document.title, document.link, document.language, document.wishes.ttl) == (
        "Báo",
        "https://bao.example/",
        "vi",
        900,
    )
    assert document.entries == [
        Entry(
            guid="bai-1",
            link="https://bao.example/tin/bai-1-100001.htm?utm_source=rss",
            title="Bộ KH&CN họp bàn chuyển đổi số",
            lede="Đoạn dẫn của bài.",
            text="Đoạn một.\nĐoạn hai.",
            author="Phóng viên",
            date="Thu, 06 Feb 2025 14:25:00 GMT+7",
        )
    ]


def test_atom_golden() -> None:
    body = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Cổng</title><link href="/"/><entry>
    <id>urn:x:1</id><title type="html">Tin &amp;lt;b&amp;gt;mới</title><link rel="self" href="/self"/>
    <link rel="alternate" href="/bai-100001"/><updated>2026-03-01T09:51:00+07:00</updated>
    <published>2026-03-01T08:00:00+07:00</published><summary>Tóm tắt</summary></entry></feed>"""
    entry = read(body).entries[0]
    assert (entry.guid, entry.link) == ("urn:x:1", "https://bao.example/bai-100001")
    assert (entry.date, entry.lede) == ("2026-03-01T08:00:00+07:00", "Tóm tắt")


def test_rdf_golden() -> None:
    body = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="x"><title>t</title></channel>
    <item rdf:about="https://bao.example/bai-1"><title>Một</title><link>https://bao.example/bai-1</link>
    <dc:date>2026-03-01</dc:date></item></rdf:RDF>"""
    entry = read(body).entries[0]
    assert (entry.guid, entry.link, entry.title, entry.date) == (
        *("https://bao.example/bai-1", "https://bao.example/bai-1"),
        *("Một", "2026-03-01"),
    )


BOTH = titles(TWO)


@pytest.mark.parametrize(
    "body",
    [
        TWO.replace("Tóm".encode(), "Tóm".encode()[:2] + b" ", 1),
        TWO.replace(b"<description>", b"<description>a &nbsp; b &copy; c & d", 1),
        TWO.replace(b"<description>", b"<description>\x0b\x00\x08"),
        b"\n\n\t " + TWO,
        b"\xef\xbb\xbf" + TWO,
        TWO.replace(b"UTF-8", b"windows-1258"),
        TWO.removesuffix(b"</channel></rss>"),
        b"This XML file does not appear to have any style information.\n" + TWO,
        TWO.decode().encode("utf-16"),
        TWO.replace(b"<item>", b"<item ><unknown:x xmlns:unknown='u'/>"),
    ],
    ids=["cut", "entities", "control", "blank", "bom", "label", "truncated", "browser", "utf16", "namespace"],
)
def test_both_items_are_kept_with_their_titles(body: bytes) -> None:
    assert titles(body, "text/xml; charset=utf-8" if b"UTF-8" in body else "") == BOTH


def test_unescaped_markup_in_a_title() -> None:
    body = TWO.replace("Tin số 2".encode(), "A & B <b>đậm</b>".encode(), 1)
    document = read(body)
    assert len(document.entries) == 2
    assert document.entries[0].title.startswith("A & B đậm")
    assert all(entry.guid and entry.date for entry in document.entries)


@pytest.mark.parametrize("body", [b"", b"   ", b"<html><body>x</body></html>", b"\x89PNG\r\n", b"not xml at all"])
def test_no_feed_is_a_fault_not_an_error(body: bytes) -> None:
    document = read(body)
    assert document.entries == []
    assert document.fault


def test_a_valid_channel_without_items_is_no_fault() -> None:
    assert read(rss([])) == Document(title="Báo thử nghiệm", link="https://bao.example/")


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//", "http://["]
)
def test_links_that_lead_nowhere(link: str) -> None:
    entry = read(
        f"<rss version='2.0'><channel><item><title>t</title><link>{link}</link></item></channel></rss>"
    ).entries
    assert entry[0].link == ""


def test_a_lede_stands_in_for_a_missing_title() -> None:
    body = (
        "<rss version='2.0'><channel><item><description>Chỉ có đoạn dẫn này.</description></item></channel></rss>"
    )
    assert titles(body) == ["Chỉ có đoạn dẫn này."]


def test_entity_bombs_and_outside_files_stay_outside() -> None:
    laughs = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
    body = f"""<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY l0 "lol">{laughs}<!ENTITY f SYSTEM "file:///etc/passwd">]>
    <rss version="2.0"><channel><item><title>&l9; &f;</title><link>https://a.example/1</link></item></channel></rss>"""
    document = read(body)
    assert all("root:" not in e.title and len(e.title) <= 1_000 for e in document.entries)


def test_deep_nesting() -> None:
    deep = "<rss version='2.0'><channel><item><title>t</title><description>" + "<div>" * 50_000
    assert len(read(deep).entries) <= 1


def test_surplus_is_counted() -> None:
    body = (
        "<rss version='2.0'><channel>" + "<item><title>t</title></item>" * (MAX_ENTRIES + 7) + "</channel></rss>"
    )
    document = read(body)
    assert (len(document.entries), document.surplus) == (MAX_ENTRIES, 7)


@settings(max_examples=40)
@given(st.binary(max_size=200))
def test_any_bytes(body: bytes) -> None:
    read(body)
    read(b"<rss version='2.0'><channel><item><title>" + body + b"</title></item></channel></rss>")


# --- markup -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("markup_", "text"),
    [
        ("Bộ KH&amp;amp;CN", "Bộ KH&CN"),
        ("&lt;p&gt;Một&lt;/p&gt;&lt;p&gt;hai&lt;/p&gt;", "Một hai"),
        ("a<br/>b", "a b"),
        ("Việt<b> Nam</b>", "Việt Nam"),
        ("a<!-- x --><style>y</style>b", "ab"),
        ("1 < 2 và 3 > 2", "1 < 2 và 3 > 2"),
        ("Bo\u0323\u0302 Co\u0302ng an", "Bộ Công an"),
        ("Bộ\u00a0Công\u200b an\u00ad", "Bộ Công an"),
        ("<a href='javascript:x'>nhấn</a>", "nhấn"),
    ],
)
def test_text_of_markup(markup_: str, text: str) -> None:
    assert markup.text_of(markup_) == text


@given(st.text(max_size=80))
def test_clean_text_is_clean(text: str) -> None:
    once = markup.clean(text)
    assert markup.clean(once) == once
    markup.text_of(text)
    markup.text_of(text, lines=True)


def test_hostile_markup_takes_linear_time() -> None:
    for part in ("<!--", "<script", "<", "&lt;", "<a ", "&#"):
        markup.text_of(part * 60_000)


@pytest.mark.parametrize("name", ["links", "enclosures", "content", "authors", "title_detail"])
def test_elements_named_like_what_feedparser_keeps_break_nothing(name: str) -> None:
    feed = "<feed xmlns='http://www.w3.org/2005/Atom'><entry><id>1</id><title>a</title>{}</entry></feed>"
    assert titles(feed.format(f"<{name}>w</{name}>")) == ["a"]
    assert titles(feed.format(f"<{name} b='c'>w</{name}>")) == ["a"]
