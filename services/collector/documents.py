"""The bytes of a response → a document, by whichever reader understands them."""

from __future__ import annotations

from services.collector import decode, parse, wellformed
from services.collector.entry import Document


def read(body: bytes, content_type: str, base: str) -> Document:
    """Read `body`, found at `base`. Never raises: a document that no reader understands has a `fault`."""
    quick = read_fast(body, content_type, base)
    return quick if quick is not None else parse.parse(_xml(body, content_type), base)


def read_fast(body: bytes, content_type: str, base: str) -> Document | None:
    """As `read`, in about a millisecond, or None when it takes feedparser."""
    return wellformed.read(_xml(body, content_type), base)


def _xml(body: bytes, content_type: str) -> bytes:
    return decode.xml_text(decode.decode(body, content_type).text).encode("utf-8", "replace")
