"""Passing over what is as it was changes nothing but the time it takes."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from services.collector.decide import PUBLISHED, Reading, decide
from services.collector.known import FeedState, Known
from services.collector.reading.documents import read_fast
from services.collector.share import FORGET_AFTER, Fingerprints
from tests.collector.build import NOW, Post, posts, rss, source

HOME = source("home")


class Reader:
    """Polls documents one after the other, with a memory of fingerprints or without."""

    def __init__(self, *, quick: bool) -> None:
        self.quick, self.known, self.prints, self.now = quick, Known(), Fingerprints(), NOW
        self.feed = FeedState(source="home", publisher=HOME.publisher)
        self.events: list[tuple[str, int, str]] = []

    def poll(self, body: bytes) -> Reading:
        memo = self.prints.memo(self.now) if self.quick else {}
        document = read_fast(body, "", HOME.url, memo)
        assert document is not None
        reading = decide(document.entries, self.known, self.feed, HOME, self.now, document.unchanged)
        if reading.ambiguous:
            whole = read_fast(body, "", HOME.url)
            assert whole is not None
            reading = decide(whole.entries, self.known, self.feed, HOME, self.now)
        for d in reading.decisions:
            if d.item is not None:
                self.known.put(d.item)
                if d.outcome in PUBLISHED:
                    self.events.append((d.item.id, d.item.revision, d.outcome))
        self.prints.keep(reading, self.now)
        self.feed = msgspec.structs.replace(
            self.feed, baseline_done=True, url=HOME.url, document_at=self.now, distrust=list(reading.distrust)
        )
        self.now += 300
        return reading


# Where names are ambiguous, the whole document may take an entry that is as it was for an edit of another one:
# passing over it is the better answer then, so the two are compared on entries that have names.
POST = st.builds(
    Post,
    st.integers(1, 9),
    title=st.sampled_from(["", "", "Thông báo", "Một tên bài khác hẳn, dài hơn hai mươi chữ"]),
    lede=st.sampled_from(["", "", "Đoạn dẫn khác."]),
)
DOCUMENT = st.lists(POST, max_size=7, unique_by=lambda post: post.number)


@settings(max_examples=150)
@given(st.lists(DOCUMENT, min_size=2, max_size=6))
def test_the_same_events_with_and_without(documents: list[list[Post]]) -> None:
    quick, full = Reader(quick=True), Reader(quick=False)
    for shown in documents:
        quick.poll(rss(shown))
        full.poll(rss(shown))
    assert quick.events == full.events


def test_what_is_as_it_was_is_not_looked_at() -> None:
    reader = Reader(quick=True)
    reader.poll(rss(posts(3, 2, 1)))
    reading = reader.poll(rss([Post(4), Post(3, title="Sửa"), Post(2), Post(1)]))
    assert sorted(d.outcome for d in reading.decisions) == ["changed", "new"]
    assert (len(reading.unchanged), reading.shown) == (2, 4)
    assert len(reader.poll(rss([Post(4), Post(3, title="Sửa"), Post(2), Post(1)])).unchanged) == 4


def test_now_and_then_everything_is_looked_at() -> None:
    reader = Reader(quick=True)
    reader.poll(rss(posts(2, 1)))
    reader.now += FORGET_AFTER
    assert reader.poll(rss(posts(2, 1))).unchanged == ()


def test_a_name_used_twice_needs_the_whole_document() -> None:
    reader = Reader(quick=True)
    reader.poll(rss(posts(2, 1)))
    reading = reader.poll(rss([Post(3, guid="https://bao.example/?p=2"), Post(2), Post(1)]))
    assert reading.unchanged == ()
