"""What real Vietnamese feeds do wrong, row by row: every item kept, every instant right or flagged.

Each row goes the whole way: bytes, decoded, read, decided. Python's feed readers fail at most of them.
"""

from __future__ import annotations

import pytest

from services.collector.decide import decide
from services.collector.known import FeedState, Known
from services.collector.reading.documents import read
from services.collector.web.response import Response, judge
from tests.collector.build import NOW, Post, rss, source
from tinsom.messages import Source

GOOD = rss([Post(2, date="Thu, 06 Feb 2025 14:25:00 +0700"), Post(1, date="Thu, 06 Feb 2025 07:00:00 +0700")])
TITLES = ["Tin số 2: bộ, ngành công bố kế hoạch thứ 2", "Tin số 1: bộ, ngành công bố kế hoạch thứ 1"]
AT = "2025-02-06T07:25:00+00:00"


def items(
    body: bytes, watched: Source, content_type: str = "text/xml; charset=utf-8"
) -> list[tuple[str, str, str]]:
    """Title, instant and quality of every item that is kept."""
    response = Response(watched.url, 200, {"content-type": content_type}, body)
    assert judge(response, asked_conditionally=False, known_body="") == "ok"
    document = read(body, content_type, watched.url)
    reading = decide(document.entries, Known(), FeedState(source=watched.id, publisher="p"), watched, NOW)
    kept = sorted((d for d in reading.decisions if d.item is not None), key=lambda d: d.entry.position)
    return [(d.entry.title, d.dated.at.isoformat() if d.dated.at else "", d.dated.quality) for d in kept]


BODIES = {
    "one character cut in half": GOOD.replace("Tóm".encode(), "Tóm".encode()[:2] + b" ", 1),
    "unescaped & and <b>": GOOD.replace("Tin số 2: bộ, ngành".encode(), "Tin số 2: <b>bộ</b>, ngành".encode()),
    "&nbsp;": GOOD.replace(b"<description>", b"<description>&nbsp;a & b", 1),
    "0x0B": GOOD.replace(b"<description>", b"<description>\x0b", 1),
    "a truncated tail": GOOD.removesuffix(b"</item></channel></rss>"),
    "blank lines before the head": b"\r\n\r\n" + GOOD,
    "says windows-1258, is UTF-8": GOOD.replace(b"UTF-8", b"windows-1258"),
}


@pytest.mark.parametrize("what", BODIES)
def test_broken_documents_keep_every_item(what: str) -> None:
    found = items(BODIES[what], source(), "text/xml" if "1258" in what else "text/xml; charset=utf-8")
    assert [title for title, *_ in found] == TITLES
    assert found[0][1:] == (AT, "exact")


@pytest.mark.parametrize("body", [b"", b"  \r\n", b"<!doctype html><html><body>x</body></html>"])
def test_no_feed_is_a_named_outcome(body: bytes) -> None:
    named = judge(Response("https://x.example/", 200, {}, body), asked_conditionally=False, known_body="")
    assert named in ("empty", "html")


# as written, what the source is known for, the instant, its quality
DATES: list[tuple[str, bool | None, str, str]] = [
    ("Thu, 06 Feb 2025 14:25:00 GMT+7", None, AT, "exact"),
    ("Thứ 5, 06/02/2025 14:25:00 GMT+7", None, AT, "exact"),
    ("Thứ Năm, 06/02/2025, 14:25", None, AT, "exact"),
    ("Thu, 06 Feb 2025 14:25:00", None, AT, "exact"),
    ("2025-02-06 14:25:00", None, AT, "exact"),
    ("06/02/2025 14:25", None, AT, "exact"),
    ("06-02-2025 14:25:00", None, AT, "exact"),
    ("Thu, 06 Feb 2025 14:25:00 +07", None, AT, "exact"),
    ("Thu, 06 Feb 2025 14:25:00 GMT+07:00", None, AT, "exact"),
    ("Thu, 06 Feb 2025 14:25:00 ICT", None, AT, "exact"),
    ("1738826700", None, AT, "exact"),
    ("2/6/2025 2:25:00 PM", True, AT, "exact"),
    ("6/2/2025 2:25:00 PM", False, AT, "exact"),
    ("2/6/2025 2:25:00 PM", None, AT, "inferred"),  # nobody said which comes first
    ("6/2/2025 2:25:00 CH", None, AT, "exact"),
    ("2025-02-06T14:25:00&amp;#x2B;07:00", None, AT, "exact"),
    ("Fri, 06 Feb 2099 14:25:00 +0700", None, "2026-03-10T03:00:00+00:00", "future"),
    ("một hôm nào đó", None, "", "missing"),
]


@pytest.mark.parametrize(("raw", "month_first", "at", "quality"), DATES)
def test_every_date_is_right_or_flagged(raw: str, month_first: bool | None, at: str, quality: str) -> None:
    body = GOOD.replace(b"Thu, 06 Feb 2025 14:25:00 +0700", raw.encode())
    found = items(body, source(month_first=month_first))
    assert [title for title, *_ in found] == TITLES
    assert found[0][1:] == (at, quality)
