"""JSON Feed 1.0 and 1.1 → entries."""

from __future__ import annotations

from typing import Any

import msgspec

from services.collector.reading import markup
from services.collector.reading.entry import MAX_ENTRIES, MAX_TITLE, Document, Entry
from services.collector.reading.raw import build_entry, safe_link

_DECODER = msgspec.json.Decoder()


def read(raw: bytes, base: str) -> Document:
    """The document in `raw` (UTF-8). Never raises: what is no JSON Feed has a `fault`."""
    try:
        data = _DECODER.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Document(fault="not JSON")
    if not isinstance(data, dict) or not isinstance(data.get("items"), list):
        return Document(fault="not a feed")
    items = [item for item in data["items"] if isinstance(item, dict)]
    return Document(
        entries=[_entry(item, i, base) for i, item in enumerate(items[:MAX_ENTRIES])],
        title=markup.cut(markup.clean(_text(data, "title")), MAX_TITLE),
        link=safe_link(_text(data, "home_page_url"), base),
        language=_text(data, "language")[:35],
        surplus=max(0, len(items) - MAX_ENTRIES),
    )


def _entry(item: dict[str, Any], position: int, base: str) -> Entry:
    content = _text(item, "content_html") or _text(item, "content_text")
    return build_entry(
        guid=_text(item, "id"),
        link=_text(item, "url") or _text(item, "external_url"),
        title=_text(item, "title"),
        lede=_text(item, "summary"),
        text=content,
        author=_author(item),
        date=_text(item, "date_published") or _text(item, "date_modified"),
        position=position,
        base=base,
        files=_files(item),
    )


def _files(item: dict[str, Any]) -> list[str]:
    given = item.get("attachments")
    listed = given if isinstance(given, list) else []
    return [_text(one, "url") for one in listed if isinstance(one, dict)]


def _author(item: dict[str, Any]) -> str:
    """`authors` of 1.1 or `author` of 1.0."""
    authors = item.get("authors")
    first = authors[0] if isinstance(authors, list) and authors else item.get("author")
    return _text(first, "name") if isinstance(first, dict) else ""


def _text(values: dict[str, Any], name: str) -> str:
    """A string; numbers count as what they spell, since ids are often written as such."""
    value = values.get(name)
    if isinstance(value, bool):
        return ""
    return value if isinstance(value, str) else str(value) if isinstance(value, int | float) else ""
