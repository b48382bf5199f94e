"""What the site answers to a request at a moment: status, headers, body. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from services.demo import documents, pages
from services.demo.edition import Edition, Fault, Feed

_XML = {"rss": "application/rss+xml", "atom": "application/atom+xml", "rdf": "application/rdf+xml"}
_HTML = "text/html; charset=utf-8"
_MAINTENANCE = (
    '<!DOCTYPE html><html lang="vi"><body><h1>Hệ thống đang bảo trì, mời quay lại sau</h1></body></html>'
)


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    broken: bool = False

    @property
    def good(self) -> bool:
        """The feed's real state was shown, or shown to be unchanged."""
        return self.status in (200, 304) and not self.broken


def feed_answer(
    edition: Edition, feed: Feed, now: float, base: str, *, none_match: str = "", modified_since: str = ""
) -> Answer:
    """A poll of `feed` at `now`. `none_match` and `modified_since` are the request's validators, as sent."""
    body = documents.document(edition, feed, now, base).encode()
    fault = edition.fault(feed.id, now)
    if fault is not None:
        return _faulty(fault, feed, body)
    headers = _validators(edition, feed, now, body)
    if _unchanged(headers, none_match, modified_since):
        return Answer(304, headers=headers)
    return Answer(200, body, {"Content-Type": f"{_XML[feed.form]}; charset=utf-8", **headers})


def page_answer(edition: Edition, publisher: str, slug: str, now: float, base: str) -> Answer:
    """An article page; 404 before it is published."""
    for article in edition.articles:
        if (article.publisher, article.id) == (publisher, slug) and article.at <= now:
            return Answer(200, pages.page(edition, article, now, base).encode(), {"Content-Type": _HTML})
    return Answer(404)


def front_answer(edition: Edition, publisher: str) -> Answer:
    if publisher not in edition.publishers:
        return Answer(404)
    return Answer(200, pages.front(edition, publisher).encode(), {"Content-Type": _HTML})


def _validators(edition: Edition, feed: Feed, now: float, body: bytes) -> dict[str, str]:
    headers = {}
    if feed.validators in ("both", "etag"):
        headers["ETag"] = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    if feed.validators in ("both", "modified"):
        headers["Last-Modified"] = documents.http_date(edition.changed_at(feed.id, now))
    return headers


def _unchanged(headers: dict[str, str], none_match: str, modified_since: str) -> bool:
    """RFC 9110 §13.2.2: If-None-Match decides alone where both are sent and the server knows it."""
    if none_match and "ETag" in headers:
        return none_match == headers["ETag"]
    return bool(modified_since) and modified_since == headers.get("Last-Modified")


def _faulty(fault: Fault, feed: Feed, body: bytes) -> Answer:
    if fault.what == "error":
        return Answer(500, broken=True)
    if fault.what == "html":
        return Answer(200, _MAINTENANCE.encode(), {"Content-Type": _HTML}, broken=True)
    return Answer(200, _cut(body), {"Content-Type": f"{_XML[feed.form]}; charset=utf-8"}, broken=True)


def _cut(body: bytes) -> bytes:
    """The document as far as the opening of its fourth item, as after a lost connection."""
    end = -1
    for _ in range(3):
        end = body.find(b"</item>", end + 1)
    return body[: end + len(b"</item>")] + b"\n<item><ti"


__all__ = ["Answer", "feed_answer", "front_answer", "page_answer"]
