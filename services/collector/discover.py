"""The feeds of a site, from one of its pages: what it announces, links to, and where feeds usually lie. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lxml import etree

from services.collector.reading import decode, markup
from services.collector.reading.raw import safe_link

_TYPES = frozenset(
    (
        "application/rss+xml",
        "application/atom+xml",
        "application/rdf+xml",
        "application/feed+json",
        "application/json+feed",
    )
)
_LOOKS_LIKE_A_FEED = re.compile(
    r"(?:\.rss|\.rdf|\.atom|[/.]rss\.xml|atom\.xml|feed\.xml|feed\.json|/feed/?|/rss/?|/rss/[^?#]+)(?:[?#].*)?$",
    re.I,
)
WELL_KNOWN = (
    *("/rss", "/feed", "/rss.xml", "/rss/home.rss", "/home.rss", "/feed.xml", "/atom.xml", "/index.xml"),
    *("/feed.json", "/sitemap-news.xml", "/news-sitemap.xml", "/sitemap.xml"),
)
MAX_FOUND = 50


@dataclass(frozen=True, slots=True)
class Candidate:
    """An address that may be a feed. `how`: `announced` (link tag), `linked` (anchor), `usual` (well-known)."""

    url: str
    title: str
    how: str


def candidates(body: bytes, content_type: str, base: str) -> list[Candidate]:
    """What to try for the page at `base`, most promising first, each address once."""
    try:
        root = etree.fromstring(decode.decode(body, content_type).text.encode("utf-8"), _parser())
    except (etree.LxmlError, ValueError):
        root = None
    found = [] if root is None else [*_announced(root, base), *_linked(root, base)]
    found += [Candidate(safe_link(path, base), "", "usual") for path in WELL_KNOWN]
    distinct: dict[str, Candidate] = {}
    for candidate in found:
        distinct.setdefault(candidate.url, candidate)
    distinct.pop("", None)
    return list(distinct.values())[:MAX_FOUND]


def _parser() -> etree.HTMLParser:
    return etree.HTMLParser(encoding="utf-8")


def _announced(root: etree._Element, base: str) -> list[Candidate]:
    return [
        Candidate(safe_link(link.get("href") or "", base), markup.clean(link.get("title") or ""), "announced")
        for link in root.iter("link")
        if "alternate" in (link.get("rel") or "").lower().split()
        and (link.get("type") or "").lower().strip() in _TYPES
    ]


def _linked(root: etree._Element, base: str) -> list[Candidate]:
    links = [(a.get("href") or "", a) for a in root.iter("a")]
    return [
        Candidate(safe_link(href, base), markup.clean("".join(a.itertext()))[:100], "linked")
        for href, a in links
        if _LOOKS_LIKE_A_FEED.search(href.strip())
    ]
