from __future__ import annotations

import pytest

from services.collector.web.response import OUTCOMES, Response, judge

FEED = b"<?xml version='1.0'?><rss version='2.0'><channel/></rss>"
HASH = Response("u", body=FEED).body_hash


def outcome(status: int = 200, body: bytes = FEED, *, asked: bool = False, known: str = "", **headers: str) -> str:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return judge(Response("u", status, named, body), asked_conditionally=asked, known_body=known)


STATUSES = {
    200: "ok",
    206: "ok",
    302: "odd_status",
    304: "odd_status",
    410: "gone",
    429: "rate_limited",
    **dict.fromkeys((400, 401, 403, 404), "http_4xx"),
    **dict.fromkeys((500, 503), "http_5xx"),
}


@pytest.mark.parametrize(("status", "expected"), STATUSES.items())
def test_by_status(status: int, expected: str) -> None:
    assert outcome(status) == expected


def test_304_is_believed_when_we_asked() -> None:
    assert outcome(304, b"", asked=True) == "not_modified"


def test_503_with_a_time_is_a_limit() -> None:
    assert outcome(503, retry_after="120") == "rate_limited"


def test_the_same_bytes_again() -> None:
    assert outcome(known=HASH) == "unchanged"
    assert outcome(body=FEED + b" ", known=HASH) == "ok"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "empty"),
        (b" \r\n\t\xef\xbb\xbf\n", "empty"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "html"),
        (b"\xef\xbb\xbf\n<!-- x --><HTML lang=vi>", "html"),
        (b"<?xml version='1.0'?><!DOCTYPE html PUBLIC 'x'><html>", "html"),
        (b"<html><head><title>Just a moment...</title>", "challenge"),
        (b"<html><script>document.cookie='D1N=abc';location.reload()</script></html>", "challenge"),
        (b"<html><body><p>This XML file does not appear to have any style</p><rss version='2.0'>", "ok"),
        (FEED, "ok"),
        (b"{}", "ok"),
    ],
)
def test_by_look(body: bytes, expected: str) -> None:
    assert outcome(body=body) == expected


def test_cloudflare_is_named() -> None:
    assert outcome(403, b"x", cf_mitigated="challenge") == "challenge"
    assert outcome(403, b"<script src=/cdn-cgi/challenge-platform/>") == "challenge"


def test_faults_pass_through() -> None:
    assert judge(Response("u", fault="dns"), asked_conditionally=False, known_body="") == "dns"
    assert "dns" in OUTCOMES


def test_a_hostile_head_takes_no_time() -> None:
    assert outcome(body=b"<!--" * 200_000) == "ok"
    assert outcome(body=b" " * 3_000_000 + b"x") == "ok"
