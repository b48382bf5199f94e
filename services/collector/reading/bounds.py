"""How much of a document the patient reader is given: feedparser takes 20 µs for a tag, and more the deeper it is.

lxml refuses what is nested without bottom by itself; feedparser reads on, and a few megabytes made to hurt would
keep it for minutes. What comes before the bound is read, entries behind it are counted. Pure.
"""

from __future__ import annotations

import re

from services.collector.reading.entry import MAX_ENTRIES

MAX_BYTES = 4_000_000
MAX_TAGS = 300_000
MAX_DEPTH = 1_000

_TAG = re.compile(rb"<(/?)([A-Za-z_][\w:.-]*)(?:[^<>]*?(/)?>)?")
_ENTRY = re.compile(rb"<(?:[\w.-]+:)?(?:item|entry)\b", re.IGNORECASE)
# Of HTML that nobody escaped: these are seldom ended. With a namespace they are no HTML.
_VOID = frozenset((b"br", b"img", b"hr", b"input", b"link", b"meta", b"wbr", b"source", b"p", b"li"))


def within_bounds(raw: bytes) -> tuple[bytes, int]:
    """`raw` as far as it is read, and how many entries begin behind that."""
    end = _end(raw)
    if end is None:
        return raw, 0
    return raw[:end], sum(1 for _ in _ENTRY.finditer(raw, end))


def _end(raw: bytes) -> int | None:
    """Where the first entry too many, the tag too many, or too deep a one begins."""
    depth = entries = 0
    for number, tag in enumerate(_TAG.finditer(raw[:MAX_BYTES])):
        closing, name, empty = tag.groups()
        name = name.rpartition(b":")[2].lower()
        entries += not closing and name in (b"item", b"entry")
        if closing:
            depth = max(0, depth - 1)
        elif not empty and (name not in _VOID or b"xmlns" in tag[0]):
            depth += 1
        if entries > MAX_ENTRIES or number >= MAX_TAGS or depth > MAX_DEPTH:
            return tag.start()
    return MAX_BYTES if len(raw) > MAX_BYTES else None
