from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.web import robots
from services.collector.web.fetch import Fetcher
from services.collector.web.gate import Gate
from tests.collector.feedserver import FeedServer

TEXT = """
User-agent: Googlebot
Disallow: /

User-agent: other
User-agent: *
Disallow: /tim-kiem
Disallow: /*?print=
Disallow: /*.pdf$
Allow: /tim-kiem/cong-khai
Disallow: /riêng/
Crawl-delay: 2   # seconds
"""


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/", True),
        ("/bai-1.htm", True),
        ("/tim-kiem?q=x", False),
        ("/tim-kiem/cong-khai/1", True),
        ("/bai-1.htm?print=1", False),
        ("/van-ban/06.pdf", False),
        ("/van-ban/06.pdf?x", True),
        ("/ri%C3%AAng/a", False),
    ],
)
def test_the_longest_rule_decides(path: str, allowed: bool) -> None:
    assert robots.parse(TEXT).allows(path) is allowed


def test_a_group_of_our_own_replaces_the_general_one() -> None:
    found = robots.parse(TEXT + "\nUser-agent: TinSom\nDisallow: /x\n")
    assert found.allows("/tim-kiem")
    assert not found.allows("/x")
    assert robots.parse(TEXT).delay == 2.0
    assert robots.parse("User-agent: *\nCrawl-delay: 9999").delay == robots.LONGEST_DELAY


def test_no_file_means_no_limits_and_no_answer_means_stay_away() -> None:
    assert robots.from_response(404, b"").allows("/a")
    assert not robots.from_response(503, b"").allows("/a")
    assert robots.from_response(200, b"<html>not a robots file</html>").allows("/a")


@given(st.text(max_size=60), st.text(max_size=20))
def test_anything_is_read(text: str, path: str) -> None:
    robots.parse("User-agent: *\nDisallow: " + text).allows("/" + path)


def test_no_pattern_takes_long() -> None:
    start = time.process_time()
    robots.parse("User-agent: *\nDisallow: /" + "*a" * 2_000 + "$").allows("/" + "a" * 20_000)
    assert time.process_time() - start < 2.0


async def test_the_gate_asks_each_host_once(server: FeedServer) -> None:
    server.put("/robots.txt", b"User-agent: *\nDisallow: /kin")
    async with Fetcher(allow_private=["127.0.0.1"]) as fetcher:
        gate = Gate(fetcher)
        answers = [await gate.admits(server.url(path)) for path in ("/bai", "/kin/bai", "/bai?x=1")]
    assert answers == [True, False, True]
    assert len(server.asked["/robots.txt"]) == 1
