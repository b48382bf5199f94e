"""OPML in and out: the source list as other readers write and read it. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import urlsplit
from xml.sax.saxutils import quoteattr

from lxml import etree

from services.collector.reading import markup
from services.collector.reading.raw import safe_link
from tinsom.config import SourceConfig
from tinsom.errors import InputError

_SLUG = re.compile(r"[^a-z0-9]+")
MAX_ID = 60


def read(raw: bytes, taken: Iterable[str] = ()) -> list[SourceConfig]:
    """The feeds of an OPML file, each once, with ids that are not `taken`; raises InputError."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True)
    try:
        root = etree.fromstring(raw, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise InputError(f"this is no OPML file: {error}") from None
    if root is None or root.tag != "opml":
        raise InputError("this is no OPML file: its root is not <opml>")
    used = set(taken)
    sources: dict[str, SourceConfig] = {}
    for outline in root.iter("outline"):
        url = safe_link(outline.get("xmlUrl") or "", "")
        if url and url not in sources:
            name = markup.clean(outline.get("title") or outline.get("text") or "")
            sources[url] = SourceConfig(
                id=_free(slug(name) or slug(urlsplit(url).hostname or ""), used), url=url, name=name
            )
    return list(sources.values())


def write(sources: Iterable[SourceConfig]) -> str:
    """An OPML 2.0 document of `sources`; listing pages are left out, other readers cannot read them."""
    lines = "".join(
        f'    <outline type="rss" text={quoteattr(s.name or s.id)} title={quoteattr(s.name or s.id)}'
        f" xmlUrl={quoteattr(s.url)}/>\n"
        for s in sources
        if s.kind != "listing"
    )
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<opml version="2.0">\n  <head><title>tinsom</title></head>\n'
    return f"{head}  <body>\n{lines}  </body>\n</opml>\n"


def slug(text: str) -> str:
    """`Báo Điện tử Chính phủ` → `bao-dien-tu-chinh-phu`."""
    plain = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    ascii_only = "".join(sign for sign in plain if not unicodedata.combining(sign)).lower()
    return _SLUG.sub("-", ascii_only).strip("-")[:MAX_ID]


def _free(wanted: str, used: set[str]) -> str:
    base, number = wanted or "source", 1
    found = base
    while found in used:
        number += 1
        found = f"{base}-{number}"
    used.add(found)
    return found
