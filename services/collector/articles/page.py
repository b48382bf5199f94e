"""An article page as the collector understands it, and what of it belongs into an item. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from lxml import etree

from services.collector.articles.attachments import Attached
from services.collector.identity import folded
from services.collector.reading import markup
from services.collector.reading.entry import MAX_LEDE, MAX_TEXT, MAX_TITLE
from services.collector.reading.raw import MAX_FILES
from services.collector.web.response import Outcome
from tinsom.messages import PageSelectors

_ELLIPSIS = re.compile(r"\s*(?:\.\.\.|…)\s*$")
# A description shorter than this is a slogan; longer than a lead it is the article itself.
_SHORTEST_LEAD, _LONGEST_LEAD = 30, 1_500
_COMPARED = 60
_LEAST_LINKS, _LINK_SHARE = 2, 0.85
_VIETNAMESE = re.compile("[ăđơưạ-ỹ]", re.IGNORECASE)
_FURNITURE = re.compile(
    r"^\W*(?:tải ứng dụng|tin liên quan|bài liên quan|xem thêm|đọc thêm|chia sẻ|bình luận|từ khóa"
    r"|theo dõi .{0,40} trên google news|báo điện tử chính phủ)\W*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Page:
    """Times are raw, as the page writes them; `text` has the lead paragraph first."""

    title: str = ""
    text: str = ""
    description: str = ""
    published: str = ""
    author: str = ""
    language: str = ""
    canonical: str = ""
    links: tuple[str, ...] = ()  # to attachments, in the article
    attached: tuple[Attached, ...] = ()  # what was read of them
    itself: bool = False  # no page but a document, the first of `attached`


PageOutcome = (
    Outcome
    | Literal[
        "missing",  # 404
        "not_html",
        "no_text",  # a page, and nothing in it that reads like an article
        "fault",  # no reader survived it
    ]
)


@dataclass(frozen=True, slots=True)
class PageWish:
    """How a page is to be read. `sampled`: what `selectors` find is tested against another reader."""

    selectors: PageSelectors | None = None
    sampled: bool = False
    attachments: bool = False
    files: tuple[str, ...] = ()  # attachments that the feed names


@dataclass(frozen=True, slots=True)
class PageLook:
    """What came of one look at a page; `layout` comes with a page, read in spite of its source's selectors."""

    outcome: PageOutcome
    page: Page | None = None


def files_of(page: Page, named: Sequence[str] = ()) -> tuple[str, ...]:
    """The addresses of the documents that come with it, those that the feed `named` first."""
    return tuple(dict.fromkeys((*named, *page.links)))[:MAX_FILES]


def without_furniture(text: str, title: str) -> str:
    """The text without its title at the head and without what pages print around every article."""
    name = folded(title)
    lines = [line for line in text.split("\n") if not _FURNITURE.match(line)]
    while lines and name and folded(lines[0]) == name:
        lines.pop(0)
    return "\n".join(lines)


def joined(description: str, text: str) -> str:
    """The text with its lead: extractors drop it from most Vietnamese pages, and it carries the news.

    A description that the text already holds, or that is cut off and begins a paragraph of it, adds nothing.
    """
    lead = markup.clean(description)
    if not _SHORTEST_LEAD <= len(lead) <= _LONGEST_LEAD:
        return text
    words = folded(_ELLIPSIS.sub("", lead))
    return text if words[:_COMPARED] in folded(text) else f"{lead}\n{text}".strip()


def page_of(said: Mapping[str, str], text: str, links: tuple[str, ...] = (), lead: str = "") -> Page:
    """What a page says of itself (`metadata.of`) with the text found in it; the lead goes first.

    `lead`: as it stands on the page, where it was found; else the description is one on most pages.
    """
    title = markup.cut(markup.text_of(said.get("title", "")), MAX_TITLE)
    description = markup.cut(markup.text_of(said.get("description", "")), MAX_LEDE)
    text = without_furniture(text, title)
    language = said.get("language", "")[:35]
    if not lead and _is_lead(description, language):
        lead = description
    return Page(
        title=title,
        text=markup.cut(joined(lead, text), MAX_TEXT),
        description=description,
        published=markup.clean(said.get("published", ""))[:100],
        author=_person(markup.text_of(said.get("author", ""))),
        language=language,
        canonical=said.get("canonical", "")[:2_000],
        links=links,
    )


def _is_lead(description: str, language: str) -> bool:
    """Is the description the article's lead? Vietnamese papers make it so; English ones rarely show it."""
    return language == "vi" or (not language and bool(_VIETNAMESE.search(description)))


def _person(author: str) -> str:
    """An author's name; many pages give the address of their Facebook page instead."""
    return "" if "://" in author else author[:200]


def drop_link_lists(tree: etree._Element) -> None:
    """Lists of nothing but links are related articles: other stories, with other stories' agencies and places."""
    for block in list(tree.iter("ul", "ol")):
        links = list(block.iter("a"))
        whole = _signs(block)
        mostly = len(links) >= _LEAST_LINKS and sum(map(_signs, links)) >= _LINK_SHARE * whole
        if whole and mostly:
            drop(block)


def drop(element: etree._Element) -> None:
    """Take an element out and leave the text behind it."""
    parent = element.getparent()
    if parent is None:
        return
    before = element.getprevious()
    if element.tail and before is not None:
        before.tail = (before.tail or "") + element.tail
    elif element.tail:
        parent.text = (parent.text or "") + element.tail
    parent.remove(element)


def _signs(element: etree._Element) -> int:
    """How much text an element holds, spaces not counted."""
    return sum(len("".join(part.split())) for part in element.itertext())
