"""Text from strangers, made fit to be shown: NFC, one line, no controls, and nothing that a client turns into
a link, a mention or a command by itself. Pure.

A word joiner (U+2060) is invisible and in nobody's URL alphabet (tdlib MessageEntity.cpp,
is_url_unicode_symbol), so it takes `evil.com` its link and leaves it readable.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit

JOINER = "\u2060"
_SPACES = re.compile(r"\s+")
_KEPT_FORMAT = frozenset("\u200c\u200d")  # joiners inside emoji and some scripts

# What clients link without being asked: a dot between letters, an IP address, `://`, `@name`, `#tag`, `/command`.
_AUTO = re.compile(
    r"(?<=[\w-])\.(?=[^\W\d_])"
    r"|(?<=\d)\.(?=\d{1,3}(?:\.\d{1,3}){2})"
    r"|:(?=//)"
    r"|[@](?=\w)"
    r"|(?<!\w)[#$/](?=[^\W\d_]|_|\d)"
)
_URL_BAD = re.compile(r"[\s\x00-\x1f\x7f\"'<>`\\{}|^]")
URL_LIMIT = 2_000


def one_line(text: str, limit: int = 0) -> str:
    """NFC, white space collapsed, control, format, surrogate and private characters gone; cut at a word."""
    kept = unicodedata.normalize("NFC", text).translate(_KEPT)
    line = _SPACES.sub(" ", kept).strip()
    return cut(line, limit) if limit else line


def _visible(c: str) -> bool:
    """White space stays for now; what reorders, hides or breaks text goes."""
    if c.isascii():
        return c.isprintable() or c in "\t\n\r"
    return c in _KEPT_FORMAT or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


class _Kept(dict[int, int | None]):
    """A table for `str.translate` that is filled as characters are met."""

    def __missing__(self, code: int) -> int | None:
        self[code] = kept = code if _visible(chr(code)) else None
        return kept


_KEPT = _Kept()


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, the last an ellipsis when something was cut; not inside a word if it can be."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    space = head.rfind(" ")
    return unicodedata.normalize("NFC", (head[:space] if space > limit // 2 else head).rstrip() + "…")


def inert(text: str) -> str:
    """The same text to the eye, in which no client finds a link, a mention, a tag or a command."""
    return _AUTO.sub(lambda match: match[0] + JOINER, text)


def shown(text: str, limit: int = 0) -> str:
    """`one_line` and `inert`: how every text that comes from a feed enters a message."""
    return inert(one_line(text, limit))


def link(url: str) -> str:
    """The URL if it may stand in an href: http or https, a host, no character that ends an attribute; else ''."""
    url = url.strip()
    if len(url) > URL_LIMIT or _URL_BAD.search(url) or any(not _visible(c) for c in url):
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.hostname and not parts.username else ""
