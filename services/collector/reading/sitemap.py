"""Sitemaps and Google News sitemaps → entries; index files → the addresses of sitemaps.

A plain sitemap has no titles: its entries bear the words of their address until their page is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from urllib.parse import unquote, urlsplit

from lxml import etree

from services.collector.reading.entry import MAX_ENTRIES, Document, Entry
from services.collector.reading.raw import build_entry, safe_link

_ROOTS = ("urlset", "sitemapindex")
_WORDS = re.compile(r"[-_+\s]+")
_ENDING = re.compile(r"(?:[-.]?\d{5,})?(?:\.\w{2,5})?/?$")


@dataclass(frozen=True, slots=True)
class Index:
    """A sitemap index: addresses with their `lastmod`, newest first where they have one."""

    sitemaps: list[tuple[str, str]] = field(default_factory=list)


def is_sitemap(raw: bytes) -> bool:
    return b"<urlset" in raw[:2_000] or b"<sitemapindex" in raw[:2_000]


def read(raw: bytes, base: str) -> Document:
    """The entries of a sitemap, as they stand; a `fault` where there is none to read."""
    root = _root(raw)
    if root is None or _name(root) != "urlset":
        return Document(fault="not a sitemap")
    urls = [child for child in root if _name(child) == "url"]
    newest = sorted(urls, key=_date, reverse=True)[:MAX_ENTRIES]
    entries = [_entry(url, i, base) for i, url in enumerate(newest)]
    return Document(entries=[e for e in entries if e.link], surplus=max(0, len(urls) - MAX_ENTRIES))


def read_index(raw: bytes, base: str) -> Index | None:
    """The sitemaps that an index names, or None when `raw` is no index."""
    root = _root(raw)
    if root is None or _name(root) != "sitemapindex":
        return None
    found = [
        (safe_link(_text(child, "loc"), base), _text(child, "lastmod"))
        for child in root
        if _name(child) == "sitemap"
    ]
    return Index(sorted(((link, at) for link, at in found if link), key=lambda pair: pair[1], reverse=True))


def _root(raw: bytes) -> etree._Element | None:
    if b"<!DOCTYPE" in raw or b"<!ENTITY" in raw:
        return None
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(raw, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    return root if _name(root) in _ROOTS else None


def _entry(url: etree._Element, position: int, base: str) -> Entry:
    link = safe_link(_text(url, "loc"), base)
    news = next((child for child in url if _name(child) == "news"), None)
    title = _text(news, "title") if news is not None else ""
    entry = build_entry(
        guid="",
        link=link,
        title=title or words_of(link),
        lede="",
        text="",
        author="",
        date=_date(url),
        position=position,
        base=base,
    )
    return entry if title else replace(entry, guessed=True)


def words_of(link: str) -> str:
    """`/thoi-su/chinh-phu-hop-123456.htm` → `chinh phu hop`: a title until the page gives the real one."""
    path = unquote(urlsplit(link).path) if link else ""
    return _WORDS.sub(" ", _ENDING.sub("", path.rstrip("/").rpartition("/")[2])).strip()


def _date(url: etree._Element) -> str:
    news = next((child for child in url if _name(child) == "news"), None)
    return (_text(news, "publication_date") if news is not None else "") or _text(url, "lastmod")


def _text(element: etree._Element, name: str) -> str:
    return next(((child.text or "").strip() for child in element if _name(child) == name), "")


def _name(element: etree._Element) -> str:
    """The local name: sitemaps are written with any namespace, and with none."""
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""
