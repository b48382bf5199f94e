"""The bytes of a PDF or DOCX → its text. The only module that knows pypdf; run in a pool: both formats can hurt.

A PDF that holds pictures of pages is a scan: what little text it has is a signature's stamp, and is left out.
"""

from __future__ import annotations

import io
import logging
import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lxml import etree

from services.collector.reading import markup
from tinsom.messages import AttachmentOutcome

if TYPE_CHECKING:
    from pypdf import PageObject

MAX_PAGES, MAX_CHARACTERS = 60, 100_000
MAX_PARTS, MAX_XML = 5_000, 20_000_000
# Fewer letters on an average page are a stamp (who signed when) on a picture.
_SCAN_LETTERS = 200
_PDF, _ZIP = b"%PDF-", b"PK\x03\x04"
_LOOK = 1_024
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_PAGE_NUMBER = re.compile(r"\s*(?:-|–|trang|page)?\s*\d{1,4}\s*(?:/\s*\d{1,4})?\s*(?:-|–)?\s*", re.IGNORECASE)
_ENDS = (".", ";", ":", "!", "?", "…", ".”", '."', "./.")
# A line this much shorter than the longest ends because its paragraph does.
_WRAPPED = 0.7


@dataclass(frozen=True, slots=True)
class Paper:
    outcome: AttachmentOutcome
    kind: str = ""
    text: str = ""
    pages: int = 0
    cut: bool = False


def kind_of(body: bytes) -> str:
    """`pdf`, `docx` or nothing, by what the bytes begin with; names and types lie."""
    if _PDF in body[:_LOOK]:
        return "pdf"
    return "docx" if body.startswith(_ZIP) else ""


def read(body: bytes) -> Paper:
    """Never raises for what a document is; a memory or time that runs out ends the worker's work from outside."""
    kind = kind_of(body)
    if not kind:
        return Paper("other_format")
    try:
        return _pdf(body) if kind == "pdf" else _docx(body)
    except MemoryError:
        return Paper("too_big", kind)
    except Exception:  # both formats make their readers raise anything
        return Paper("broken", kind)


def _pdf(body: bytes) -> Paper:
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, FileNotDecryptedError, LimitReachedError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = PdfReader(io.BytesIO(body))
        if reader.is_encrypted and not reader.decrypt(""):
            return Paper("encrypted", "pdf")
        count, parts = len(reader.pages), _texts(reader.pages[:MAX_PAGES])
    except (DependencyError, FileNotDecryptedError):
        return Paper("encrypted", "pdf")
    except LimitReachedError:
        return Paper("too_big", "pdf")
    text = "\n".join(part for part in parts if part)
    letters = sum(map(str.isalpha, text))
    if count and letters < _SCAN_LETTERS * len(parts):
        return Paper("scanned", "pdf", pages=count)
    return _paper("pdf", text, count, len(parts) < count)


def _texts(pages: Iterable[PageObject]) -> list[str]:
    """Of each page, until there is enough."""
    parts: list[str] = []
    for page in pages:
        parts.append(unwrapped(page.extract_text()))
        if sum(map(len, parts)) > MAX_CHARACTERS:
            break
    return parts


def _docx(body: bytes) -> Paper:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        if len(archive.infolist()) > MAX_PARTS:
            return Paper("too_big", "docx")
        if "word/document.xml" not in archive.namelist():
            return Paper("other_format")
        with archive.open("word/document.xml") as part:
            xml = part.read(MAX_XML + 1)
    if len(xml) > MAX_XML:
        return Paper("too_big", "docx")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    paragraphs = etree.fromstring(xml, parser).iter(_WORD + "p")
    return _paper("docx", markup.clean_lines("\n".join(map(_paragraph, paragraphs))), 0, False)


def _paragraph(paragraph: etree._Element) -> str:
    """Its runs; what was deleted with changes tracked is in other elements."""
    parts = []
    for element in paragraph.iter(_WORD + "t", _WORD + "tab", _WORD + "br"):
        # The paragraphs of a text box come by themselves; what stands behind the box is this one's.
        if next(element.iterancestors(_WORD + "p")) is paragraph:
            parts.append((element.text or "") if element.tag == _WORD + "t" else " ")
    return "".join(parts)


def _paper(kind: str, text: str, pages: int, cut: bool) -> Paper:
    if not text.strip():
        return Paper("empty", kind, pages=pages)
    return Paper("ok", kind, text[:MAX_CHARACTERS], pages, cut or len(text) > MAX_CHARACTERS)


def unwrapped(text: str) -> str:
    """A page's lines as paragraphs: a line that is full and ends no sentence goes on in the next."""
    lines = [line for line in markup.clean_lines(text).split("\n") if not _PAGE_NUMBER.fullmatch(line)]
    full = _WRAPPED * max(map(len, lines), default=0)
    paragraphs: list[str] = []
    open_ended = False
    for line in lines:
        if open_ended:
            paragraphs[-1] += " " + line
        else:
            paragraphs.append(line)
        open_ended = len(line) >= full and not line.endswith(_ENDS)
    return "\n".join(paragraphs)
