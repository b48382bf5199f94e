"""A document read past what is known says what the whole document says, however it is built."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.collector.reading.documents import read_fast
from services.collector.reading.entry import Entry, Memo
from services.collector.reading.marks import shorten
from tests.collector.build import posts, rss

URL = "https://bao.example/home"
# Pieces that make tags mean something else, among others that do not.
PIECES = (
    "<item><guid>a</guid><title>A</title></item>",
    "<item><guid>b</guid><title>B</title></item>",
    "<item><guid>b</guid><title>Khác</title></item>",
    "<item ><link>https://bao.example/c-12345</link></item >",
    "<item/>",
    "<item>",
    "</item>",
    "<title>Một tên</title>",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "<entry/>",
    "\n ",
    "chữ",
    "<item><x:title xmlns:x='http://purl.org/dc/elements/1.1/'>D</x:title><guid>d</guid></item>",
    "\x0b",
)
HEADS = (
    "<rss version='2.0'><channel>",
    "<rss xmlns:x='urn:x'><channel><title>T</title>",
    "<?xml version='1.0'?><rss><channel>",
)


def feed(head: str, pieces: list[str]) -> bytes:
    return f"{head}{''.join(pieces)}</channel></rss>".encode()


def read(body: bytes, memo: Memo) -> tuple[list[Entry], tuple[int, ...]] | None:
    document = read_fast(body, "", URL, memo)
    return None if document is None else (document.entries, document.unchanged)


def learned(body: bytes) -> tuple[dict[int, int], dict[int, Entry]]:
    """What is remembered of a document: fingerprint → name, and name → entry."""
    entries = (read(body, {}) or ([], ()))[0]
    known = [entry for entry in entries if entry.raw]
    return {entry.raw: n for n, entry in enumerate(known)}, dict(enumerate(known))


@settings(max_examples=400)
@given(
    st.sampled_from(HEADS),
    st.lists(st.sampled_from(PIECES), max_size=8),
    st.lists(st.sampled_from(PIECES), max_size=8),
)
@example(HEADS[0], [PIECES[0]], ["<!--", PIECES[0], "-->"])
@example(HEADS[0], [PIECES[0]], ["<title>", "<![CDATA[", PIECES[0], "]]>", "</title>"])
@example(HEADS[0], [PIECES[0], PIECES[1]], [PIECES[0], PIECES[0], PIECES[1]])
@example(HEADS[0], [PIECES[0], PIECES[1]], [PIECES[2], PIECES[0]])
def test_what_is_passed_over_is_what_was_there(head: str, before: list[str], after: list[str]) -> None:
    memo, names = learned(feed(head, before))
    body = feed(head, after)
    whole, short = read(body, {}), read(body, memo)
    assert (whole is None) == (short is None)
    if whole is None or short is None:
        return
    entries, unchanged = short
    assert len(entries) + len(unchanged) == len(whole[0])
    at = {entry.position: entry for entry in entries}
    rest = [entry for entry in whole[0] if entry.position not in at]
    assert [at[entry.position] for entry in whole[0] if entry.position in at] == entries
    assert [shown(entry) for entry in rest] == [shown(names[name]) for name in unchanged]


def shown(entry: Entry) -> tuple[str, ...]:
    return entry.guid, entry.link, entry.title, entry.lede, entry.text, entry.date


def test_only_what_is_new_is_left_to_be_read() -> None:
    memo, _ = learned(rss(posts(2, 1)))
    body, marks = shorten(rss(posts(3, 2, 1)), URL, memo)
    assert (body.count(b"<item/>"), body.count(b"</item>"), len(marks.prints)) == (2, 1, 3)
    document = read_fast(rss(posts(3, 2, 1)), "", URL, memo)
    assert document is not None
    assert [entry.position for entry in document.entries] == [0]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"<rss>", b"<rss xmlns:dc='http://purl.org/dc/elements/1.1/'>"),
        (b"<rss xmlns:a='urn:a'>", b"<rss xmlns:a='urn:b'>"),
    ],
)
def test_the_same_bytes_under_other_namespaces_are_something_else(before: bytes, after: bytes) -> None:
    rest = b"<channel><item><guid>a</guid></item></channel></rss>"
    memo, _ = learned(before + rest)
    assert memo
    assert not shorten(after + rest, URL, memo)[1].passes


def test_what_had_to_be_mended_is_read_each_time() -> None:
    mended = rss(posts(2, 1)).replace(b"Tin", b"T\x0bin", 1)
    assert learned(mended)[0] == {}


def test_atom_and_rdf_have_marks_too() -> None:
    atom = b"<feed xmlns='http://www.w3.org/2005/Atom'><entry><id>urn:1</id><title>A</title></entry></feed>"
    rdf = (
        b"<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'>"
        b"<channel rdf:about='x'><title>T</title><items><rdf:Seq/></items></channel>"
        b"<item rdf:about='y'><title>A</title><link>https://bao.example/y</link></item></rdf:RDF>"
    )
    for body in (atom, rdf):
        memo, _ = learned(body)
        assert read(body, memo) == ([], (0,))
