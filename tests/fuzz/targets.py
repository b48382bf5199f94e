"""What fuzzing calls: each target takes any bytes and raises when a promise of a reader is broken.

`ALL` is also run by `make test` over the corpus beside this file; a crash that fuzzing finds belongs there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from services.collector import opml
from services.collector.decide import decide
from services.collector.known import FeedState, Known
from services.collector.reading import (
    bounds,
    dates,
    decode,
    documents,
    jsonfeed,
    listing,
    markup,
    parse,
    sitemap,
    wellformed,
)
from services.collector.reading.css import SelectorError
from services.collector.reading.entry import MAX_ENTRIES, MAX_ID, MAX_LEDE, MAX_TEXT, MAX_TITLE, Document
from services.collector.web import manners, response, robots
from services.collector.web.response import OUTCOMES, Response
from tests.collector.agreement import differences
from tests.collector.build import NOW, source
from tests.fuzz import structures
from tinsom.errors import InputError
from tinsom.messages import Selectors

BASE = "https://bao.example/rss/home.rss"
ZONE = "Asia/Ho_Chi_Minh"
SAID = (
    "",
    "text/xml; charset=utf-8",
    "text/xml; charset=windows-1258",
    "text/html; charset=utf-16",
    "charset=\x00",
)


def _split(data: bytes) -> tuple[int, bytes]:
    """The first byte chooses, the rest is read."""
    return (data[0], data[1:]) if data else (0, b"")


def decoding(data: bytes) -> None:
    choice, body = _split(data)
    said = SAID[choice % len(SAID)]
    found = decode.decode(body, said)
    text = decode.xml_text(found.text)
    text.encode("utf-8")
    assert not any(sign in text for sign in "\x00\x0b\ufffe")
    assert decode.decode(body, said) == found
    assert decode.plain_xml(body) in (None, text.encode("utf-8"))
    for lines in (False, True):
        clean = markup.text_of(found.text[:20_000], lines=lines)
        assert clean == clean.strip()
        assert "\x00" not in clean


def dating(data: bytes) -> None:
    choice, body = _split(data)
    raw = body.decode("utf-8", "replace")
    found = dates.read(raw, now=NOW, timezone=ZONE, month_first=(None, True, False)[choice % 3])
    assert (found.at is None) == (found.quality == "missing")
    assert found.at is None or 0 <= found.at.timestamp() <= NOW
    inferred = dates.from_address(raw, now=NOW, timezone=ZONE)
    assert inferred.at is None or inferred.at.timestamp() <= NOW + dates.TOLERANCE
    headers = {"cache-control": raw, "expires": raw, "age": raw, "date": raw}
    assert 0 <= manners.fresh_for(headers, NOW) <= manners.LONGEST_CACHE
    wish = manners.wishes(ttl=raw, period=raw, frequency=raw, hours=(raw,), days=(raw,))
    assert NOW <= manners.outside_skipped(NOW, wish) <= NOW + 8 * 86_400


def is_sound(document: Document) -> None:
    assert len(document.entries) <= MAX_ENTRIES
    assert not (document.fault and document.entries)
    for entry in document.entries:
        assert len(entry.guid) <= MAX_ID
        assert len(entry.title) <= MAX_TITLE + 2
        assert len(entry.lede) <= MAX_LEDE
        assert len(entry.text) <= MAX_TEXT
        assert not entry.link or entry.link.startswith(("http://", "https://"))
        whole = entry.guid + entry.link + entry.title + entry.lede
        assert "\n" not in whole
        assert "\x00" not in whole
    feed = FeedState(source="home", publisher="bao.example")
    reading = decide(document.entries, Known(), feed, source("home"), NOW)
    assert len(reading.decisions) == len(document.entries)


def feeds(data: bytes) -> None:
    choice, body = _split(data)
    said = SAID[choice % len(SAID)]
    assert response.judge(Response(BASE, 200, {}, body), asked_conditionally=False, known_body="") in OUTCOMES
    kept, surplus = bounds.within_bounds(body)
    assert body.startswith(kept)
    assert surplus >= 0
    document = documents.read(body, said, BASE)
    is_sound(document)
    assert documents.read(body, said, BASE) == document
    passing_over(body, said)


def passing_over(body: bytes, said: str) -> None:
    """Where every second entry is known, the others are what they were."""
    whole = documents.read_fast(body, said, BASE)
    if whole is None:
        return
    memo = {entry.raw: n for n, entry in enumerate(whole.entries) if entry.raw and n % 2}
    short = documents.read_fast(body, said, BASE, memo)
    assert short is not None
    assert short.entries == [entry for entry in whole.entries if entry.raw not in memo]
    assert list(short.unchanged) == [memo[entry.raw] for entry in whole.entries if entry.raw in memo]


def readers(data: bytes) -> None:
    """What the fast reader dares to read means the same to feedparser."""
    both(decode.xml_text(decode.decode(data).text).encode("utf-8", "replace"))


def structure(data: bytes) -> None:
    """As `readers`, of documents that are well-formed whatever the bytes."""
    both(structures.document(data))


def both(raw: bytes) -> None:
    quick = wellformed.read(raw, BASE)
    if quick is None:
        return
    found = differences(quick, parse.parse(raw, BASE), BASE)
    assert not found, found


def sitemaps(data: bytes) -> None:
    raw = decode.xml_text(decode.decode(data).text).encode("utf-8", "replace")
    is_sound(sitemap.read(raw, BASE))
    is_sound(jsonfeed.read(raw, BASE))
    index = sitemap.read_index(raw, BASE)
    assert index is None or all(link.startswith("http") for link, _ in index.sitemaps)
    robots.parse(data.decode("utf-8", "replace")).allows(data[:50].decode("utf-8", "replace"))
    with contextlib.suppress(InputError):
        opml.read(data)


def listings(data: bytes) -> None:
    """The first line holds the selectors, between bars."""
    head, _, body = data.partition(b"\n")
    names = (*head.decode("utf-8", "replace").split("|"), "", "", "", "", "")[:5]
    selectors = Selectors(**dict(zip(("entry", "link", "title", "date", "lede"), names, strict=True)))
    document = listing.read(body, "", BASE, selectors)
    is_sound(document)
    try:
        listing.check(selectors)
    except SelectorError:
        assert document.fault


ALL: dict[str, Callable[[bytes], None]] = {
    "decoding": decoding,
    "dating": dating,
    "feeds": feeds,
    "readers": readers,
    "structure": structure,
    "sitemaps": sitemaps,
    "listings": listings,
}
