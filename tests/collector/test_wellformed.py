"""The fast reader and feedparser mean the same by every file that the fast one dares to read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.collector.reading import decode, parse, wellformed
from tests.collector.agreement import differences
from tests.collector.build import posts, rss

BASE = "https://bao.example/rss/home.rss"


def raw(body: bytes) -> bytes:
    return decode.xml_text(decode.decode(body).text).encode("utf-8", "replace")


def agrees(text: str) -> None:
    quick = wellformed.read(text.encode(), BASE)
    assert quick is not None
    assert differences(quick, parse.parse(text.encode(), BASE), BASE) == {}


def test_an_ordinary_feed_goes_the_fast_way() -> None:
    body = raw(rss(posts(*range(40, 0, -1))))
    quick = wellformed.read(body, BASE)
    assert quick is not None
    assert len(quick.entries) == 40
    assert quick == parse.parse(body, BASE)


@pytest.mark.parametrize(
    "body",
    [
        "<rss version='2.0'><channel><title>t</title><item><title>a</title>{}</item></channel></rss>",
        "<feed xmlns='http://www.w3.org/2005/Atom'><title>t</title><entry><id>1</id><title>a</title>{}</entry></feed>",
    ],
    ids=["rss", "atom"],
)
def test_documents_that_come_with_an_entry(body: str) -> None:
    one = "<link rel='enclosure' href='{}'/>" if "Atom" in body else "<enclosure url='{}' length='1' type='x/y'/>"
    named = ("/tep/qd-57.pdf", "anh.jpg", "https://bao.example/cv.DOCX?v=1", "/tep/qd-57.pdf#2", "/nghe.mp3")
    text = body.format("".join(one.format(name) for name in named)).encode()
    quick = wellformed.read(text, BASE)
    assert quick is not None
    wanted = ("https://bao.example/tep/qd-57.pdf", "https://bao.example/cv.DOCX?v=1")
    assert quick.entries[0].files == parse.parse(text, BASE).entries[0].files == wanted


ENTRY = "<feed xmlns='http://www.w3.org/2005/Atom'><entry><id>1</id><title>a</title>{}</entry></feed>"
ITEM = "<rss version='2.0'><channel><title>t</title><item><title>a</title>{}</item></channel></rss>"


@pytest.mark.parametrize(
    "inside",
    [
        "<title>b</title>",
        "<description>x <b>y</b></description>",
        "<atom:link xmlns:atom='http://www.w3.org/2005/Atom' href='/x'/>",
        "<summary>s</summary>",
        "<enclosure><title>inner</title></enclosure>",
        "<description xml:base='/x'>s</description>",
        "<link href='/x'>y</link>",
        "<unclosed>",
        "<description>dots&#133;</description>",
        "<description>a quote&#x92;s</description>",
        "<description>\x85</description>",
        "<link>https:///bao.example/x</link>",
        "<pubDate>Tue, 10 M\u00c3\u00a1r 2026</pubDate>",
        "<description base='/x'>s</description>",
        "<x:thumb xmlns:x='urn:x' x:base='/x'/>",
        "<title xmlns='urn:x'>z</title>",
        "<dc:title xmlns:dc='http://xmlns.com/foaf/0.1/'>z</dc:title>",
        "<slash:x xmlns:slash='http://purl.org/rss/1.0/' />",
        "<media:title xmlns:media='urn:x'>z</media:title>",
        "<author:detail xmlns:author='urn:x'>z</author:detail>",
        "<x:p xmlns:x='urn:x'/><x:p xmlns:x='http://purl.org/rss/1.0/'/>",
        "<links>s</links>",
        "<link>https://b.example/?a=1&amp;amp;b=2</link>",
        "<thumb><link>https://b.example/</link></thumb>",
    ],
)
def test_what_it_is_not_sure_of_is_left_to_feedparser(inside: str) -> None:
    assert wellformed.read(ITEM.format(inside).encode(), BASE) is None


@pytest.mark.parametrize(
    "inside",
    [
        "<site xmlns='com-wordpress:feed-additions:1'>1</site>",
        "<thumb>/anh.jpg</thumb><summaryImg>/anh.jpg</summaryImg>",
        "<x:title xmlns:x='urn:x'>z</x:title>",
        "<x:group xmlns:x='urn:x' when='now'><x:link>z</x:link></x:group>",
        "<guid isPermaLink=''>https://b.example/1</guid>",
        "<author>a@b.example (n)</author>",
        "<media:group xmlns:media='http://search.yahoo.com/mrss/'><media:content url='/a'/></media:group>",
        "<source url='/x'>Báo</source><comments>/x#c</comments><category domain='/d'>c</category>",
    ],
)
def test_what_means_nothing_to_feedparser_is_passed_over(inside: str) -> None:
    agrees(ITEM.format(inside))


@pytest.mark.parametrize(
    "inside",
    [
        "<link rel='Alternate' type='TEXT/HTML' href='/1'/>",
        "<author><name>a</name><email>a@b.example</email></author>",
        "<author><email>a@b.example</email></author>",
        "<author><name>a</name></author><author><name>b</name></author>",
        "<content type='xhtml'>1 &lt; 2 &lt;p><div xmlns='http://www.w3.org/1999/xhtml'>x<br/>y</div></content>",
        "<content type='xhtml'>&lt;p&gt;</content>",
        "<category term='c'/><rights>r</rights><contributor><name>c</name></contributor>",
    ],
)
def test_atom_as_feedparser_understands_it(inside: str) -> None:
    agrees(ENTRY.format(inside))


@pytest.mark.parametrize(
    "inside",
    [
        "<content type='xhtml'><div><feed><title>z</title></feed></div></content>",
        "<content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><script/>x</div></content>",
        "<content type='xhtml'><x:div xmlns:x='http://www.w3.org/1999/xhtml'>x</x:div></content>",
        "<content type='xhtml'><svg xmlns='http://www.w3.org/2000/svg'><title>z</title></svg></content>",
        "<source><title>z</title></source>",
        "<author><name>a</name><name>b</name></author>",
        "<author>c<name>a</name></author>",
        "<author><name>a</name></author><author><email>a@b.example</email></author>",
        "<content src='/x'/>",
        "<summary type='image/png'>s</summary>",
    ],
)
def test_atom_that_is_left_to_feedparser(inside: str) -> None:
    assert wellformed.read(ENTRY.format(inside).encode(), BASE) is None


def test_an_author_is_a_name_without_its_address() -> None:
    text = ENTRY.format("<author><name>a</name><email>a@b.example</email></author>").encode()
    quick = wellformed.read(text, BASE)
    assert quick is not None
    assert quick.entries[0].author == parse.parse(text, BASE).entries[0].author == "a"


def test_what_a_channel_says_of_itself() -> None:
    agrees(
        "<rss version='2.0' xml:lang='vi_VN'><channel><title>t</title><link>https://b.example/</link><ttl>5</ttl>"
        "<atom:link xmlns:atom='http://www.w3.org/2005/Atom' rel='self' href='/x'/><item><title>a</title></item>"
        "<image><title>i</title><link>/i</link></image></channel></rss>"
    )
    assert wellformed.read(b"<rss><channel><title/><title>t</title></channel></rss>", BASE) is None
    assert wellformed.read(b"<rss><channel><image><thumb/><title>t</title></image></channel></rss>", BASE) is None


def test_entries_inside_something_else_are_left_to_feedparser() -> None:
    image = "<image><entry><title>b</title></entry></image>"
    text = f"<rss version='2.0'><channel>{image}<item><guid>1</guid></item></channel></rss>"
    assert wellformed.read(text.encode(), BASE) is None


def test_a_doctype_is_never_the_fast_way() -> None:
    assert wellformed.read(b"<!DOCTYPE rss [<!ENTITY a 'b'>]>" + ITEM.format("").encode(), BASE) is None


def test_both_readers_agree_on_every_file_of_the_suites(private_data: Path) -> None:
    quickly = 0
    found: dict[str, object] = {}
    for line in (private_data / "feeds.jsonl").read_text("utf-8").splitlines():
        path = private_data / json.loads(line)["path"]
        body = raw(path.read_bytes())
        quick = wellformed.read(body, BASE)
        if quick is None:
            continue
        quickly += 1
        if different := differences(quick, parse.parse(body, BASE), BASE):
            found[path.name] = different
    print(f"\n{quickly} files the fast way; differences {found}")
    assert found == {}
    assert quickly > 2_700
