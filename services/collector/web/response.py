"""What an answer means: one word of a closed list, whatever a server does."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, get_args

Outcome = Literal[
    "ok",  # a document that was read
    "not_modified",  # 304
    "unchanged",  # 200 with the very bytes of last time
    "no_entries",  # a valid document with nothing in it
    "rate_limited",  # 429, or 503 with Retry-After
    "gone",  # 410
    "http_4xx",
    "http_5xx",
    "odd_status",  # 1xx, 3xx without a place to go, a 304 nobody asked for
    "redirects",  # too many, or in a circle
    "timeout",
    "dns",
    "tls",
    "connection",
    "robots",  # the site's robots.txt forbids it
    "refused",  # an address or scheme that we do not go to
    "too_big",
    "empty",
    "html",  # a page where a feed should be
    "challenge",  # a page that asks for JavaScript or a captcha
    "parse",  # nothing that any parser can read
    "layout",  # a listing or article page in which the selectors of its source find nothing
]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
GOOD: frozenset[Outcome] = frozenset(("ok", "not_modified", "unchanged", "no_entries"))

_HTML = re.compile(rb"^(?:\s|\xef\xbb\xbf|<!--.{0,2000}?-->)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S)
_XML_HTML = re.compile(rb"^\s*<\?xml[^>]{0,200}>\s*<(?:!doctype\s+html|html)\b", re.I)
_FEED = re.compile(rb"<(?:\w+:)?(?:rss|feed|rdf|channel|urlset|sitemapindex)\b", re.I)
_CHALLENGE = re.compile(
    rb"challenge-platform|cf-chl|cf_chl_opt|__jschl|just a moment\.\.\.|document\.cookie\s*=\s*[\"'](?:D1N|__test)"
    rb"|g-recaptcha|hcaptcha|/cdn-cgi/",
    re.I,
)
_LOOK = 8_192


@dataclass(frozen=True)
class Response:
    """One answer, or why there was none (`fault`). Header names are lower-case; only what we use is kept."""

    url: str
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    elapsed: float = 0.0
    fault: Outcome | None = None
    moved_to: str = ""  # where only permanent redirects lead

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")

    @cached_property
    def body_hash(self) -> str:
        """Fingerprint of the bytes after decompression."""
        return hashlib.sha256(self.body).hexdigest()[:32]


def judge(response: Response, *, asked_conditionally: bool, known_body: str, page: bool = False) -> Outcome:
    """The outcome as far as bytes tell; `ok` still has to be parsed. `known_body` is the `body_hash` of last time.

    Where a `page` is wanted, HTML is no fault: whether it is the wanted one is seen when it is read.
    """
    if response.fault:
        return response.fault
    by_status = _by_status(response, asked_conditionally)
    if by_status:
        return by_status
    if known_body and response.body_hash == known_body:
        return "unchanged"
    if page:
        return "ok" if _says_anything(response.body) else "empty"
    return _by_look(response.body)


def without_entries(body: bytes) -> Outcome:
    """What a page is in which a listing's selectors find nothing: a challenge, or another layout."""
    return "challenge" if is_challenge(body) else "layout"


def is_challenge(body: bytes) -> bool:
    """Does a page ask for JavaScript or a captcha? A whole page may, too, somewhere: look at its text first."""
    return bool(_CHALLENGE.search(body[:_LOOK]))


def _by_status(response: Response, asked_conditionally: bool) -> Outcome | None:
    status = response.status
    if 200 <= status < 300:
        return None
    if status == 304:
        return "not_modified" if asked_conditionally else "odd_status"
    if status == 429 or (status == 503 and "retry-after" in response.headers):
        return "rate_limited"
    if status == 410:
        return "gone"
    if "cf-mitigated" in response.headers or (status in (403, 503) and _CHALLENGE.search(response.body[:_LOOK])):
        return "challenge"
    if 400 <= status < 500:
        return "http_4xx"
    return "http_5xx" if status >= 500 else "odd_status"


def _by_look(body: bytes) -> Outcome:
    if not _says_anything(body):
        return "empty"
    head = body[:_LOOK]
    if not (_HTML.match(head) or _XML_HTML.match(head)) or _FEED.search(head):
        return "challenge" if len(body) < _LOOK and b"document.cookie" in body and not _FEED.search(head) else "ok"
    return "challenge" if _CHALLENGE.search(head) else "html"


def _says_anything(body: bytes) -> bool:
    return bool(body.strip(b" \t\r\n\x00\xef\xbb\xbf"))
