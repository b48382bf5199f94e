from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.classifier.story.bursts import LEARNT, chance
from services.classifier.story.reminders import ZONE
from services.classifier.story.signals import Signals, Told
from tests.classifier import story_building as building
from tests.classifier.story_building import Kept
from tinsom import messages as m

MONDAY = datetime(2026, 10, 12, 9, 0, tzinfo=ZONE)
PAPERS = ("p1", "p2", "p3")
HEALTH = "agency:bo-yte"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Press:
    """Signals with a past, and the items that come now."""

    def __init__(self, start: datetime = MONDAY - 35 * DAY, rules: str = "1") -> None:
        self.signals = Signals()
        self.start, self.rules, self.count = start, rules, 0

    def story(self, at: datetime, paper: str, *abouts: str, baseline: bool = False, rules: str = "") -> None:
        """An item of the past, as its story's record has it."""
        self.count += 1
        name = f"old-{self.count}"
        trace = m.Trace(at=at, publisher=paper, baseline=baseline)
        details = [f"taxonomy:{rules or self.rules}", *(f"{about}=Tên" for about in abouts)]
        story = m.Story(id=name, revision=1, began_at=at, traces={name: trace}, details={name: details})
        self.signals.put(story, None)

    def usual(self, until: datetime, papers: tuple[str, ...] = PAPERS) -> Press:
        """Every paper says twelve things a day; every other day one of them is about health."""
        day = self.start
        while day < until:
            for number in range(12):
                at = day.replace(hour=8) + number * HOUR
                for paper in papers:
                    health = number == 3 and paper == papers[0] and day.toordinal() % 2
                    if at < until:
                        self.story(at, paper, *([HEALTH] if health else []))
            day += DAY
        return self

    def comes(self, at: datetime, paper: str, about: str = HEALTH, **changes: Any) -> list[Told]:
        """One more item, decided and then put, as the stage does."""
        self.count += 1
        name = f"new-{self.count}"
        kind, _, identity = about.partition(":")
        tag = m.Tag(id=identity, role="primary", score=5, evidence=[], name="Bộ Y tế")
        tags = m.Tags(id=name, taxonomy=self.rules)
        (tags.initiatives if kind == "initiative" else tags.agencies).append(tag)
        item = building.item(name, publisher=paper, source=paper, fetched_at=at)
        told = list(self.signals.bursts(item, tags, b"{}"))
        for one in told:
            self.signals.put(one.story, None)
        self.story(at, paper, about)
        return told

    def come(self, times: int, every: timedelta, since: datetime, papers: tuple[str, ...] = PAPERS) -> list[Told]:
        return [
            told for n in range(times) for told in self.comes(since + n * every, papers[n % len(papers)])
        ]  # fmt: skip


def bursts(told: list[Told]) -> list[m.StoryChange]:
    return [one.change for one in told if one.change is not None]


def test_a_rise_gives_one_burst_that_says_what_it_is_about() -> None:
    (change,) = bursts(Press().usual(MONDAY).come(8, HOUR / 4, MONDAY))
    signal = change.signal
    assert signal is not None
    assert (change.kind, change.story) == ("burst", "burst-agency-bo-yte-2026-10-12")
    assert (signal.about, signal.name, signal.observed, signal.window) == (HEALTH, "Bộ Y tế", 4, 3 * 3600)
    assert signal.since == MONDAY
    assert change.began_at == MONDAY + 3 * HOUR / 4
    assert (change.item, len(signal.items)) == (signal.items[-1], 4)
    assert 0 < signal.expected < 1


def test_what_comes_as_often_as_ever_is_none() -> None:
    press = Press().usual(MONDAY)
    assert press.come(10, 2 * DAY, MONDAY) == []


def test_a_burst_that_goes_on_is_told_once_and_the_next_rise_again() -> None:
    press = Press().usual(MONDAY)
    assert len(bursts(press.come(40, HOUR / 2, MONDAY))) == 1  # through midnight
    press.start = MONDAY
    press.usual(MONDAY + 6 * DAY)
    calm = press.comes(MONDAY + 5 * DAY, "p1")
    assert [(one.story.rising, one.change) for one in calm] == [(False, None)]
    assert len(bursts(press.come(8, HOUR / 4, MONDAY + 6 * DAY))) == 1


