"""What the readers of well-formed feeds share: which entries are passed over, and entries from fields.

Whatever feedparser might see with other eyes raises `Unsure`: then the document is feedparser's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from lxml import etree

from services.collector.reading.entry import MAX_ENTRIES, Entry
from services.collector.reading.marks import Marks
from services.collector.reading.raw import build_entry, is_document
from services.collector.reading.vocabulary import Unsure

# Fields that are taken as they stand, and what feedparser mends in them: a slash too many, UTF-8 that somebody
# read as Latin-1.
_PLAIN = ("guid", "link", "published", "updated", "author")
_MENDED = re.compile(r":///|[\xc2-\xf4][\x80-\xbf]")

Fields = dict[str, str]  # our names → values, of one entry
Reader = Callable[["etree._Element"], Fields]


def read_entries(
    elements: list[etree._Element], fields_of: Reader, base: str, marks: Marks
) -> tuple[list[Entry], tuple[int, ...]]:
    """Entries of what was read, and the items of what was passed over; unsure where the parser sees others."""
    prints: Sequence[int] = marks.prints
    if len(prints) != len(elements):
        if marks.passes:
            raise Unsure
        prints = [0] * len(elements)
    read: list[tuple[int, int, Fields]] = []
    unchanged: list[int] = []
    for position, fingerprint in enumerate(prints[:MAX_ENTRIES]):
        known, element = marks.memo.get(fingerprint), elements[position]
        if known is None:
            read.append((position, fingerprint, _plain(fields_of(element))))
        elif len(element):
            raise Unsure
        else:
            unchanged.append(known)
    named = _distinct(read, "guid") and _distinct(read, "link")
    # Whether a shared name names anything can only be seen in the whole document: it is read each time.
    entries = [_entry(found, position, base, fingerprint if named else 0) for position, fingerprint, found in read]
    return entries, tuple(unchanged)


def _plain(found: Fields) -> Fields:
    """`found` again; unsure where feedparser mends an address, a date or a person's name."""
    for name in _PLAIN:
        if name in found:
            plain(found[name])
    return found


def plain(value: str) -> str:
    """`value` again; unsure where feedparser mends it."""
    if _MENDED.search(value):
        raise Unsure
    return value


def _distinct(read: list[tuple[int, int, Fields]], name: str) -> bool:
    values = [found[name] for _, _, found in read if found.get(name)]
    return len(set(values)) == len(values)


def _entry(found: Fields, position: int, base: str, raw: int) -> Entry:
    entry = build_entry(
        guid=found.get("guid", ""),
        # A guid acts as link where there is none, unless it says that it is no permalink.
        link=found.get("link") or (found.get("guid", "") if "opaque" not in found else ""),
        title=found.get("title", ""),
        lede=found.get("lede", ""),
        text=found.get("text", ""),
        author=found.get("author", ""),
        date=found.get("published") or found.get("updated", ""),
        position=position,
        base=base,
        files=found.get("files", "").split("\n"),
    )
    return replace(entry, raw=raw)


def keep_file(found: Fields, url: str | None) -> None:
    """Only what is named like a document: pictures are on most entries, and cost for nothing."""
    if url and is_document(url):
        found["files"] = f"{found.get('files', '')}\n{''.join(url.split())}"
