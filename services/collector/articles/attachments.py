"""Which links of a page are its attachments, and how their text stands in the item's. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from lxml import etree

from services.collector.reading.raw import documents_among, is_document
from tinsom.messages import Attachment

_OUTSIDE = frozenset(("header", "footer", "nav", "aside"))
_FURNITURE = re.compile(r"relat|lien-?quan|sidebar|menu|banner|footer|header|quang-?cao|widget", re.IGNORECASE)
_MARK, _END = "\n[Tệp đính kèm: ", "]\n"


@dataclass(frozen=True, slots=True)
class Attached:
    attachment: Attachment
    text: str = ""


def links(parts: Iterable[etree._Element], base: str) -> tuple[str, ...]:
    """Addresses of the PDF and DOCX that `parts` of a page link to, in order, each once."""
    return documents_among((link.get("href") or "" for part in parts for link in part.iter("a")), base)


def links_beside_furniture(page: etree._Element, base: str) -> tuple[str, ...]:
    """As `links`, for a page of which nobody knows where its article is."""
    # Of hundreds of links few are named like documents: only of these it matters where they stand.
    named = (link for link in page.iter("a") if is_document(link.get("href") or ""))
    return documents_among((link.get("href") or "" for link in named if not _is_furniture(link)), base)


def _is_furniture(link: etree._Element) -> bool:
    return any(
        one.tag in _OUTSIDE or _FURNITURE.search(f"{one.get('class') or ''} {one.get('id') or ''}")
        for one in link.iterancestors()
        if one.tag not in ("body", "html")
    )


def name_of(url: str) -> str:
    """What a reader calls it: the last part of its address."""
    return unquote(urlsplit(url).path).rpartition("/")[2][:100].replace("]", ")") or "tệp"


def with_attached(text: str, attached: Sequence[Attached]) -> str:
    """The item's own text, then each attachment's under its name."""
    parts = [f"{_MARK}{name_of(one.attachment.url)}{_END}{one.text}" for one in attached if one.text]
    return (text + "".join(parts)).strip("\n")


def own_text(text: str) -> str:
    """Without what came from attachments."""
    return f"\n{text}".partition(_MARK)[0].removeprefix("\n")
