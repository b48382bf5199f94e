from __future__ import annotations

from services.collector.decide import decide
from services.collector.feedstate import DAY, Look, after_look, target, validators_for
from services.collector.known import FeedState, Known
from services.collector.reading.entry import Document
from services.collector.web.response import Outcome, Response
from tests.collector.build import NOW, entries, source
from tinsom.messages import Source

HOME = source("home")
OLD, NEW = HOME.url, "https://moi.example/home.rss"
EMPTY = FeedState(source="home", publisher="bao.example")


def saw(
    feed: FeedState,
    outcome: Outcome = "ok",
    *,
    now: float = NOW,
    moved_to: str = "",
    src: Source = HOME,
    audit: bool = False,
    shown: tuple[int, ...] = (1,),
    **headers: str,
) -> FeedState:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = Response(OLD, 200, named, repr(shown).encode(), moved_to=moved_to)
    look = Look(outcome, response, Document(entries(*shown)), audit)
    reading = decide(look.document.entries, Known(), feed, src, now) if outcome == "ok" else None
    return after_look(feed, src, look, now, reading)


def test_validators_are_kept_as_given_and_taken_back_when_gone() -> None:
    feed = saw(EMPTY, etag='W/"1"', last_modified="x")
    assert validators_for(feed, HOME, OLD) == ('W/"1"', "x", feed.body_hash)
    assert saw(feed, "not_modified", etag='W/"2"').etag == 'W/"2"'
    assert saw(feed, "not_modified").etag == 'W/"1"'
    assert saw(feed, "unchanged").etag == ""
    assert saw(feed, "timeout").etag == 'W/"1"'


def test_another_address_gets_none_of_them() -> None:
    feed = saw(EMPTY, etag="1")
    other = source("home", url="https://bao.example/khac.rss")
    assert validators_for(feed, other, other.url) == ("", "", "")
    assert validators_for(feed, HOME, NEW) == ("", "", "")


def test_a_permanent_move_is_believed_after_a_day_and_forgotten_when_it_fails() -> None:
    feed = saw(EMPTY, moved_to=NEW)
    assert target(feed, HOME, NOW + 60) == OLD
    feed = saw(feed, "not_modified", now=NOW + 60, moved_to=NEW)
    later = NOW + DAY + 60
    assert target(feed, HOME, later) == NEW
    feed = saw(feed, now=later, etag="n")
    assert validators_for(feed, HOME, NEW)[0] == "n"
    assert target(feed, HOME, later + 60) == NEW
    failed = saw(feed, "http_4xx", now=later + 60)
    assert target(failed, HOME, later + 120) == OLD


def test_a_move_taken_back_in_time_is_none() -> None:
    feed = saw(saw(EMPTY, moved_to=NEW), "unchanged", now=NOW + 60)
    assert target(feed, HOME, NOW + 2 * DAY) == OLD


def test_news_under_an_unchanged_etag_ends_the_trust() -> None:
    feed = saw(EMPTY, etag="1")
    honest = saw(feed, audit=True, etag="2", shown=(2, 1))
    assert honest.distrust == []
    liar = saw(feed, audit=True, etag="1", shown=(2, 1))
    assert liar.distrust == ["validators"]
    assert validators_for(liar, HOME, OLD) == ("", "", liar.body_hash)


def test_failures_add_up_and_one_success_clears_them() -> None:
    failing = saw(saw(EMPTY, "timeout"), "http_4xx")
    assert failing.failures == 1.5
    assert saw(failing).failures == 0.0
    assert not failing.baseline_done


def test_an_empty_document_at_a_new_address_leaves_the_old_knowledge() -> None:
    feed = saw(EMPTY, etag="1")
    other = source("home", url="https://bao.example/khac.rss")
    assert saw(feed, "no_entries", src=other).url == OLD
