"""The sample day as data: enough of everything, in order, marked as a sample, on ids that exist."""

from __future__ import annotations

import re
import unicodedata

import pytest

from services.demo import edition, timeline
from services.demo.damage import damaged

DAY = edition.load()
TODAY = [article for article in DAY.articles if not article.baseline]


def test_the_day_is_large_and_mixed_enough() -> None:
    expected = timeline.expected(DAY)
    assert expected.items >= 130
    assert expected.baseline >= 15
    assert expected.revisions >= 10
    assert 0.4 <= expected.on_topic / expected.items <= 0.6
    assert len(DAY.publishers) >= 6
    assert {feed.form for feed in DAY.feeds.values()} == {"rss", "atom", "rdf"}
    assert sum(bool(article.credit) for article in TODAY) >= 15


def test_an_article_is_one_per_publisher_and_stands_in_its_own_feeds() -> None:
    keys = [(article.publisher, article.id) for article in DAY.articles]
    assert len(keys) == len(set(keys))
    for article in DAY.articles:
        assert {DAY.feeds[feed].publisher for feed in article.feeds} == {article.publisher}


def test_every_feed_begins_with_a_baseline() -> None:
    assert {feed for a in DAY.articles if a.baseline for feed in a.feeds} == set(DAY.feeds)


def test_everything_happens_within_the_day() -> None:
    for article in TODAY:
        assert DAY.opens < article.at < DAY.closes
        assert [version.at for version in article.versions] == sorted({v.at for v in article.versions})


def test_an_edit_leaves_time_for_two_polls_and_shows_in_the_feed() -> None:
    for article in TODAY:
        for before, after in zip(article.versions, article.versions[1:], strict=False):
            assert after.at - before.at >= 1800
            assert (before.title, before.lede) != (after.title, after.lede)


def test_no_edit_falls_into_an_outage() -> None:
    for article in TODAY:
        for version in article.versions[1:]:
            assert not any(DAY.fault(feed, version.at) for feed in article.feeds)


def test_texts_are_clean_before_they_are_damaged() -> None:
    for article in DAY.articles:
        for version in article.versions:
            assert version.body
            for text in (version.title, version.lede, *version.body):
                assert text == " ".join(text.split())
                assert unicodedata.is_normalized("NFC", text)
                assert not re.search(r"[\u200b\u00a0]", text)


def test_tasks_with_deadlines_and_document_numbers_occur() -> None:
    texts = [" ".join((v.title, v.lede, *v.body)) for a in TODAY if a.about for v in a.versions]
    assert sum(bool(re.search(r"trước ngày \d{1,2}/\d{1,2}/\d{4}", text)) for text in texts) >= 30
    assert sum(bool(re.search(r"\d+/(\d{4}/)?(QĐ|NĐ|NQ|QH|KH)", text)) for text in texts) >= 15


def test_every_publisher_says_it_is_a_sample() -> None:
    assert all(publisher.name.endswith("(mẫu)") for publisher in DAY.publishers.values())


@pytest.mark.parametrize(
    ("kind", "text", "want"),
    [
        ("nfd", "Bộ", "Bo\u0323\u0302"),
        ("nbsp", "của Bộ Công an", "của Bộ\u00a0Công an"),
        ("old-tones", "Ủy ban hóa đơn", "Uỷ ban hoá đơn"),
        ("zero-width", "đô thị", "đô\u200b thị"),
        ("dashes", "57-NQ/TW - mới", "57–NQ/TW - mới"),
        ("caps", "Đề án", "ĐỀ ÁN"),
    ],
)
def test_damage(kind: edition.Damage, text: str, want: str) -> None:
    assert damaged(text, [kind], title=True) == want


def test_capitals_are_for_titles() -> None:
    assert damaged("Đề án", ["caps"]) == "Đề án"


def test_a_version_holds_until_the_next() -> None:
    article = next(a for a in TODAY if len(a.versions) == 2)
    first, second = article.versions
    assert article.version(first.at - 1) is first
    assert article.version(second.at - 1) is first
    assert article.version(second.at) is second
