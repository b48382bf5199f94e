from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.reading import bounds
from services.collector.reading.bounds import within_bounds
from services.collector.reading.entry import MAX_ENTRIES
from services.collector.reading.parse import parse
from tests.collector.build import posts, rss

HEAD = b"<rss version='2.0'><channel>"
ITEM = b"<item><title>a & b</title><enclosure url='x'/><description>x<br>y<p>z</description></item>"


def test_what_is_ordinary_is_read_whole() -> None:
    for whole in (rss(posts(*range(40))), HEAD + ITEM * MAX_ENTRIES, b"", b"<", HEAD + b"<p>" * 5_000):
        assert within_bounds(whole) == (whole, 0)


@pytest.mark.parametrize("start", [b"<item>", b"<rss:item>", b"<ITEM x='1'>", b"<entry>"])
def test_entries_too_many_are_counted_not_read(start: bytes) -> None:
    whole = HEAD + start * 900 + ITEM * (MAX_ENTRIES - 900)
    assert within_bounds(whole + start * 7) == (whole, 7)
    broken = parse(HEAD + ITEM * (MAX_ENTRIES + 7), "https://bao.example/f")
    assert (len(broken.entries), broken.surplus) == (MAX_ENTRIES, 7)


def test_what_is_too_deep_too_long_or_too_much_ends_there() -> None:
    deep = HEAD + ITEM + b"<a>" * 5_000
    assert within_bounds(deep)[0] == HEAD + ITEM + b"<a>" * (bounds.MAX_DEPTH - 2)
    assert len(parse(deep, "https://bao.example/f").entries) == 1
    assert within_bounds(HEAD + b"<p xmlns:a='u'>" * 5_000)[0].count(b"<p") == bounds.MAX_DEPTH - 2
    assert within_bounds(b"<a/>" * (bounds.MAX_TAGS + 9)) == (b"<a/>" * bounds.MAX_TAGS, 0)
    assert within_bounds(b" " * (bounds.MAX_BYTES + 9) + b"<item>") == (b" " * bounds.MAX_BYTES, 1)


@given(
    st.lists(st.sampled_from([b"<item>", b"</item>", b"<a", b"/>", b">", b"<", b"</a>", b"&", b"x:"])).map(
        b"".join
    )
)
def test_what_is_kept_is_the_beginning(raw: bytes) -> None:
    kept, surplus = within_bounds(raw)
    assert raw.startswith(kept)
    assert surplus >= 0
