"""The bytes of a response → a document, by whichever reader understands them. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace

from services.collector.reading import decode, jsonfeed, parse, sitemap, wellformed
from services.collector.reading.entry import MAX_ENTRIES, Document, Memo
from services.collector.reading.marks import Marks, shorten
from services.collector.reading.sitemap import Index

_GZIP = b"\x1f\x8b"
MAX_UNPACKED = 16 * 1024 * 1024


def read(body: bytes, content_type: str, base: str) -> Document:
    """Read `body`, found at `base`. Never raises: a document that no reader understands has a `fault`."""
    quick = read_fast(body, content_type, base)
    return quick if quick is not None else parse.parse(_text(body, content_type), base)


def read_fast(body: bytes, content_type: str, base: str, memo: Memo | None = None) -> Document | None:
    """As `read`, in about a millisecond, without what is in `memo`; or None when it takes feedparser."""
    short, marks = shorten(body, base, memo or {})
    quick = _read_short(short, base, marks) if marks.passes else None
    if quick is not None:
        return quick
    plain = decode.plain_xml(body)
    raw = plain if plain is not None else _text(body, content_type)
    if raw[:1] == b"{":
        return jsonfeed.read(raw, base)
    if sitemap.is_sitemap(raw):
        return sitemap.read(raw, base)
    # Of what had to be mended, the same bytes may mean something else next time.
    return wellformed.read(raw, base, Marks(marks.prints) if plain is not None else Marks())


def _read_short(short: bytes, base: str, marks: Marks) -> Document | None:
    raw = decode.plain_xml(short)
    return None if raw is None else wellformed.read(raw, base, marks)


def is_packed(body: bytes) -> bool:
    return body[:2] == _GZIP


def read_index(body: bytes, content_type: str, base: str) -> Index | None:
    """The sitemaps that `body` names, or None when it is no sitemap index."""
    if not is_packed(body) and b"<sitemapindex" not in body[:2_000]:
        return None
    return sitemap.read_index(_text(body, content_type), base)


def joined(documents: Sequence[Document]) -> Document:
    """Several documents as one, in order, as the sitemaps of an index are read."""
    entries = [entry for document in documents for entry in document.entries]
    kept = [replace(entry, position=i) for i, entry in enumerate(entries[:MAX_ENTRIES])]
    surplus = sum(document.surplus for document in documents) + len(entries) - len(kept)
    faults = [document.fault for document in documents]
    return Document(entries=kept, surplus=surplus, fault=faults[0] if faults and all(faults) else "")


def _text(body: bytes, content_type: str) -> bytes:
    """UTF-8 without a declaration; what its publisher packed (`sitemap.xml.gz`) is unpacked, within limits."""
    if is_packed(body):
        try:
            body = zlib.decompressobj(31).decompress(body, MAX_UNPACKED)
        except zlib.error:
            return b""
    plain = decode.plain_xml(body)
    if plain is not None:
        return plain
    return decode.xml_text(decode.decode(body, content_type).text).encode("utf-8", "replace")
