"""Plan: who is told, who is not, and the words for both."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from services.alerter import matching
from services.alerter.plan import REASONS, Rules, plan
from tests.alerter import builders as b
from tinsom.messages import Alert, Document, Match, StoryChange, Subscription, Suppression, Task

RULES = Rules()


def one(
    change: StoryChange | None = None, *subscriptions: Subscription, rules: Rules = RULES
) -> Alert | Suppression:
    (decision,) = plan(change or b.change(), subscriptions or (b.subscription(),), rules)
    return decision


def test_an_alert_says_what_why_and_to_whom() -> None:
    got = one()
    assert isinstance(got, Alert)
    assert (got.destination, got.story, got.revision, got.kind, got.item) == ("nhom", "s1", 1, "new", "i1")
    assert got.subscriptions == ["theo-doi"]
    assert got.matched == ["initiative:de-an-06"]
    assert got.reason == "Bạn theo dõi: Đề án 06 (sáng kiến)"
    assert got.notice.initiatives == ["Đề án 06"]
    assert got.notice.agencies == ["Bộ Công an"]
    assert got.notice.places == ["Đồng Tháp"]
    assert got.notice.source == "Báo Thử"
    assert len(got.id) == 32


def test_one_alert_per_destination_names_all_that_matched() -> None:
    got = one(
        None,
        b.subscription("b", match=Match(agencies=["bo-cong-an"], role="any"), priority="urgent"),
        b.subscription("a"),
        b.subscription("c", match=Match(initiatives=["nq-57"])),
    )
    assert isinstance(got, Alert)
    assert got.subscriptions == ["a", "b"]
    assert got.priority == "urgent"
    assert got.reason == "Bạn theo dõi: Đề án 06 (sáng kiến), Bộ Công an (cơ quan)"


def test_destinations_are_decided_apart() -> None:
    decisions = plan(b.change(), [b.subscription("a", "z"), b.subscription("b", "y")], RULES)
    assert [d.destination for d in decisions] == ["y", "z"]
    assert len({d.id for d in decisions}) == 2


def test_nobody_follows() -> None:
    assert plan(b.change(), [b.subscription(match=Match(initiatives=["nq-57"]))], RULES) == []


@pytest.mark.parametrize(
    ("changes", "item", "reason"),
    [
        ({"baseline": True}, {}, "baseline"),
        ({}, {"baseline": True}, "baseline"),
        ({}, {"published_at": b.NOW - timedelta(hours=25)}, "too_old"),
        ({"kind": "source"}, {"published_at": b.NOW - timedelta(hours=25)}, "too_old"),
        ({"kind": "enriched"}, {"published_at": b.NOW - timedelta(hours=25)}, "too_old"),
        ({}, {"published_at": b.NOW - timedelta(hours=49), "date_quality": "date_only"}, "too_old"),
    ],
)
def test_suppressed(changes: dict[str, Any], item: dict[str, Any], reason: str) -> None:
    got = one(b.change(b.item(**item), **changes))
    assert isinstance(got, Suppression)
    assert got.reason == reason
    assert got.reason in REASONS
    assert got.matched == ["initiative:de-an-06"]


@pytest.mark.parametrize(
    ("changes", "item"),
    [
        ({}, {"published_at": b.NOW - timedelta(hours=30), "date_quality": "date_only"}),
        ({}, {"published_at": b.NOW + timedelta(days=300), "date_quality": "future"}),
        ({}, {"published_at": None, "date_quality": "missing"}),
        ({"kind": "fact"}, {"published_at": b.NOW - timedelta(days=90)}),
        ({"kind": "withdrawn"}, {"published_at": b.NOW - timedelta(days=90)}),
    ],
)
def test_not_too_old(changes: dict[str, Any], item: dict[str, Any]) -> None:
    assert isinstance(one(b.change(b.item(**item), **changes)), Alert)


def test_age_is_taken_at_the_fetch_so_a_backlog_is_not_lost() -> None:
    """The clock of now is no argument of plan: a stopped pipeline makes nothing old."""
    long_ago = b.NOW - timedelta(days=5)
    fresh_then = b.item(fetched_at=long_ago, published_at=long_ago - timedelta(minutes=1))
    assert isinstance(one(b.change(fresh_then)), Alert)


def test_a_story_that_began_before_the_subscription_is_not_new() -> None:
    later = b.subscription(since=b.NOW + timedelta(seconds=1))
    assert one(None, later).reason == "before_subscription"
    both = one(None, later, b.subscription("fruh", since=b.NOW))
    assert isinstance(both, Alert)
    assert both.subscriptions == ["fruh"]


def test_the_id_is_that_of_the_decision() -> None:
    same = one(b.change(b.item(title="khác")))
    assert one().id == same.id
    others = [one(b.change(**c)).id for c in ({"revision": 2}, {"kind": "fact"}, {"story": "s2"})]
    assert len({one().id, *others}) == 4


def test_same_input_same_bytes() -> None:
    subscriptions = [b.subscription("a", "x"), b.subscription("b", "y"), b.subscription("c", "x")]
    first = msgspec.json.encode(plan(b.change(), subscriptions, RULES))
    assert first == msgspec.json.encode(plan(b.change(), list(reversed(subscriptions)), RULES))


def test_names_fall_back_to_the_id_and_english_is_a_setting() -> None:
    found = b.tags(initiatives=[b.tag("de-an-06")])
    assert one(b.change(found=found)).reason == "Bạn theo dõi: de-an-06 (sáng kiến)"
    assert one(b.change(), rules=Rules(language="en")).reason == "You follow: Đề án 06 (initiative)"


def test_a_derived_parent_matches_but_is_not_shown_beside_its_child() -> None:
    found = b.tags(initiatives=[b.tag("de-an-06", name="Đề án 06"), b.tag("cds-quoc-gia", via="de-an-06")])
    got = one(b.change(found=found), b.subscription(match=Match(initiatives=["cds-quoc-gia"])))
    assert isinstance(got, Alert)
    assert got.notice.initiatives == ["Đề án 06"]


def test_tasks_are_told_with_names() -> None:
    task = Task(lead=["bo-cong-an"], co=[], action="làm", deadline="2025-06-30", precision="day", raw="x")
    found = b.tags(tasks=[task, task])
    got = one(b.change(found=found))
    assert isinstance(got, Alert)
    assert [t.who for t in got.notice.tasks] == [["Bộ Công an"]]


# --- matching ------------------------------------------------------------------------------------------------

DOC = Document(key="06/QĐ-TTg", kind="QĐ", number="06", issuer="TTg", year=2022, date=None, raw="06/QĐ-TTg")


@pytest.mark.parametrize(
    ("match", "hit"),
    [
        (Match(), False),
        (Match(initiatives=["de-an-06", "nq-57"]), True),
        (Match(agencies=["bo-cong-an"]), False),
        (Match(agencies=["bo-cong-an"], role="any"), True),
        (Match(places=["dong-thap"]), True),
        (Match(initiatives=["de-an-06"], places=["ha-noi"]), False),
        (Match(initiatives=["de-an-06"], places=["dong-thap"]), True),
        (Match(documents=["06/qđ-ttg"]), True),
        (Match(documents=["13/2023/NĐ-CP"]), False),
        (Match(keywords=["bộ công an"]), True),
        (Match(keywords=["BỘ  CÔNG AN"]), True),
        (Match(keywords=["công"]), True),
        (Match(keywords=["côn"]), False),
        (Match(keywords=["thân bài"]), False),
        (Match(keywords=["thân bài"], role="any"), True),
        (Match(keywords=[" "]), False),
    ],
)
def test_matching(match: Match, hit: bool) -> None:
    found = b.tags(documents=[DOC])
    assert bool(matching.hits(match, found, b.item(text="Trong thân bài."))) is hit


def test_decomposed_text_matches() -> None:
    import unicodedata

    item = b.item(title=unicodedata.normalize("NFD", "Tin về định danh điện tử"))
    assert matching.hits(Match(keywords=["định danh điện tử"]), b.tags(), item)
