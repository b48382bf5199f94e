"""An article page as the collector understands it, and what of it belongs into an item. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.collector import markup
from services.collector.identity import folded

_ELLIPSIS = re.compile(r"\s*(?:\.\.\.|…)\s*$")
# A description shorter than this is a slogan; longer than a lead it is the article itself.
_SHORTEST_LEAD, _LONGEST_LEAD = 30, 1_500
_COMPARED = 60
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
