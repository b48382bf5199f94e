"""What may stand where in a document that is read fast: all of it is named here, and the rest is feedparser's.

Names are feedparser's (`vocabulary.name_of`). Fields are read; what is opaque, feedparser makes of it nothing that
we keep; silent elements may stand anywhere but in pictures and search forms, whose parts feedparser tells from the
feed's own by what comes between.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree

from services.collector.reading.vocabulary import NAMESPACES, Unsure, is_silent, is_silent_attribute, name_of

ATOM, RSS1 = "http://www.w3.org/2005/Atom", "http://purl.org/rss/1.0/"
XML = "{http://www.w3.org/XML/1998/namespace}"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"


@dataclass(frozen=True, slots=True)
class Place:
    """What may stand in an element beside its fields: opaque names, and what some of them hold."""

    opaque: frozenset[str]
    nests: Mapping[str, frozenset[str]]


def _set(names: str) -> frozenset[str]:
    return frozenset(names.split())


_NONE = _set("")
_MEDIA = _set(
    "media_category media_content media_credit media_group media_keywords media_license media_player media_rating"
    " media_restriction media_thumbnail"
)
_ANYWHERE = _MEDIA | _set(
    "category copyright image keywords rating rights source tags"
    " cc_license creativecommons_license dc_contributor dc_publisher dc_rights dc_subject"
    " georss_box georss_line georss_point georss_polygon"
    " itunes_block itunes_category itunes_explicit itunes_image itunes_keywords"
)
_NESTS = {
    "media_group": _MEDIA,
    "media_content": _MEDIA,
    "itunes_category": _set("itunes_category"),
    "cc_license": _NONE,
}
_PERSON = _set("name email uri url homepage")
_OF_CHANNELS = _set(
    "author cloud created description expirationdate generator info issued items lastbuilddate managingeditor"
    " modified pubdate published subtitle tagline textinput updated webmaster"
    " dc_author dc_creator dc_date dcterms_created dcterms_issued dcterms_modified dcterms_valid"
    " feedburner_browserfriendly itunes_author itunes_owner itunes_subtitle itunes_summary xhtml_meta"
)
_CHANNEL_NESTS = {
    **_NESTS,
    "image": _set("description height link title url width"),
    "textinput": _set("description link name title"),
    "items": _set("rdf_bag rdf_seq"),
    "rdf_bag": _set("rdf_li"),
    "rdf_seq": _set("rdf_li"),
    "itunes_owner": _set("itunes_email itunes_name"),
}
_STRICT = _set("image textinput")

ITEM = Place(_ANYWHERE | {"dc_language"}, _NESTS)
ENTRY = Place(ITEM.opaque | {"contributor"}, {**_NESTS, "contributor": _PERSON})
CHANNEL = Place(_ANYWHERE | _OF_CHANNELS, _CHANNEL_NESTS)
FEED = Place(CHANNEL.opaque | {"contributor"}, {**_CHANNEL_NESTS, "author": _PERSON, "contributor": _PERSON})
ROOT = Place(_set("cc_license image textinput"), _CHANNEL_NESTS)

# Attributes that a handler of something opaque may read: what it makes of them stays with it. Never `base`.
LOOSE = _set(
    "about content domain email height href id isPermaLink label lang language length link medium name rel"
    " resource scheme source src term text title type uri url value version width"
) | {f"{RDF}about", f"{RDF}resource"}

_SPELT = {
    "": "author category channel comments copyright description docs enclosure generator guid image item language"
    " lastBuildDate link managingEditor pubDate source title ttl webMaster url width height",
    RSS1: "channel description image item items link title url",
    ATOM: "author category content contributor email entry feed generator id link name published rights subtitle"
    " summary title updated uri",
    "http://purl.org/dc/elements/1.1/": "creator date language publisher rights subject",
    "http://purl.org/rss/1.0/modules/content/": "encoded",
    "http://purl.org/rss/1.0/modules/slash/": "comments",
    "http://purl.org/rss/1.0/modules/syndication/": "updateBase updateFrequency updatePeriod",
    "http://search.yahoo.com/mrss/": "content credit group rating thumbnail",
    "http://wellformedweb.org/CommentAPI/": "commentRss comment",
    RDF[1:-1]: "Seq li",
}
_NAMES: dict[object, str] = {
    (f"{{{space}}}{name}" if space else name): "_".join(filter(None, (NAMESPACES[space.lower()], name.lower())))
    for space, names in _SPELT.items()
    for name in names.split()
}


def name_at(element: etree._Element) -> str:
    """As `vocabulary.name_of`, at once where an element is spelt as its format has it."""
    return _NAMES.get(element.tag) or name_of(element)


def must_be_opaque(element: etree._Element, name: str, place: Place) -> None:
    """Unsure where an element that we do not keep, or one inside it, is not of this place."""
    _must_be_among(element, name, place.opaque, place.nests)


def _must_be_among(
    element: etree._Element, name: str, opaque: frozenset[str], nests: Mapping[str, frozenset[str]]
) -> None:
    must_have(element, LOOSE)
    if name not in opaque and not is_silent(name):
        raise Unsure
    if not len(element):
        return
    if name in opaque and name not in nests:
        raise Unsure
    for child in element:
        inner = name_at(child)
        if name in _STRICT and inner not in nests[name]:
            raise Unsure
        _must_be_among(child, inner, nests.get(name, _NONE), nests)


def must_have(element: etree._Element, known: frozenset[str]) -> None:
    """Unsure where an attribute is neither known nor silent."""
    names = element.keys()
    if names and not known.issuperset(names) and not all(map(is_silent_attribute, set(names) - known)):
        raise Unsure
