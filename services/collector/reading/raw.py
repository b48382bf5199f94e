"""Raw values of any reader → an `Entry`: one meaning for all of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urldefrag, urljoin, urlsplit

from services.collector.reading import markup
from services.collector.reading.entry import MAX_ID, MAX_LEDE, MAX_TEXT, MAX_TITLE, Entry

_TITLE_OF_LEDE = 100
_DOCUMENT = re.compile(r"\.(?:pdf|docx)(?:$|[?#&])", re.IGNORECASE)
MAX_FILES = 5  # of one entry or page


def build_entry(
    *,
    guid: str,
    link: str,
    title: str,
    lede: str,
    text: str,
    author: str,
    date: str,
    position: int,
    base: str,
    files: Iterable[str] = (),
) -> Entry:
    """Raw values, as markup, → an entry; shared by every reader, so that all of them mean the same by it."""
    clean_lede = _lede(lede) or _lede(text)  # a summary of nothing but spaces is none
    clean_text = markup.cut(markup.text_of(_read_once(text[: 4 * MAX_TEXT]), lines=True), MAX_TEXT)
    return Entry(
        guid=markup.cut(markup.clean(guid), MAX_ID),
        link=safe_link(link, base),
        title=_title(_read_once(title), clean_lede or clean_text),
        lede=clean_lede,
        text="" if markup.clean(clean_text) == clean_lede else clean_text,
        author=markup.cut(markup.text_of(author), 200),
        date=markup.cut(markup.text_of(date), 200),
        position=position,
        files=documents_among(files, base),
    )


def _lede(words: str) -> str:
    return markup.cut(markup.text_of(_read_once(words[:MAX_TEXT])), MAX_LEDE)


def is_document(url: str) -> bool:
    """Does the address, or a name in its query, end like a PDF or DOCX?"""
    return bool(_DOCUMENT.search(url))


def documents_among(links: Iterable[str], base: str) -> tuple[str, ...]:
    """The addresses of documents among `links`, in order, each once."""
    named = (safe_link(urldefrag(link).url, base) for link in links if is_document(link))
    return tuple(dict.fromkeys(filter(None, named)))[:MAX_FILES]


def safe_link(link: str, base: str) -> str:
    """An absolute http(s) address without line breaks, or nothing; what leads back to the feed leads nowhere."""
    try:
        joined = urljoin(base, "".join(link.split()))
        parts = urlsplit(joined)
        usable = parts.scheme in ("http", "https") and parts.hostname and len(joined) <= MAX_ID
    except ValueError:
        return ""
    return joined if usable and joined != base and link.strip() else ""


def _read_once(text: str) -> str:
    """UTF-8 that somebody upstream read as Latin-1 and encoded again, put right."""
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _title(title: str, otherwise: str) -> str:
    clean = markup.cut(markup.text_of(title), MAX_TITLE)
    if clean or not otherwise:
        return clean
    first = otherwise.partition("\n")[0]
    return first if len(first) <= _TITLE_OF_LEDE else first[:_TITLE_OF_LEDE].rsplit(" ", 1)[0] + " …"
