"""A feed's text → entries: RSS 0.9x to 2.0, RDF, Atom 0.3 and 1.0. The only module that knows feedparser."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import urljoin, urlsplit

import feedparser

from services.collector import decode, markup
from services.collector.entry import MAX_ID, MAX_LEDE, MAX_TEXT, MAX_TITLE, Document, Entry

MAX_ENTRIES = 2_000
_TITLE_OF_LEDE = 100


def parse(body: bytes, content_type: str, base: str) -> Document:
    """Read `body`, found at `base`. Never raises: a document that no parser can read has a `fault`."""
    return parse_text(decode.decode(body, content_type).text, base)


def parse_text(text: str, base: str) -> Document:
    raw = decode.xml_text(text).encode("utf-8", "replace")
    try:
        parsed = feedparser.parse(
            io.BytesIO(raw),
            response_headers={"content-type": "application/xml; charset=utf-8", "content-location": base},
            resolve_relative_uris=False,
            sanitize_html=False,  # we keep text only; markup never leaves this package
        )
    except Exception as error:  # feedparser raises whatever its handlers met
        return Document(fault=f"{type(error).__name__}")
    if not parsed.get("version") and not parsed.entries:
        return Document(fault="not a feed")
    return _document(parsed, base)


def _document(parsed: Any, base: str) -> Document:
    feed = parsed.feed
    entries = parsed.entries
    return Document(
        entries=[_entry(entry, i, base) for i, entry in enumerate(entries[:MAX_ENTRIES])],
        title=markup.cut(markup.text_of(_text(feed, "title")), MAX_TITLE),
        link=safe_link(_text(feed, "link"), base),
        language=_text(feed, "language")[:35],
        ttl=ttl_of(_text(feed, "ttl")),
        surplus=max(0, len(entries) - MAX_ENTRIES),
        repaired=bool(parsed.get("bozo")),
    )


def _entry(raw: Any, position: int, base: str) -> Entry:
    content = max((c.get("value", "") for c in raw.get("content", ())), key=len, default="")
    return build_entry(
        guid=_text(raw, "id"),
        link=_text(raw, "link"),
        title=_text(raw, "title"),
        lede=_text(raw, "summary"),
        text=content,
        author=_text(raw, "author"),
        date=_text(raw, "published") or _text(raw, "updated") or _text(raw, "created"),
        position=position,
        base=base,
    )


def build_entry(
    *, guid: str, link: str, title: str, lede: str, text: str, author: str, date: str, position: int, base: str
) -> Entry:
    """Raw values, as markup, → an entry; shared by every reader, so that all of them mean the same by it."""
    clean_lede = markup.cut(markup.text_of(lede[:MAX_TEXT]), MAX_LEDE)
    clean_text = markup.cut(markup.text_of(text[: 4 * MAX_TEXT], lines=True), MAX_TEXT)
    return Entry(
        guid=markup.cut(markup.clean(guid), MAX_ID),
        link=safe_link(link, base),
        title=_title(title, clean_lede or clean_text),
        lede=clean_lede,
        text="" if markup.clean(clean_text) == clean_lede else clean_text,
        author=markup.cut(markup.text_of(author), 200),
        date=markup.cut(markup.clean(date), 200),
        position=position,
    )


def safe_link(link: str, base: str) -> str:
    """An absolute http(s) address without line breaks, or nothing; what leads back to the feed leads nowhere."""
    try:
        joined = urljoin(base, "".join(link.split()))
        parts = urlsplit(joined)
        usable = parts.scheme in ("http", "https") and parts.hostname and len(joined) <= MAX_ID
    except ValueError:
        return ""
    return joined if usable and joined != base and link.strip() else ""


def ttl_of(minutes: str) -> float:
    """RSS `ttl` in seconds, at most a day."""
    minutes = minutes.strip()
    return min(float(minutes[:6]) * 60, 86_400.0) if minutes.isascii() and minutes.isdigit() else 0.0


def _title(title: str, otherwise: str) -> str:
    clean = markup.cut(markup.text_of(title), MAX_TITLE)
    if clean or not otherwise:
        return clean
    first = otherwise.partition("\n")[0]
    return first if len(first) <= _TITLE_OF_LEDE else first[:_TITLE_OF_LEDE].rsplit(" ", 1)[0] + " …"


def _text(values: Any, name: str) -> str:
    value = values.get(name, "")
    return value if isinstance(value, str) else ""