def test_two_rises_of_one_day_are_one_story() -> None:
    press = Press().usual(MONDAY)
    first = press.come(5, HOUR / 10, MONDAY - 8 * HOUR)
    again = press.come(6, HOUR / 10, MONDAY + 12 * HOUR)
    assert len(bursts(first)) == 1
    assert bursts(again) == []


def test_one_paper_alone_makes_no_burst() -> None:
    assert bursts(Press().usual(MONDAY).come(12, HOUR / 4, MONDAY, ("p1",))) == []


def test_items_that_come_all_at_once_after_an_outage_are_no_burst() -> None:
    """Five days of all papers in an hour: their share of health is as usual."""
    press = Press().usual(MONDAY - 5 * DAY)
    told = []
    for number in range(180):
        at = MONDAY + number * HOUR / 180
        if number % 36 == 0:
            told += press.comes(at, PAPERS[number // 36 % 3])
        else:
            press.story(at, PAPERS[number % 3])
    assert bursts(told) == []


def test_a_source_that_is_new_counts_only_when_it_is_known() -> None:
    press = Press().usual(MONDAY)
    ministry = [told for n in range(40) for told in press.comes(MONDAY + n * HOUR / 4, "ministry")]
    mixed = press.comes(MONDAY + 10 * HOUR, "p1")
    assert bursts([*ministry, *mixed]) == []


def test_a_source_that_is_lost_is_not_expected_any_more() -> None:
    """Of two papers one brought all there was of it: without that one, little is expected of the other."""
    whole, lost = Press(), Press()
    for press in (whole, lost):
        for n in range(35 * 12):
            press.story(press.start + n * 2 * HOUR, "p1", HEALTH)
            press.story(press.start + n * 2 * HOUR, "p2")
            press.story(press.start + n * 2 * HOUR, "p3")
    for n in range(12):
        whole.story(MONDAY - n * HOUR, "p1", HEALTH)
    (change,) = bursts(lost.come(9, HOUR / 4, MONDAY, ("p2", "p3")))
    assert change.signal is not None
    assert change.signal.expected < 0.5
    assert bursts(whole.come(9, HOUR / 4, MONDAY, ("p2", "p3"))) == []


@pytest.mark.parametrize(("when", "count"), [(MONDAY, 0), (MONDAY + 3 * DAY, 1)])
def test_what_is_usual_on_a_monday_morning_is_not_on_a_thursday(when: datetime, count: int) -> None:
    press = Press().usual(MONDAY)
    for week in range(1, 5):
        for n in range(6):
            press.story(MONDAY - 7 * week * DAY + n * HOUR / 6, PAPERS[n % 3], HEALTH)
            press.story(MONDAY - 7 * week * DAY + n * HOUR / 6, PAPERS[n % 3], HEALTH)
    press.start = MONDAY
    press.usual(when)
    assert len(bursts(press.come(6, HOUR / 6, when))) == count


def test_a_baseline_counts_nowhere() -> None:
    press = Press().usual(MONDAY)
    for n in range(20):
        press.story(MONDAY - n * HOUR / 20, PAPERS[n % 3], HEALTH, baseline=True)
    assert bursts(press.come(2, HOUR / 20, MONDAY)) == []
    assert press.signals.rates.volume("p1", (MONDAY - HOUR).timestamp() - 1, MONDAY.timestamp()) <= 2


@pytest.mark.parametrize(("rules", "count"), [("1", 1), ("2", 0)])
def test_what_nobody_ever_heard_of_is_news_unless_new_rules_see_it_first(rules: str, count: int) -> None:
    press = Press().usual(MONDAY)
    press.rules = rules
    told = [t for n in range(8) for t in press.comes(MONDAY + n * HOUR / 4, PAPERS[n % 3], "initiative:moi")]
    assert len(bursts(told)) == count


def test_new_rules_are_trusted_once_they_have_been_at_work() -> None:
    press = Press(rules="2")
    press.usual(MONDAY)
    assert press.signals.rates.rules_since("2") <= MONDAY.timestamp() - LEARNT
    told = [t for n in range(8) for t in press.comes(MONDAY + n * HOUR / 4, PAPERS[n % 3], "initiative:moi")]
    assert len(bursts(told)) == 1


def test_a_parent_that_was_only_derived_is_not_told_beside_its_child() -> None:
    press = Press().usual(MONDAY)
    item = building.item("x", fetched_at=MONDAY)
    for n in range(8):
        press.story(MONDAY - n * HOUR / 4, PAPERS[n % 3], "initiative:con", "initiative:cha")
    tags = m.Tags(
        id="x", taxonomy="1",
        initiatives=[
            m.Tag(id="con", role="primary", score=5, evidence=[]),
            m.Tag(id="cha", role="primary", score=5, evidence=[], via="con"),
            m.Tag(id="khac", role="mentioned", score=1, evidence=[]),
        ],
    )  # fmt: skip
    (told,) = press.signals.bursts(building.item("x", publisher="p1", fetched_at=item.fetched_at), tags, b"{}")
    assert told.story.signal is not None
    assert told.story.signal.about == "initiative:con"


def test_a_merged_storys_items_are_counted_once() -> None:
    signals = Signals()
    trace = m.Trace(at=MONDAY, publisher="p1")
    first = m.Story(id="a", revision=1, began_at=MONDAY, traces={"a": trace}, details={"a": [HEALTH]})
    second = m.Story(id="b", revision=1, began_at=MONDAY, traces={"b": trace}, details={"b": [HEALTH]})
    for story in (first, second):
        signals.put(story, None)
    both = m.Story(
        id="a",
        revision=2,
        began_at=MONDAY,
        traces={"a": trace, "b": trace},
        details={"a": [HEALTH], "b": [HEALTH]},
    )
    signals.put(both, first)
    signals.put(m.Story(id="b", revision=1, began_at=MONDAY, merged_into="a"), second)
    at = MONDAY.timestamp()
    assert (signals.rates.volume("p1", at - 1, at), len(signals.rates.seen(HEALTH, at - 1, at))) == (2, 2)


def test_the_chance_of_so_many_is_that_of_the_distribution() -> None:
    # Negative binomial of mean 1 and size 2: P(X = 0) = (2/3)^2, P(X = 1) = 2 · (2/3)^2 · 1/3.
    assert chance(1, 1.0) == pytest.approx(1 - 4 / 9)
    assert chance(2, 1.0) == pytest.approx(1 - 4 / 9 - 8 / 27)
    assert chance(3, 0.0) == 0.0


# --- through the stage --------------------------------------------------------------------------------------


def days(seed: int) -> Iterator[tuple[m.Item, dict[str, object]]]:
    """Three weeks of three papers and a rise on the last day; every item is a story of its own."""
    rng = random.Random(seed)
    words = [f"từ{n}" for n in range(4_000)]
    moments = sorted(MONDAY - rng.random() * 20 * DAY for _ in range(240))
    rise = [MONDAY + n * HOUR / 3 for n in range(8)]
    for number, at in enumerate((*moments, *rise)):
        tag = m.Tag(id="bo-yte", role="primary", score=5, evidence=[], name="Bộ Y tế")
        item = building.item(
            f"i{number}", publisher=PAPERS[number % 3], source=PAPERS[number % 3],
            title=" ".join(rng.sample(words, 8)), lede=" ".join(rng.sample(words, 20)), fetched_at=at,
        )  # fmt: skip
        yield item, {"agencies": [tag] if at >= MONDAY or number % 40 == 0 else [], "taxonomy": "1"}


def test_a_take_over_at_any_moment_changes_nothing() -> None:
    arrived = list(days(5))
    whole = building.stage_on()
    expected = [
        c
        for item, tags in arrived
        for c in building.changes(building.handled(whole, building.tagged(item, **tags))[1])
    ]
    assert [c.kind for c in expected].count("burst") == 1
    log, stage, found = Kept(), building.stage_on(), []
    for number, (item, tags) in enumerate(arrived):
        if number % 50 == 0 or item.fetched_at >= MONDAY:
            stage = building.restored(log)
        _, outputs = building.handled(stage, building.tagged(item, **tags))
        log.write(outputs)
        found += building.changes(outputs)
    assert found == expected


def test_the_change_carries_the_last_item_whole() -> None:
    stage, last = building.stage_on(), b""
    for item, tags in days(5):
        given = building.tagged(item, **tags)
        for change in building.changes(building.handled(stage, given)[1]):
            if change.kind == "burst":
                last = given.value or b""
                assert (bytes(change.tagged), change.item) == (last, item.id)
    assert last
