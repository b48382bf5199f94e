"""The fast way: well-formed RSS, RDF and Atom read by lxml, thirty times as fast as feedparser.

It reads only what it is sure to understand as feedparser does (every file of the parser suites agrees, see
tests/collector/test_wellformed.py); at anything else (a doctype, a second title, foreign elements named like
ours, markup where text should be) it says None, and feedparser reads the document.
"""

from __future__ import annotations

import re
from string import ascii_letters, digits

from lxml import etree

from services.collector.reading import atom, markup
from services.collector.reading.elements import (
    ATOM,
    CONTENT,
    DC,
    NAMES,
    RSS1,
    Fields,
    Reader,
    Unsure,
    attribute,
    keep_file,
    must_be_harmless,
    name_of,
    read_entries,
)
from services.collector.reading.entry import MAX_ENTRIES, MAX_TITLE, Document
from services.collector.reading.marks import Marks
from services.collector.reading.raw import safe_link
from services.collector.web.manners import Wishes, wishes

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_SY = "http://purl.org/rss/1.0/modules/syndication/"

# (namespace, lower-case name) → our name. Names of RSS are in no namespace.
_RSS_FIELDS = {
    ("", "title"): "title",
    ("", "link"): "link",
    ("", "guid"): "guid",
    ("", "description"): "lede",
    ("", "pubdate"): "published",
    ("", "author"): "author",
    (CONTENT, "encoded"): "text",
    (DC, "creator"): "author",
    (DC, "date"): "updated",
}
_RDF_FIELDS = {(RSS1 if ns == "" else ns, name): field for (ns, name), field in _RSS_FIELDS.items()}
# Nearly every element is spelt as its format has it: its tag alone says what it is.
_Spelt = dict[object, str]
_RSS_SPELT: _Spelt = {name: field for (ns, name), field in _RSS_FIELDS.items() if not ns}
_RSS_SPELT["pubDate"] = "published"
_RDF_SPELT: _Spelt = {f"{{{ns}}}{name}": field for (ns, name), field in _RDF_FIELDS.items()}
# Control signs that are quotes and dots on Windows, and for feedparser.
_WINDOWS = re.compile(rb"\xc2[\x80-\x9f]|&#0*1[2-5]\d;|&#[xX]0*[89][0-9a-fA-F];")
# Names with other letters are well-formed to libxml2 alone: feedparser's parser goes by an older edition of XML.
_OTHER_LETTERS = "translate(name(), '{}', '')".format(f"{ascii_letters}{digits}_-.:")
_ODD_NAMES = etree.XPath(f"boolean(//@*[{_OTHER_LETTERS}] | //*[{_OTHER_LETTERS}])")

_NO_MARKS = Marks()


def read(raw: bytes, base: str, marks: Marks = _NO_MARKS) -> Document | None:
    """The document in `raw` (UTF-8 without a declaration), or None when only feedparser knows what it means.

    Entries that `marks` pass over are empty in `raw`; the document names their items in `unchanged`.
    """
    if b"<!DOCTYPE" in raw or b"<!ENTITY" in raw or b"xml:base" in raw:
        return None
    if _WINDOWS.search(raw):
        return None
    if raw.count(b"<?") != raw.count(b"<?xml-stylesheet "):
        return None  # what other instructions hold, the two parsers see with other eyes
    try:
        root = etree.fromstring(raw, _parser())
        if _ODD_NAMES(root):
            return None
        return _document(root, base, marks)
    except (etree.XMLSyntaxError, Unsure, ValueError):
        return None


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )


def _document(root: etree._Element, base: str, marks: Marks) -> Document:
    kind = root.tag
    if kind == "rss":
        channels = list(root)
        if len(channels) != 1 or channels[0].tag != "channel":
            raise Unsure
        return _channel(channels[0], _items(root, "item"), _rss_fields, base, marks)
    if kind == f"{{{ATOM}}}feed":
        return atom.document(root, base, marks)
    if kind == f"{_RDF}RDF":
        channel = root.find(f"{{{RSS1}}}channel")
        if channel is None:
            raise Unsure
        return _channel(channel, _items(root, f"{{{RSS1}}}item"), _rdf_fields, base, marks, RSS1)
    raise Unsure


def _items(root: etree._Element, tag: str) -> list[etree._Element]:
    """All of them; unsure where something else would be an entry for feedparser."""
    items = list(root.iter(tag))
    if len(items) != sum(1 for _ in root.iter("{*}item", "{*}entry")):
        raise Unsure
    return items


def _channel(
    channel: etree._Element,
    items: list[etree._Element],
    fields_of: Reader,
    base: str,
    marks: Marks,
    namespace: str = "",
) -> Document:
    prefix = f"{{{namespace}}}" if namespace else ""
    others = (name_of(child) for child in channel if child.tag != f"{prefix}item")
    if any(name in ("item", "entry") and space != namespace for space, name in others):
        raise Unsure
    entries, unchanged = read_entries(items, fields_of, base, marks)
    return Document(
        entries=entries,
        unchanged=unchanged,
        title=markup.cut(markup.text_of(channel.findtext(f"{prefix}title") or ""), MAX_TITLE),
        link=safe_link(channel.findtext(f"{prefix}link") or "", base),
        language=(channel.findtext(f"{prefix}language") or "").strip()[:35],
        wishes=_wishes(channel),
        surplus=max(0, len(items) - MAX_ENTRIES),
    )


def _wishes(channel: etree._Element) -> Wishes:
    return wishes(
        ttl=channel.findtext("ttl") or "",
        period=channel.findtext(f"{{{_SY}}}updatePeriod") or "",
        frequency=channel.findtext(f"{{{_SY}}}updateFrequency") or "",
        hours=tuple(hour.text or "" for hour in channel.iterfind("skipHours/hour")),
        days=tuple(day.text or "" for day in channel.iterfind("skipDays/day")),
    )


def _rss_fields(item: etree._Element) -> Fields:
    return _fields(item, _RSS_FIELDS, _RSS_SPELT)


def _rdf_fields(item: etree._Element) -> Fields:
    found = _fields(item, _RDF_FIELDS, _RDF_SPELT)
    found.setdefault("guid", attribute(item, f"{_RDF}about") or "")
    found["opaque"] = "yes"
    return found


def _fields(item: etree._Element, known: dict[tuple[str, str], str], spelt: _Spelt) -> Fields:
    """Our fields of one item; unsure when one occurs twice, holds markup, or something else is named like it."""
    found: dict[str, str] = {}
    for child in item:
        field = spelt.get(child.tag) or _field(child, known, found)
        if field is None:
            continue
        if field in found or len(child):
            raise Unsure
        text = found[field] = (child.text or "").strip()
        if field in NAMES:
            _check_name(field, text, child, found)
    return found


def _field(child: etree._Element, known: dict[tuple[str, str], str], found: Fields) -> str | None:
    """Which of our fields `child` is, however it is spelt; of what is none, only an attached file is kept."""
    namespace, name = name_of(child)
    field = known.get((namespace, name))
    if field is None:
        must_be_harmless(namespace, name, child)
        if (namespace, name) == ("", "enclosure"):
            keep_file(found, attribute(child, "url"))
    return field


def _check_name(field: str, text: str, child: etree._Element, found: Fields) -> None:
    """Unsure where feedparser makes something else of a link or guid; a guid may say that it is no link."""
    if "<" in text or ">" in text or (field == "link" and child.attrib):
        raise Unsure
    if field == "guid" and (attribute(child, "isPermaLink") or "true") != "true":
        found["opaque"] = "yes"
