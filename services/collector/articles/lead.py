"""The lead paragraph as it stands on a page, above the body: extractors take it for furniture. Pure."""

from __future__ import annotations

import re

from lxml import etree

from services.collector.reading import markup

# What Vietnamese papers and portals call it in their markup; the editors' own word is *sapo*.
_NAMED = re.compile(
    r"(?:^|[-_])sapo(?:[-_]|$)|^(?:article|detail|news|post|content|entry)[-_]{1,2}(?:lead|summary|description)$"
    r"|^(?:summary|description|chapeau)$",
    re.IGNORECASE,
)
_SHORTEST, _LONGEST = 30, 1_500
_LOOKED_AT = 400


def lead_of(tree: etree._Element) -> str:
    """The first element that is named like a lead, below the page's heading; teasers come further down."""
    heading = next(tree.iter("h1"), None)
    if heading is None:
        return ""
    below, seen = False, 0
    for element in tree.iter("h1", "h2", "h3", "p", "div", "strong"):
        below = below or element is heading
        seen += below
        if seen > _LOOKED_AT:
            return ""
        if below and _is_named(element):
            text = markup.text_of(etree.tostring(element, encoding="unicode", with_tail=False)[: 8 * _LONGEST])
            if _SHORTEST <= len(text) <= _LONGEST:
                return text
    return ""


def _is_named(element: etree._Element) -> bool:
    names = f"{element.get('class') or ''} {element.get('data-role') or ''}".split()
    return any(_NAMED.search(name) for name in names)
