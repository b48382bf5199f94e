"""What names mean to feedparser: read from its own code, so that a newer one brings its own meanings along.

feedparser knows no places: an element means what its name means, wherever it stands. A name that its code nowhere
mentions is *silent*: its element is kept under that name, and nothing else comes of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import CodeType, FunctionType

from feedparser.api import StrictFeedParser
from feedparser.util import FeedParserDict
from lxml import etree

# Kept by feedparser under their names, without a word in its code, and read by us from there.
_OURS = frozenset(("ttl", "sy_updateperiod", "sy_updatefrequency", "publishers"))
_HANDLER = re.compile(r"_(?:start|end)_(\w+)")
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
# In well-formed XML each declaration looks like this; so may text, and then it is held against the document.
_XMLNS = b"xmlns"
_DECLARED = re.compile(rb"""xmlns([^\s=<>"']*)\s*=\s*(["'])([^<]*?)\2""")
_PREFIX = re.compile(r":[A-Za-z][A-Za-z0-9_.-]*")
_ADDRESS = re.compile(r"[!-~]+")
# Any address with this in it is RSS for feedparser.
_USERLAND = "backend.userland.com/rss"


class Unsure(Exception):
    """This document is feedparser's."""


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple | frozenset):
        for part in value:
            yield from _strings(part)
    elif isinstance(value, CodeType):
        yield from _strings(value.co_consts)


def words_of(parser: type) -> Iterator[str]:
    """Names of a parser's handlers, and every string in its code."""
    for cls in parser.__mro__:
        for name, value in vars(cls).items():
            function = getattr(value, "__func__", value)
            if isinstance(function, FunctionType):
                yield from _HANDLER.findall(name)
                yield from _strings(function.__code__)


def _all_words() -> Iterator[str]:
    """And those of the dictionary that it fills."""
    yield from words_of(StrictFeedParser)
    yield from words_of(FeedParserDict)
    for name, others in FeedParserDict.keymap.items():
        yield from (name, *([others] if isinstance(others, str) else others))


_PARTS = (part for word in _all_words() for part in word.split(":"))
# One letter is a sign of the text that is looked for, and no name.
WORDS = frozenset(part.lower() for part in _PARTS if len(part) > 1 and _NAME.fullmatch(part)) | _OURS
"""Names of elements and attributes that may mean something to feedparser, in small letters."""

NAMESPACES = {uri.lower(): prefix.lower() for uri, prefix in StrictFeedParser.namespaces.items()}
"""Addresses of the vocabularies that feedparser knows, in small letters → its prefixes for them."""

_PREFIXES = frozenset(NAMESPACES.values())
_SPEAKING = frozenset(word.partition("_")[0] for word in WORDS)


def name_of(element: etree._Element) -> str:
    """Its name for feedparser: prefix, underscore, name; nothing, of a vocabulary that is unknown to feedparser.

    Raises Unsure where the name is none for every parser, or hangs on more than the element.
    """
    tag = element.tag
    if not isinstance(tag, str):
        raise Unsure
    namespace, _, local = tag[1:].partition("}") if tag[0] == "{" else ("", "", tag)
    if not _NAME.fullmatch(local):
        raise Unsure
    prefix = NAMESPACES.get(namespace.lower()) if namespace else ""
    if prefix is None:
        # Without a prefix it is an element of RSS for feedparser, or has one that its namespace has elsewhere.
        if element.prefix is None and not is_silent(local.lower()):
            raise Unsure
        return ""
    return f"{prefix}_{local}".lower() if prefix else local.lower()


def is_silent(name: str) -> bool:
    """Does nothing come of an element of this name, but a value under it?"""
    return name not in WORDS and name.partition("_")[0] not in WORDS


def is_silent_attribute(name: str) -> bool:
    """Does nothing come of an attribute of this name, on whichever element of a channel?"""
    if name == _LANGUAGE:
        return True  # whose language a text is, we do not ask
    local = name.rpartition("}")[2]
    return bool(_NAME.fullmatch(local)) and local.lower() not in WORDS


def must_be_plain_prefixes(raw: bytes) -> None:
    """Unsure where a prefix, which feedparser goes by, might stand for another vocabulary than its namespace."""
    known: dict[str, str] = {}
    at = raw.find(_XMLNS)
    while at >= 0:
        found = _DECLARED.match(raw, at)
        if found is not None and found[1]:
            prefix, address = found[1].decode("utf-8", "replace"), found[3].decode("utf-8", "replace")
            if not _PREFIX.fullmatch(prefix) or not _ADDRESS.fullmatch(address):
                raise Unsure
            _must_be_plain(prefix[1:].lower(), address, known)
        at = raw.find(_XMLNS, at + len(_XMLNS))


def _must_be_plain(prefix: str, address: str, known: dict[str, str]) -> None:
    """One address for a prefix; a prefix that feedparser knows only for what it stands for there."""
    standard = NAMESPACES.get(address.lower())
    if known.setdefault(prefix, address) != address or prefix in ("xml", "xmlns") or standard == "xml":
        raise Unsure
    if standard is None:
        if prefix in _SPEAKING or "&" in address or _USERLAND in address.lower():
            raise Unsure
    elif prefix != standard and prefix in _PREFIXES:
        raise Unsure
