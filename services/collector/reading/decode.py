"""Bytes → text, by us and before any parser: one cut character must not turn a feed into mojibake.

feedparser leaves UTF-8 for iso-8859-2 at the first bad byte, even with `charset=utf-8` in the header; and
some portals say windows-1258 over bytes that are UTF-8. So: what is UTF-8 is UTF-8, whatever it says.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from charset_normalizer import from_bytes

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")
_META = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?([A-Za-z0-9._:-]{1,40})""", re.IGNORECASE)
_HEADER = re.compile(r"""charset\s*=\s*["']?([A-Za-z0-9._:-]{1,40})""", re.IGNORECASE)
# Codecs of texts; the rest (idna, punycode, unicode_escape …) are traps, some of them quadratic.
_TEXT_CODECS = re.compile(
    r"^(utf|cp\d|iso8859|latin|ascii|koi8|gb|hz|big5|shift_jis|euc|iso2022|johab|mac|tis|ptcp|hp_roman)"
)
# Up to this share of broken sequences it is still damaged UTF-8. Of another encoding nearly all are broken.
_DAMAGE = 0.25
_SAMPLE = 65_536
# XML 1.0 knows no such characters; parsers reject the whole feed for one.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_XML_HEAD = re.compile(r"^\s*<\?xml[^>]{0,400}\?>")
_ASCII_HEAD = re.compile(rb"<\?xml[ -=?-~]{0,400}\?>")
_CONTROLS = bytes((*range(9), 0x0B, 0x0C, *range(0x0E, 0x20)))
_SPACES = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class Decoded:
    text: str
    encoding: str
    damaged: bool = False  # some bytes could not be read and became U+FFFD


def decode(body: bytes, content_type: str = "") -> Decoded:
    """Read `body` by BOM, then as UTF-8 if it is, then as declared (HTTP, XML, HTML), then by detection."""
    for bom, encoding in _BOMS:
        if body.startswith(bom):
            return _read(body, encoding)
    wide = _wide_without_bom(body)
    if wide:
        return _read(body, wide)
    try:
        return Decoded(body.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        return _not_quite_utf8(body, content_type)


def xml_text(text: str) -> str:
    """Decoded text as a parser takes it: no encoding left to believe, no character that XML forbids."""
    text = _ILLEGAL.sub("", text.lstrip("\ufeff \t\r\n"))
    return _XML_HEAD.sub("", text, count=1).lstrip()


def plain_xml(body: bytes) -> bytes | None:
    """What `xml_text` makes of `body`, without making it: most documents are clean UTF-8 and need no change.

    None where it takes a second look.
    """
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if len(body.translate(None, _CONTROLS)) != len(body) or b"\xef\xbf\xbe" in body or b"\xef\xbf\xbf" in body:
        return None
    rest = body.removeprefix(codecs.BOM_UTF8).lstrip(_SPACES)
    head = _ASCII_HEAD.match(rest)
    if head is not None:
        rest = rest[head.end() :].lstrip(_SPACES)
    return rest if rest[:1] in (b"<", b"{") and (head is not None or rest[:5] != b"<?xml") else None


def declared(body: bytes, content_type: str = "") -> list[str]:
    """Names of text codecs that the document claims, strongest first."""
    head = body[:2048]
    found = [m[1] for m in [_HEADER.search(content_type)] if m]
    found += [m[1].decode("ascii") for m in (_DECLARED.search(head), _META.search(head)) if m]
    return [name for name in map(_codec, found) if name]


def _not_quite_utf8(body: bytes, content_type: str) -> Decoded:
    names = declared(body, content_type)
    if _damage(body) <= _DAMAGE:
        return _read(body, "utf-8")
    for name in names:
        if not name.startswith("utf"):
            return _read(body, name)
    best = from_bytes(body[:_SAMPLE]).best()
    return _read(body, _codec(best.encoding) if best else "utf-8")


def _damage(body: bytes) -> float:
    """Share of the non-ASCII sequences that are not UTF-8."""
    sample = body[:_SAMPLE].decode("utf-8", "replace")
    signs = sum(1 for sign in sample if sign > "\x7f")
    return sample.count("\ufffd") / signs if signs else 0.0


def _wide_without_bom(body: bytes) -> str:
    if body[:4] in (b"\x00<\x00?", b"\x00<\x00r", b"\x00<\x00f"):
        return "utf-16-be"
    return "utf-16-le" if body[:4] in (b"<\x00?\x00", b"<\x00r\x00", b"<\x00f\x00") else ""


def _read(body: bytes, encoding: str) -> Decoded:
    text = body.decode(encoding or "utf-8", "replace").lstrip("\ufeff")
    return Decoded(text, encoding, "\ufffd" in text)


def _codec(name: str) -> str:
    """Python's name of a text codec, or nothing."""
    try:
        found = codecs.lookup(name.strip()).name.replace("-", "_")
    except (LookupError, ValueError):
        return ""
    return found if _TEXT_CODECS.match(found.replace("_", "")) or _TEXT_CODECS.match(found) else ""
