"""Well-formed Atom 1.0 (RFC 4287), as far as feedparser understands the same."""

from __future__ import annotations

from lxml import etree

from services.collector.reading import markup
from services.collector.reading.elements import (
    ATOM,
    MEANINGFUL,
    Fields,
    Unsure,
    attribute,
    children,
    keep_file,
    must_be_harmless,
    read_entries,
)
from services.collector.reading.entry import MAX_ENTRIES, MAX_TITLE, Document
from services.collector.reading.marks import Marks
from services.collector.reading.raw import safe_link

_HTML_TYPES = frozenset(("text/html", "application/xhtml+xml", "html", "xhtml"))
_TEXT_TYPES = _HTML_TYPES | {"text", "text/plain", None}
_XHTML_TYPES = frozenset(("xhtml", "application/xhtml+xml"))
_FIELDS = {
    (ATOM, "id"): "guid",
    (ATOM, "title"): "title",
    (ATOM, "summary"): "lede",
    (ATOM, "content"): "text",
    (ATOM, "published"): "published",
    (ATOM, "updated"): "updated",
}


def document(root: etree._Element, base: str, marks: Marks) -> Document:
    """The feed in `root`. Raises Unsure where feedparser might understand something else."""
    elements = [child for child in root if child.tag == f"{{{ATOM}}}entry"]
    nested = len(elements) != sum(1 for _ in root.iter("{*}entry", "{*}item"))
    if nested or any(name == "item" for _, _, name in children(root)):
        raise Unsure
    title = root.find(f"{{{ATOM}}}title")
    entries, unchanged = read_entries(elements, _fields, base, marks)
    return Document(
        entries=entries,
        unchanged=unchanged,
        title=markup.cut(markup.text_of(_markup(title)), MAX_TITLE) if title is not None else "",
        link=safe_link(_link(root), base),
        language=(root.get("{http://www.w3.org/XML/1998/namespace}lang") or "")[:35],
        surplus=max(0, len(elements) - MAX_ENTRIES),
    )


def _fields(entry: etree._Element) -> Fields:
    found: Fields = {}
    for child, namespace, name in children(entry):
        field = _FIELDS.get((namespace, name))
        if field is None:
            if (namespace, name) == (ATOM, "author"):
                found.setdefault("author", _person(child))
            elif (namespace, name) != (ATOM, "link"):
                must_be_harmless(namespace, name, child)
            elif child.tag != f"{{{ATOM}}}link":
                raise Unsure  # in another spelling
            elif child.get("rel") == "enclosure":
                keep_file(found, attribute(child, "href"))
            continue
        if field in found:
            raise Unsure
        found[field] = _markup(child).strip()
    found["link"] = _link(entry)
    return found


def _person(author: etree._Element) -> str:
    """The name of a person construct; unsure where it holds anything but plain values of a person."""
    for child, _, name in children(author):
        if len(child) or (MEANINGFUL.match(name) and child.tag != f"{{{ATOM}}}name"):
            raise Unsure
    return author.findtext(f"{{{ATOM}}}name") or ""


def _markup(element: etree._Element) -> str:
    """The markup that a text construct holds."""
    kind = attribute(element, "type")
    if kind not in _TEXT_TYPES or attribute(element, "src") or attribute(element, "mode"):
        raise Unsure
    if not len(element):
        return element.text or ""
    if kind not in _XHTML_TYPES:
        raise Unsure
    inner = "".join(etree.tostring(child, encoding="unicode") for child in element)
    return (element.text or "") + inner


def _link(element: etree._Element) -> str:
    """The last alternate link that leads to HTML, as feedparser takes it."""
    found = ""
    for child in element:
        if child.tag != f"{{{ATOM}}}link":
            continue
        if child.text and child.text.strip():
            raise Unsure
        rel, kind = attribute(child, "rel", "alternate"), attribute(child, "type", "text/html")
        href = attribute(child, "href")
        if not href:
            raise Unsure
        if rel == "alternate" and kind in _HTML_TYPES:
            found = href
    return found
