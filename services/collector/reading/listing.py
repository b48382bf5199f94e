"""Listing pages of sites without a feed → entries, by the CSS selectors that their source names. Pure.

A page in which the selectors find no entry is no empty page: its layout changed, and that is a fault of its
own (`LAYOUT`), so that nobody takes silence for news.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from lxml import etree

from services.collector.reading import decode, markup
from services.collector.reading.css import SelectorError, finder
from services.collector.reading.entry import MAX_ENTRIES, MAX_LEDE, MAX_TITLE, Document, Entry
from services.collector.reading.raw import build_entry, safe_link
from services.collector.reading.sitemap import words_of
from tinsom.messages import Selectors

LAYOUT = "layout"
# Below this share of entries with link and title, the selectors no longer mean what they meant.
_LEAST_SHARE = 0.5
# Longer markup is no headline and no date; cut before it is read.
_MAX_MARKUP = 40_000
# An entry with more links or titles than these is half a page, and what comes first is meant.
_MAX_LINKS, _MAX_TITLES = 50, 10
# `2 giờ trước` is no date; what names a year may be one.
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")


@dataclass(frozen=True, slots=True)
class _Finders:
    entry: etree.XPath
    link: etree.XPath
    title: etree.XPath | None
    date: etree.XPath | None
    lede: etree.XPath | None


def check(selectors: Selectors) -> None:
    """Raises SelectorError for the first selector that cannot be read."""
    _finders(selectors.entry, selectors.link, selectors.title, selectors.date, selectors.lede)


def read(body: bytes, content_type: str, base: str, selectors: Selectors) -> Document:
    """The entries of the page at `base`, in its order. Never raises: a page without any has the fault `LAYOUT`."""
    names = selectors.entry, selectors.link, selectors.title, selectors.date, selectors.lede
    root = _root(body, content_type)
    if root is None:
        return Document(fault=LAYOUT)
    try:
        finders = _finders(*names)
        found = finders.entry(root)
        at = _base(root, base)
        rows = _innermost(found[: MAX_ENTRIES + 1])[:MAX_ENTRIES]
        entries = _merged([_entry(element, finders, i, at) for i, element in enumerate(rows)])
    except (etree.LxmlError, SelectorError):
        return Document(fault=LAYOUT)
    if not _is_listing(entries):
        return Document(fault=LAYOUT)
    return Document(
        entries=[_settled(entry, i) for i, entry in enumerate(entries)],
        title=markup.cut(markup.text_of(root.findtext(".//title") or ""), MAX_TITLE),
        language=(root.get("lang") or "").strip()[:35],
        surplus=max(0, len(found) - MAX_ENTRIES),
    )


def _root(body: bytes, content_type: str) -> etree._Element | None:
    text = decode.xml_text(decode.decode(body, content_type).text).encode("utf-8", "replace")
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
    try:
        return etree.fromstring(text, parser)
    except (etree.LxmlError, ValueError):
        return None


@lru_cache(maxsize=256)
def _finders(entry: str, link: str, title: str, date: str, lede: str) -> _Finders:
    return _Finders(
        entry=finder("entry", entry),
        # An entry may be its link.
        link=finder("link", link or "a[href]"),
        title=finder("title", title) if title else None,
        date=finder("date", date) if date else None,
        lede=finder("lede", lede) if lede else None,
    )


def _base(root: etree._Element, base: str) -> str:
    """What the page's relative links are relative to."""
    given = root.find(".//base[@href]")
    return (safe_link(given.get("href") or "", base) if given is not None else "") or base


def _innermost(found: Sequence[etree._Element]) -> list[etree._Element]:
    """Without what holds other entries: a wrapper that the selector matches too. So no part is read twice."""
    return [one for one, after in pairwise(found) if not _holds(one, after)] + list(found[-1:])


def _holds(outer: etree._Element, inner: etree._Element) -> bool:
    return any(one is outer for one in inner.iterancestors())


def _entry(element: etree._Element, finders: _Finders, position: int, base: str) -> Entry:
    links = finders.link(element)[:_MAX_LINKS]
    link = next((one for one in links if safe_link(one.get("href") or "", base)), None)
    titled = finders.title(element) if finders.title else links
    return build_entry(
        guid="",
        link=(link.get("href") or "") if link is not None else "",
        title=_title(titled),
        lede=_markup(_first(finders.lede, element))[: 4 * MAX_LEDE],
        text="",
        author="",
        date=_date(_first(finders.date, element)),
        position=position,
        base=base,
    )


def _first(finder: etree.XPath | None, element: etree._Element) -> etree._Element | None:
    return next(iter(finder(element)), None) if finder else None


def _title(elements: Sequence[etree._Element]) -> str:
    """The first that says anything: by its text, else (a link around a picture) by its `title`."""
    for element in elements[:_MAX_TITLES]:
        text = _markup(element)
        if markup.text_of(text):
            return text
    return next((title for element in elements if (title := (element.get("title") or "").strip())), "")


def _date(element: etree._Element | None) -> str:
    """As the page writes it. Machines' forms stand in attributes, beside texts like `2 giờ trước`."""
    if element is None:
        return ""
    given = [element.get("datetime") or "", markup.text_of(_markup(element)), element.get("title") or ""]
    return next((text for text in given if _YEAR.search(text)), given[1])


def _markup(element: etree._Element | None) -> str:
    if element is None:
        return ""
    return etree.tostring(element, encoding="unicode", with_tail=False)[:_MAX_MARKUP]


def _merged(entries: Sequence[Entry]) -> list[Entry]:
    """A link around a picture and one around the title are one entry; other titles under one link are others."""
    merged: list[Entry] = []
    places: dict[str, int] = {}
    for entry in entries:
        place = places.setdefault(entry.link, len(merged)) if entry.link else len(merged)
        if place < len(merged) and _agree(merged[place], entry):
            merged[place] = _joined(merged[place], entry)
        else:
            merged.append(entry)
    return merged


def _agree(a: Entry, b: Entry) -> bool:
    return not a.title or not b.title or a.title == b.title


def _joined(a: Entry, b: Entry) -> Entry:
    return replace(a, title=a.title or b.title, lede=a.lede or b.lede, date=a.date or b.date)


def _is_listing(entries: Sequence[Entry]) -> bool:
    whole = sum(1 for entry in entries if entry.link and entry.title)
    return whole > 0 and whole >= _LEAST_SHARE * len(entries)


def _settled(entry: Entry, position: int) -> Entry:
    """A row that leads nowhere is an advertisement or a heading: it has no identity, and is counted as such.

    Where a single entry shows no title, its address stands in until its page is read.
    """
    if not entry.link:
        return Entry(position=position)
    if entry.title:
        return replace(entry, position=position)
    return replace(entry, position=position, title=words_of(entry.link), guessed=True)
