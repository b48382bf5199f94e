"""An article page read by the selectors of its source: exact, and several times as fast as guessing. Pure."""

from __future__ import annotations

from collections import Counter

from lxml import etree

from services.collector.articles import attachments
from services.collector.articles.metadata import of as metadata_of
from services.collector.articles.page import Page, drop, drop_link_lists, joined, page_of, without_furniture
from services.collector.identity import folded
from services.collector.reading import decode, markup
from services.collector.reading.css import SelectorError, finder
from services.collector.reading.entry import MAX_LEDE, MAX_TEXT, MAX_TITLE
from tinsom.messages import PageSelectors

# Within a body these are no text of it: programs, pictures' captions, forms, and what plays.
_NO_TEXT = frozenset(
    ("script", "style", "noscript", "template", "figcaption", "form", "button", "iframe", "video", "audio", "svg")
)
_MAX_BODIES = 20
# libxml2 ends a page at the first of them, and shows the others as U+FFFD.
_CONTROL = bytes(sign for sign in range(0x20) if sign not in b"\t\n\r")
_MAX_MARKUP = 8 * MAX_TEXT
# Below this share of common words two readers do not speak of the same article.
_AGREEMENT = 0.5
# A shorter text of the other reader proves nothing.
_LEAST_WORDS = 60


def check(selectors: PageSelectors) -> None:
    """Raises SelectorError for the first selector that cannot be read."""
    if not selectors.body.strip():
        raise SelectorError("body: is empty")
    for name in ("body", "title", "lead", "date", "without", "files"):
        if getattr(selectors, name):
            finder(name, getattr(selectors, name))


def parse(body: bytes, content_type: str) -> etree._Element | None:
    """The page as a tree; None where there is none."""
    text = decode.decode(body, content_type).text.encode("utf-8", "replace").translate(None, _CONTROL)
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
    try:
        return etree.fromstring(text, parser)
    except (etree.LxmlError, ValueError):
        return None


def read(tree: etree._Element, selectors: PageSelectors, base: str = "") -> Page | None:
    """What `selectors` find, or None when there is no text where they say; cuts what is no text out of `tree`."""
    try:
        title, lead, date = (_said(tree, name, selectors) for name in ("title", "lead", "date"))
        links = attachments.links(_holding_files(tree, selectors), base)
        text = _text(tree, selectors)
    except (etree.LxmlError, SelectorError):
        return None
    if not text:
        return None
    page = page_of(metadata_of(tree), text)
    title = title or page.title
    return Page(
        title=markup.cut(title, MAX_TITLE),
        text=markup.cut(joined(lead or page.description, without_furniture(text, title)), MAX_TEXT),
        description=markup.cut(lead, MAX_LEDE) or page.description,
        published=date or page.published,
        author=page.author,
        language=page.language,
        canonical=page.canonical,
        links=links,
    )


def agree(ours: Page, theirs: Page) -> bool:
    """Do both readers of one page speak of the same article? Where the other one found little, nobody knows."""
    a, b = Counter(_words(ours.text)), Counter(_words(theirs.text))
    if b.total() < _LEAST_WORDS:
        return True
    return 2 * (a & b).total() >= _AGREEMENT * (a.total() + b.total()) and _alike(ours.title, theirs.title)


def _alike(ours: str, theirs: str) -> bool:
    """Editors word the title for networks otherwise, and sites add their name to it."""
    a, b = set(_words(ours)), set(_words(theirs))
    return not b or len(a & b) >= _AGREEMENT * min(len(a), len(b))


def _words(text: str) -> list[str]:
    return folded(text).split()


def _said(tree: etree._Element, name: str, selectors: PageSelectors) -> str:
    selector = getattr(selectors, name)
    found = finder(name, selector)(tree) if selector else []
    if not found:
        return ""
    return (found[0].get("datetime") or found[0].get("content") or "").strip() or markup.text_of(_markup(found[0]))


def _text(tree: etree._Element, selectors: PageSelectors) -> str:
    """All that `body` finds, each part once, one line for a paragraph."""
    parts = _outermost(finder("body", selectors.body)(tree)[:_MAX_BODIES])
    for part in parts:
        for element in list(part.iter(*_NO_TEXT)):
            drop(element)
        for element in finder("without", selectors.without)(part) if selectors.without else ():
            if element is not part:
                drop(element)
        drop_link_lists(part)
    # Line breaks of the source are spaces of the text; only its blocks make lines.
    return "\n".join(markup.text_of(" ".join(_markup(part).split()), lines=True) for part in parts).strip()


def _holding_files(tree: etree._Element, selectors: PageSelectors) -> list[etree._Element]:
    selector = ("files", selectors.files) if selectors.files else ("body", selectors.body)
    return finder(*selector)(tree)[:_MAX_BODIES]


def _outermost(found: list[etree._Element]) -> list[etree._Element]:
    whole = set(found)
    return [one for one in found if not any(outer in whole for outer in one.iterancestors())]


def _markup(element: etree._Element) -> str:
    return etree.tostring(element, encoding="unicode", with_tail=False)[:_MAX_MARKUP]
