"""What a feed document holds, before anything is decided about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.collector.web.manners import Wishes

# Longer values are cut: they are somebody's mistake, and must not fill the log.
MAX_ID, MAX_TITLE, MAX_LEDE, MAX_TEXT = 2_000, 1_000, 10_000, 300_000
# More entries than this in one document are left out, and counted.
MAX_ENTRIES = 2_000

Memo = Mapping[int, int]
"""Fingerprints of the entries of the document before → names of their items (`known.id_name`)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in a feed document: plain, clean NFC text; `link` absolute; `position` counts from 0."""

    guid: str = ""
    link: str = ""
    title: str = ""
    lede: str = ""
    text: str = ""
    author: str = ""
    date: str = ""  # as written
    position: int = 0
    files: tuple[str, ...] = ()  # documents that come with it
    guessed: bool = False  # the title is made of the address; the page knows better
    raw: int = field(default=0, compare=False)  # fingerprint of its bytes, for this process only; 0 for none


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed document. `fault` names why it could not be read at all; `surplus` entries were left out."""

    entries: list[Entry] = field(default_factory=list)
    title: str = ""
    link: str = ""
    language: str = ""
    wishes: Wishes = field(default_factory=Wishes)
    fault: str = ""
    unchanged: tuple[int, ...] = ()  # names of the items of entries that are as they were at the last look
    surplus: int = 0
    repaired: bool = False  # not well-formed, read all the same
