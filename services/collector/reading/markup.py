"""Markup → clean text: NFC, no zero-width signs, no control characters, one kind of space.

Everything is linear in the input: what is fetched is hostile until shown otherwise.
"""

from __future__ import annotations

import re
import unicodedata
from html import unescape

# Zero-width signs and soft hyphens survive NFKC and break every later match (Word and CMS pastes).
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\ufeff\u2060\u00ad"))
_CONTROL = dict.fromkeys([*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F])
# Windows-1252 quotes and dashes that came through as C1 controls (0x80 to 0x9f).
_WINDOWS = {code: bytes([code]).decode("cp1252", "replace").replace("\ufffd", "") for code in range(0x80, 0xA0)}
_DROP = {**_INVISIBLE, **_CONTROL, **_WINDOWS}
_LINE_SPACES = re.compile(r"[^\S\n]+")
_LINES = re.compile(r" ?\n[ \n]*")
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]*)[^<>]*>|<[!?/][^<>]*>")
_BLOCK = re.compile(
    r"(?:address|article|aside|blockquote|br|d[dlt]|div|fig\w+|footer|h[1-6r]|header|li|main|nav|[ou]l|p|pre"
    r"|section|table|t[dhr])$",
    re.IGNORECASE,
)
# Left as text after one unescape they are markup escaped twice, not words.
_ESCAPED_MARKUP = re.compile(r"</?(?:a|b|br|div|em|i|img|p|span|strong|u|ul|li)\b[^<>]*>", re.IGNORECASE)
_HIDDEN = (("<!--", "-->"), ("<script", "</script"), ("<style", "</style"))


def clean(text: str) -> str:
    """One line of plain text."""
    text = " ".join(text.split())
    # Zero-width signs, controls and the like are not printable; nearly every text has none of them.
    if not text.isprintable():
        text = " ".join(text.translate(_DROP).split())
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


def clean_lines(text: str) -> str:
    """Plain text with its line breaks, empty lines left out."""
    return _LINES.sub("\n", _LINE_SPACES.sub(" ", _nfc(text.replace("\r", "\n")))).strip()


def text_of(markup: str, *, lines: bool = False) -> str:
    """The text of an HTML fragment; entities escaped twice are read twice (`Bộ KH&amp;amp;CN`)."""
    if "<" not in markup and "&" not in markup:
        return clean_lines(markup) if lines else clean(markup)
    text = unescape(_without_tags(markup))
    if _ESCAPED_MARKUP.search(text):
        text = _without_tags(text)
    if "&" in text and ";" in text:
        text = unescape(text)
    return clean_lines(text) if lines else clean(text)


def cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[:limit]


def _nfc(text: str) -> str:
    text = text.translate(_DROP)
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


def _without_tags(markup: str) -> str:
    for start, end in _HIDDEN:
        markup = _without(markup, start, end)
    return _TAG.sub(_break, markup)


def _break(match: re.Match[str]) -> str:
    return "\n" if _BLOCK.match(match[2] or "") else ""


def _without(markup: str, start: str, end: str) -> str:
    """Drop what lies between `start` and `end`; a start without an end drops the rest, as browsers do."""
    lowered = markup.lower()
    if start not in lowered or len(lowered) != len(markup):
        return markup
    kept, at = [], 0
    while (begin := lowered.find(start, at)) >= 0:
        kept.append(markup[at:begin])
        stop = lowered.find(end, begin + len(start))
        if stop < 0:
            return "".join(kept)
        at = stop + len(end) if end.endswith(">") else (lowered.find(">", stop) + 1 or len(markup))
    return "".join((*kept, markup[at:]))
