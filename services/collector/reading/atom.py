"""Well-formed Atom 1.0 (RFC 4287), as far as feedparser understands the same."""

from __future__ import annotations

from xml.sax.saxutils import escape

from lxml import etree

from services.collector.reading import markup
from services.collector.reading.elements import Fields, keep_file, plain, read_entries
from services.collector.reading.entry import MAX_ENTRIES, MAX_TITLE, Document
from services.collector.reading.marks import Marks
from services.collector.reading.places import ATOM, ENTRY, FEED, XML, must_be_opaque, must_have, name_at
from services.collector.reading.raw import safe_link
from services.collector.reading.vocabulary import Unsure

_XHTML = "http://www.w3.org/1999/xhtml"
_HTML_TYPES = frozenset(("text/html", "application/xhtml+xml", "html", "xhtml"))
_TEXT_TYPES = _HTML_TYPES | {"text", "text/plain", None}
_XHTML_TYPES = frozenset(("xhtml", "application/xhtml+xml"))
_FIELDS = {
    "id": "guid",
    "title": "title",
    "summary": "lede",
    "content": "text",
    "published": "published",
    "updated": "updated",
}
_TEXTS = frozenset(("title", "summary", "content"))
# What may stand in text as elements, not as escaped markup. feedparser asks its handlers there too, at each end.
MARKUP = (
    "a abbr acronym address article aside b big blockquote br caption center cite code col colgroup dd del dfn div"
    " dl dt em figcaption figure font h1 h2 h3 h4 h5 h6 header hr i iframe img ins kbd li main mark nav ol p pre q"
    " s samp section small span strike strong sub sup table tbody td tfoot th thead time tr tt u ul var"
)
_MARKUP_TAGS: frozenset[object] = frozenset(
    space + name for space in (f"{{{_XHTML}}}", f"{{{ATOM}}}", "") for name in MARKUP.split()
)
_NONE: frozenset[str] = frozenset()
_TYPED = frozenset(("type",))
_LINK = frozenset(("href", "hreflang", "length", "rel", "title", "type")) | {
    "{http://purl.org/syndication/thread/1.0}updated"
}
# Of markup any, as text; `base` alone would move the addresses of all that follows.
_WRITTEN = (
    "about alt author border class cite color content height href id lang language name rel source src start style"
    " target term text title type url value version width"
)
ATTRIBUTES = frozenset(_WRITTEN.split())


def document(root: etree._Element, base: str, marks: Marks) -> Document:
    """The feed in `root`. Raises Unsure where feedparser might understand something else."""
    must_have(root, _NONE)
    entries: list[etree._Element] = []
    others: list[etree._Element] = []
    for child in root:
        (entries if child.tag == f"{{{ATOM}}}entry" else others).append(child)
    found = _feed(others)
    read, unchanged = read_entries(entries, _fields, base, marks)
    return Document(
        entries=read,
        unchanged=unchanged,
        title=markup.cut(markup.text_of(found.get("title", "")), MAX_TITLE),
        link=safe_link(found["link"] or found.get("guid", ""), base),
        language=root.get(f"{XML}lang", "").replace("_", "-")[:35],
        surplus=max(0, len(entries) - MAX_ENTRIES),
    )


def _feed(children: list[etree._Element]) -> Fields:
    """What we read of the feed itself."""
    found: Fields = {"link": ""}
    for child in children:
        name = name_at(child)
        if name == "link":
            found["link"] = _link(child) or found["link"]
        elif name == "title":
            _keep(found, name, _markup(child))
        elif name in ("subtitle", "rights"):
            _markup(child)
        elif name == "id":
            _keep(found, "guid", _leaf(child))
        else:
            must_be_opaque(child, name, FEED)
    plain(found.get("title", "") + found["link"] + found.get("guid", ""))
    return found


def _fields(entry: etree._Element) -> Fields:
    must_have(entry, _NONE)
    found: Fields = {"link": ""}
    people: list[etree._Element] = []
    for child in entry:
        name = name_at(child)
        if name in _FIELDS:
            _keep(found, _FIELDS[name], _markup(child) if name in _TEXTS else _leaf(child))
        elif name == "link":
            found["link"] = _link(child) or found["link"]
            if child.get("rel", "").lower() == "enclosure":
                keep_file(found, child.get("href"))
        elif name == "author":
            people.append(child)
        else:
            must_be_opaque(child, name, ENTRY)
    found["author"] = _author(people)
    return found


def _keep(found: Fields, field: str, value: str) -> None:
    if field in found:
        raise Unsure
    found[field] = value.strip()


def _leaf(element: etree._Element) -> str:
    must_have(element, _NONE)
    if len(element):
        raise Unsure
    return element.text or ""


def _author(people: list[etree._Element]) -> str:
    """The last author, as feedparser has it; it mixes up several that are more than names."""
    names = [_person(person) for person in people]
    if len(names) > 1 and any(mail or not name for name, mail in names):
        raise Unsure
    if not names:
        return ""
    name, mail = names[-1]
    return name or mail


def _person(author: etree._Element) -> tuple[str, str]:
    """Name and mail of a person construct; unsure where it holds one of them twice, or words of its own."""
    must_be_opaque(author, "author", FEED)
    found: Fields = {}
    for child in author:
        name = name_at(child)
        if name in ("name", "email"):
            _keep(found, name, child.text or "")
    if any(text.strip() for text in (author.text or "", *(child.tail or "" for child in author))):
        raise Unsure
    return found.get("name", ""), found.get("email", "")


def _markup(element: etree._Element) -> str:
    """The markup that a text construct holds."""
    must_have(element, _TYPED)
    kind = element.get("type")
    if kind not in _TEXT_TYPES:
        raise Unsure
    if kind not in _XHTML_TYPES:
        if len(element):
            raise Unsure
        return element.text or ""
    for inner in element.iterdescendants():
        if inner.tag not in _MARKUP_TAGS or inner.prefix is not None:
            raise Unsure
        must_have(inner, ATTRIBUTES)
    inside = "".join(etree.tostring(child, encoding="unicode") for child in element)
    return escape(element.text or "") + inside


def _link(link: etree._Element) -> str:
    """Where an alternate link leads that leads to HTML; feedparser takes the last of these."""
    must_have(link, _LINK)
    href = link.get("href")
    if not href or len(link) or (link.text or "").strip():
        raise Unsure
    rel, kind = link.get("rel", "alternate").lower(), link.get("type", "text/html").lower()
    return href if rel == "alternate" and kind in _HTML_TYPES else ""
