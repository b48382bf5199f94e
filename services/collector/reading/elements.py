"""What the readers of well-formed feeds share: names of elements, what may be passed over, entries from fields.

Whatever feedparser might see with other eyes raises `Unsure`: then the document is feedparser's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from lxml import etree

from services.collector.reading.entry import MAX_ENTRIES, Entry
from services.collector.reading.marks import Marks
from services.collector.reading.raw import build_entry, is_document

ATOM, RSS1 = "http://www.w3.org/2005/Atom", "http://purl.org/rss/1.0/"
DC = "http://purl.org/dc/elements/1.1/"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
NAMES = frozenset(("link", "guid"))
# Fields that are taken as they stand, and what feedparser mends in them: a slash too many, UTF-8 that somebody
# read as Latin-1.
_PLAIN = ("guid", "link", "published", "updated")
_MENDED = re.compile(r":///|[\xc2-\xf4][\x80-\xbf]")
# Read for nothing that we keep.
_HARMLESS = frozenset(
    {("", name) for name in ("category", "comments", "enclosure", "source", "image", "rating", "thumb")}
    | {(ATOM, name) for name in ("category", "rights", "contributor")}
    | {(RSS1, "items")}
)
# Elements of other vocabularies whose names mean nothing to feedparser's handlers either.
_FOREIGN = frozenset(
    (
        "http://search.yahoo.com/mrss/",
        "http://purl.org/rss/1.0/modules/slash/",
        "http://wellformedweb.org/commentapi/",
        "http://purl.org/syndication/thread/1.0",
        "http://purl.org/rss/1.0/modules/syndication/",
        "http://rssnamespace.org/feedburner/ext/1.0",
        "http://www.georss.org/georss",
    )
)
MEANINGFUL = re.compile(
    r"(?:title|link|guid|id|description|summary|abstract|body|content|encoded|fullitem|pubdate|date|published"
    r"|updated|modified|issued|created|author|creator|name|managingeditor|subtitle|tagline|item|entry|channel"
    r"|feed)$"
)

Fields = dict[str, str]  # our names → values, of one entry
Reader = Callable[["etree._Element"], Fields]


class Unsure(Exception):
    """This document is feedparser's."""


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
    """`found` again; unsure where feedparser mends an address or a date."""
    if any(_MENDED.search(found.get(name, "")) for name in _PLAIN):
        raise Unsure
    return found


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


def children(element: etree._Element) -> Iterator[tuple[etree._Element, str, str]]:
    """Children with namespace and lower-case name; an unresolved entity or instruction is not for us."""
    for child in element:
        yield child, *name_of(child)


def name_of(element: etree._Element) -> tuple[str, str]:
    """Namespace and lower-case name."""
    tag = element.tag
    if not isinstance(tag, str) or not tag.isascii():
        raise Unsure
    if tag[0] == "{":
        namespace, _, name = tag[1:].partition("}")
        return namespace, name.lower()
    return "", tag.lower()


def attribute(element: etree._Element, name: str, default: str | None = None) -> str | None:
    """An attribute; feedparser minds other spellings less and foreign letters more, so these are feedparser's."""
    value = element.get(name)
    if value is None and any(other.lower() == name.lower() or not other.isascii() for other in element.attrib):
        raise Unsure
    return default if value is None else value


def must_be_harmless(namespace: str, name: str, child: etree._Element) -> None:
    """Unsure where an element that we do not keep, or one inside it, might mean something to feedparser."""
    if (namespace, name) in _HARMLESS and not len(child):
        return
    foreign = namespace.lower() in _FOREIGN
    if not foreign and namespace in ("", ATOM, RSS1, DC, CONTENT) and name not in ("subject",):
        raise Unsure
    if MEANINGFUL.match(name) and not (foreign and name == "content"):
        raise Unsure
    for grandchild, inner_namespace, inner in children(child):
        must_be_harmless(inner_namespace, inner, grandchild)
