"""The fast reader and feedparser mean the same by every file that the fast one dares to read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.collector.reading import decode, parse, wellformed
from services.collector.reading.entry import Document
from tests.collector.build import posts, rss

BASE = "https://bao.example/rss/home.rss"
FIELDS = ("guid", "link", "title", "lede", "text", "date", "files")


def raw(body: bytes) -> bytes:
    return decode.xml_text(decode.decode(body).text).encode("utf-8", "replace")


def differences(quick: Document, patient: Document) -> set[str]:
    if len(quick.entries) != len(patient.entries):
        return {"count"}
    pairs = list(zip(quick.entries, patient.entries, strict=True))
    return {name for a, b in pairs for name in FIELDS if getattr(a, name) != getattr(b, name)}


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


ITEM = "<rss version='2.0'><channel><title>t</title><item><title>a</title>{}</item></channel></rss>"


@pytest.mark.parametrize(
    "inside",
    [
        "<title>b</title>",
        "<description>x <b>y</b></description>",
        "<x:title xmlns:x='urn:x'>z</x:title>",
        "<x:group xmlns:x='urn:x'><x:link>z</x:link></x:group>",
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
    ],
)
def test_what_it_is_not_sure_of_is_left_to_feedparser(inside: str) -> None:
    assert wellformed.read(ITEM.format(inside).encode(), BASE) is None


def test_entries_inside_something_else_are_left_to_feedparser() -> None:
    image = "<image><entry><title>b</title></entry></image>"
    text = f"<rss version='2.0'><channel>{image}<item><guid>1</guid></item></channel></rss>"
    assert wellformed.read(text.encode(), BASE) is None


def test_a_doctype_is_never_the_fast_way() -> None:
    assert wellformed.read(b"<!DOCTYPE rss [<!ENTITY a 'b'>]>" + ITEM.format("").encode(), BASE) is None


def test_both_readers_agree_on_every_file_of_the_suites(private_data: Path) -> None:
    quickly = 0
    found: dict[str, set[str]] = {}
    for line in (private_data / "feeds.jsonl").read_text("utf-8").splitlines():
        path = private_data / json.loads(line)["path"]
        body = raw(path.read_bytes())
        quick = wellformed.read(body, BASE)
        if quick is None:
            continue
        quickly += 1
        if different := differences(quick, parse.parse(body, BASE)):
            found[path.name] = different
    print(f"\n{quickly} files the fast way; differences {found}")
    assert found == {}
    assert quickly > 2_500
