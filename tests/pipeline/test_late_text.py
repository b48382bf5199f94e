"""A page that came late: who was told hears nothing more, who could not be told is told now, once."""

from __future__ import annotations

from datetime import timedelta
from typing import get_args

from services.alerter import arrival, ledger
from services.alerter.book import Book
from services.alerter.plan import Rules, plan
from tests.alerter import builders as b
from tests.classifier.story_building import NOW, change, changes, handled, item, stage_on, tagged
from tinsom import messages as m

TOLD, LATER = "theo-de-an", "theo-bo"
WISHES = [
    m.Subscription(id=f"file/{TOLD}", destination=TOLD, match=m.Match(initiatives=["de-an-06"])),
    m.Subscription(id=f"file/{LATER}", destination=LATER, match=m.Match(agencies=["bo-cong-an"], role="any")),
]
TITLE_TAG = m.Tag(id="de-an-06", role="primary", score=3.0, evidence=[])
TEXT_TAG = m.Tag(id="bo-cong-an", role="mentioned", score=1.0, evidence=[])


def delivered(book: Book, said: m.StoryChange) -> dict[str, tuple[str, str]]:
    """What each reader gets of it: state and what the alert is called, or why nothing."""
    found: dict[str, tuple[str, str]] = {}
    for decision in plan(said, WISHES, Rules()):
        assert isinstance(decision, m.Alert)
        delivery = arrival.decide(decision, book, b.destination(), NOW.timestamp())
        book.put(delivery)
        kind = delivery.alert.kind if delivery.alert else delivery.history[-1].reason
        found[decision.destination] = (delivery.state, kind)
    return found


def test_each_reader_hears_of_it_once() -> None:
    stage, book = stage_on(), Book()
    first = change(stage, tagged(item("a"), initiatives=[TITLE_TAG]))
    assert first is not None
    assert delivered(book, first) == {TOLD: ("pending", "new")}
    text = item("a", minutes=9, revision=2, change="enriched", text="Bộ Công an chủ trì.")
    came = tagged(text, initiatives=[TITLE_TAG], agencies=[TEXT_TAG])
    outcome, outputs = handled(stage, came)
    (late,) = changes(outputs)
    assert (outcome, late.kind, late.story, late.revision) == ("enriched", "enriched", first.story, 2)
    assert delivered(book, late) == {TOLD: ("suppressed", "enriched"), LATER: ("pending", "new")}
    assert handled(stage, came)[0] == "duplicate"


def test_facts_of_the_late_text_are_the_ones_to_compare_with() -> None:
    stage = stage_on()
    change(stage, tagged(item("a"), initiatives=[TITLE_TAG]))
    decree = m.Document(key="10/NĐ-CP", kind=None, number="10", issuer=None, year=None, date=None, raw="10/NĐ-CP")
    with_text = {"initiatives": [TITLE_TAG], "documents": [decree]}
    revisions = [("enriched", decree.key), ("revised", decree.key), ("revised", "")]
    outcomes = []
    for number, (how, key) in enumerate(revisions, 2):
        tags = with_text if key else {"initiatives": [TITLE_TAG]}
        outcomes.append(handled(stage, tagged(item("a", minutes=number, revision=number, change=how), **tags))[0])
    assert outcomes == ["enriched", "minor", "fact"]


def test_late_text_of_old_news_is_old() -> None:
    stage = stage_on()
    change(stage, tagged(item("a")))
    dated = {"published_at": NOW - timedelta(days=2), "date_quality": "exact"}
    old = item("a", minutes=5, revision=2, change="enriched", **dated)
    (late,) = changes(handled(stage, tagged(old, initiatives=[TITLE_TAG]))[1])
    (decision,) = plan(late, WISHES, Rules())
    assert isinstance(decision, m.Suppression)
    assert decision.reason == "too_old"
    assert "enriched" in get_args(ledger.Suppressed)


def test_a_first_revision_that_got_lost_is_no_reason_to_say_nothing() -> None:
    found = change(stage_on(), tagged(item("a", revision=2, change="enriched")))
    assert found is not None
    assert found.kind == "new"
