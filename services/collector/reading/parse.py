"""The patient way: any RSS, RDF or Atom, however broken, read by feedparser. Nobody else sees its dictionaries."""

from __future__ import annotations

import io
from typing import Any

import feedparser

from services.collector.reading import markup
from services.collector.reading.bounds import within_bounds
from services.collector.reading.entry import MAX_ENTRIES, MAX_TITLE, Document, Entry
from services.collector.reading.raw import build_entry, safe_link
from services.collector.web.manners import wishes


def parse(raw: bytes, base: str) -> Document:
    """Read `raw` (UTF-8, no declaration), found at `base`. Never raises: what it cannot read has a `fault`."""
    kept, surplus = within_bounds(raw)
    try:
        parsed = feedparser.parse(
            io.BytesIO(kept),
            # No content-location: guids stay as written (`12345` is no address), links are resolved by us.
            response_headers={"content-type": "application/xml; charset=utf-8"},
            resolve_relative_uris=False,
            sanitize_html=False,  # we keep text only; markup never leaves this package
        )
    except Exception as error:  # feedparser raises whatever its handlers met
        return Document(fault=f"{type(error).__name__}")
    if not parsed.get("version") and not parsed.entries:
        return Document(fault="not a feed")
    return _document(parsed, base, surplus)


def _document(parsed: Any, base: str, surplus: int) -> Document:
    feed = parsed.feed
    entries = parsed.entries
    atom = _text(parsed, "version").startswith("atom")
    return Document(
        entries=[_entry(entry, i, base, atom) for i, entry in enumerate(entries[:MAX_ENTRIES])],
        title=markup.cut(markup.text_of(_text(feed, "title")), MAX_TITLE),
        link=safe_link(_text(feed, "link"), base),
        language=_text(feed, "language")[:35],
        wishes=wishes(
            ttl=_text(feed, "ttl"),
            period=_text(feed, "sy_updateperiod"),
            frequency=_text(feed, "sy_updatefrequency"),
        ),
        surplus=max(0, len(entries) - MAX_ENTRIES) + surplus,
        repaired=bool(parsed.get("bozo")),
    )


def _entry(raw: Any, position: int, base: str, atom: bool) -> Entry:
    content = max((_text(one, "value") for one in _listed(raw, "content")), key=len, default="")
    return build_entry(
        guid=_text(raw, "id"),
        link=_text(raw, "link"),
        title=_text(raw, "title"),
        lede=_text(raw, "summary"),
        text=content,
        author=(_person(raw) if atom else "") or _text(raw, "author"),
        # Asked for `updated` where there is none, feedparser gives `published`, and a warning.
        date=_text(raw, "published") or ("updated" in raw and _text(raw, "updated")) or _text(raw, "created"),
        position=position,
        base=base,
        files=[_text(link, "href") for link in _listed(raw, "links") if link.get("rel") == "enclosure"],
    )


def _person(raw: Any) -> str:
    """The author's name, where Atom tells it apart from the address."""
    detail = raw.get("author_detail")
    return _text(detail, "name") if isinstance(detail, dict) else ""


def _listed(values: Any, name: str) -> list[Any]:
    """The dictionaries under a name; an element that is called like it may have put words there."""
    found = values.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _text(values: Any, name: str) -> str:
    value = values.get(name, "")
    return value if isinstance(value, str) else ""
