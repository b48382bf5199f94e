"""The feeds' manners: what a careful reader of each feed sees over the day."""

from __future__ import annotations

import unicodedata
from typing import Any

import feedparser
import pytest
import trafilatura

from services.demo import answers, edition
from services.demo.documents import SAMPLE, page_path
from services.demo.edition import Feed

DAY = edition.load()
BASE = "http://127.0.0.1:8000"
FEEDS = pytest.mark.parametrize("feed", DAY.feeds.values(), ids=list(DAY.feeds))


def hour(clock: str) -> float:
    hours, minutes = clock.split(":")
    return DAY.opens + (int(hours) - 6) * 3600 + int(minutes) * 60


def ask(feed: Feed, now: float, **validators: str) -> answers.Answer:
    return answers.feed_answer(DAY, feed, now, BASE, **validators)


def entries(feed: Feed, now: float) -> list[Any]:
    answer = ask(feed, now)
    return feedparser.parse(answer.body, response_headers=answer.headers).entries


@FEEDS
@pytest.mark.parametrize("now", [DAY.opens, hour("12:00"), DAY.closes], ids=["opens", "noon", "closes"])
def test_feedparser_reads_every_entry(feed: Feed, now: float) -> None:
    shown = DAY.shown(feed.id, now)
    parsed = entries(feed, now)
    assert [entry.link for entry in parsed] == [BASE + page_path(article) for article in shown]
    for entry, article in zip(parsed, shown, strict=True):
        if not article.damage:
            assert entry.title == article.version(now).title
            assert article.version(now).lede in unicodedata.normalize("NFC", entry.summary)


@FEEDS
def test_every_edit_is_visible(feed: Feed) -> None:
    edited = [(a, v) for a in DAY.articles if feed.id in a.feeds for v in a.versions[1:]]
    for article, version in edited:
        link = BASE + page_path(article)
        before, after = (
            next(e for e in entries(feed, at) if e.link == link) for at in (version.at - 1, version.at)
        )
        assert (before.title, before.summary) != (after.title, after.summary)


@FEEDS
def test_only_well_mannered_feeds_answer_304(feed: Feed) -> None:
    now = hour("12:00")
    first = ask(feed, now)
    echoed = {
        "none_match": first.headers.get("ETag", ""),
        "modified_since": first.headers.get("Last-Modified", ""),
    }
    again = ask(feed, now + 60, **echoed)
    assert again.status == (200 if feed.validators == "none" else 304)
    assert again.good
    assert ask(feed, DAY.closes, **echoed).status == 200


def test_a_feed_that_stamps_now_is_never_the_same_twice() -> None:
    feed = DAY.feeds["bo-cong-an"]
    assert ask(feed, hour("12:00")).body != ask(feed, hour("12:01")).body


@pytest.mark.parametrize(
    ("clock", "status", "good"),
    [
        ("08:59", 200, True),
        ("09:00", 500, False),
        ("09:30", 200, False),
        ("09:50", 200, False),
        ("10:10", 200, True),
    ],
)
def test_the_outage(clock: str, status: int, good: bool) -> None:
    answer = ask(DAY.feeds["phaply"], hour(clock))
    assert (answer.status, answer.good) == (status, good)


def test_the_cut_document_keeps_three_whole_items() -> None:
    feed = DAY.feeds["phaply"]
    whole = DAY.shown("phaply", hour("10:00"))
    titled = [entry for entry in entries(feed, hour("10:00")) if entry.get("link")]
    assert [entry.title for entry in titled] == [article.versions[0].title for article in whole[:3]]


def test_new_guids_at_one_o_clock_and_nothing_else() -> None:
    feed = DAY.feeds["phaply"]
    before, after = entries(feed, hour("12:59")), entries(feed, hour("13:00"))
    assert [e.link for e in before] == [e.link for e in after]
    assert not {e.id for e in before} & {e.id for e in after}


def test_dates_are_as_bad_as_meant() -> None:
    kinds = {feed.dates for feed in DAY.feeds.values()}
    assert kinds == {"rfc", "gmt7", "local", "iso"}
    assert entries(DAY.feeds["nhipngay-home"], DAY.closes)[0].published.endswith("GMT+7")
    assert entries(DAY.feeds["bacninh"], DAY.closes)[0].published == "14/10/2026 17:05"


def test_every_feed_and_page_says_it_is_a_sample() -> None:
    for feed in DAY.feeds.values():
        assert SAMPLE.encode() in ask(feed, DAY.opens).body
    for article in DAY.articles:
        page = answers.page_answer(DAY, article.publisher, article.id, DAY.closes, BASE)
        assert SAMPLE.encode() in page.body


def test_a_page_appears_with_its_article_and_changes_with_it() -> None:
    article = next(a for a in DAY.articles if len(a.versions) == 2)
    first, second = article.versions
    at = {
        now: answers.page_answer(DAY, article.publisher, article.id, now, BASE)
        for now in (first.at - 1, second.at)
    }
    assert at[first.at - 1].status == 404
    assert second.lede in at[second.at].body.decode()


def test_front_pages() -> None:
    assert answers.front_answer(DAY, "cong-bac-ninh").status == 200
    assert answers.front_answer(DAY, "nowhere").status == 404


def test_the_extractor_finds_the_text_and_leaves_the_teasers() -> None:
    article = next(a for a in DAY.articles if a.id == "thu-tuong-nhiem-vu-qua-han")
    page = answers.page_answer(DAY, article.publisher, article.id, DAY.closes, BASE).body.decode()
    text = trafilatura.extract(page) or ""
    assert all(paragraph in text for paragraph in article.version(DAY.closes).body)
    assert "Tin liên quan" not in text
    assert "Đang trực tuyến" not in text
