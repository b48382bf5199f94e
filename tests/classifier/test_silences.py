from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from services.classifier.story.reminders import ZONE
from services.classifier.story.storystage import StoryStage
from tests.classifier import story_building as building
from tests.classifier.story_building import Kept
from tinsom import messages as m

START = datetime(2026, 9, 7, 9, 0, tzinfo=ZONE)  # a Monday
DAY = timedelta(days=1)


class Months:
    """A stage and its log over weeks; `speaks(source, day)` is one item of that source."""

    def __init__(self) -> None:
        self.log, self.stage, self.count = Kept(), building.stage_on(), 0

    def speaks(self, source: str, day: int, **changes: object) -> None:
        self.count += 1
        item = building.item(
            source + str(self.count), publisher=source, source=source, source_name=f"Báo {source}", tier=1,
            title=f"tin{self.count} việc{self.count}", lede="", text="dài " * 9, fetched_at=START + day * DAY,
        )  # fmt: skip
        given = building.tagged(msgspec.structs.replace(item, **changes))
        self.log.write(building.handled(self.stage, given)[1])

    def speak(self, first: int, end: int, *sources: str, weekend: bool = False, **changes: object) -> None:
        for day in range(first, end):
            if weekend or day % 7 < 5:
                for source in sources:
                    self.speaks(source, day, **changes)

    def told(self, first: int, end: int) -> list[tuple[int, m.StoryChange]]:
        """What the clock brings, looking every half hour; the day of each."""
        found = []
        for half in range((end - first) * 48):
            now = (START + first * DAY).replace(hour=0) + half * timedelta(minutes=30)
            outputs = building.ticked(self.stage, now)
            self.log.write(outputs)
            found += [((now - START.replace(hour=0)).days, c) for c in building.changes(outputs)]
        return found

    def restart(self) -> StoryStage:
        self.stage = building.restored(self.log)
        return self.stage


def six_weeks() -> Months:
    months = Months()
    months.speak(0, 40, "a", "b", "c")
    return months


def test_a_source_that_misses_three_of_its_days_is_told_once_at_eight() -> None:
    months = six_weeks()
    months.speak(40, 60, "b", "c")  # a was last heard on Friday, day 39
    ((day, change),) = months.told(40, 60)
    assert (day, change.kind) == (45, "silence")  # Monday to Wednesday missed: Thursday
    assert change.began_at == (START + 45 * DAY).replace(hour=8)
    signal = change.signal
    assert signal is not None
    assert (signal.about, signal.name, signal.observed, signal.expected) == ("source:a", "Báo a", 0, 3)
    assert signal.since == START + 39 * DAY
    assert signal.items == [change.item]
    tagged = msgspec.json.decode(change.tagged, type=m.TaggedItem)
    assert msgspec.json.decode(tagged.item, type=m.Item).text == ""


def test_a_restart_tells_nothing_again_and_forgets_nothing() -> None:
    months = six_weeks()
    months.speak(40, 60, "b", "c")
    months.restart()
    assert len(months.told(40, 50)) == 1
    months.restart()
    assert months.told(50, 60) == []


def test_a_source_that_speaks_again_may_fall_silent_again() -> None:
    months = six_weeks()
    months.speak(40, 54, "b", "c")
    assert len(months.told(40, 49)) == 1
    months.speak(49, 54, "a")
    months.speak(54, 75, "b", "c")
    assert len(months.told(54, 75)) == 1


def test_weekends_are_no_silence_for_who_never_speaks_on_them() -> None:
    months = six_weeks()
    months.speak(40, 44, "b", "c")
    assert months.told(40, 44) == []


def test_a_holiday_of_all_is_no_silence() -> None:
    months = six_weeks()
    months.speaks("press", 0, tier=2)
    months.speak(40, 60, "press", tier=2)
    assert months.told(40, 60) == []


def test_nobody_was_heard_so_we_were_deaf() -> None:
    months = Months()
    months.speak(0, 40, "a")
    assert months.told(40, 60) == []
    months.speak(40, 60, "press", tier=2)
    months.restart()
    assert [day for day, _ in months.told(60, 61)] == [60]


@pytest.mark.parametrize("changes", [{"tier": 2}, {"baseline": True}])
def test_press_and_baselines_have_no_pulse(changes: dict[str, Any]) -> None:
    months = Months()
    months.speak(0, 40, "b", "c")
    months.speak(0, 40, "a", **changes)
    months.speak(40, 60, "b", "c")
    assert months.told(40, 60) == []


def test_a_source_that_speaks_twice_a_week_is_no_daily_one() -> None:
    months = Months()
    months.speak(0, 60, "b", "c")
    for week in range(6):
        months.speaks("a", 7 * week)
        months.speaks("a", 7 * week + 3)
    assert months.told(40, 60) == []


def test_four_weeks_are_needed_to_know_a_rhythm() -> None:
    months = Months()
    months.speak(0, 60, "b", "c")
    months.speak(25, 40, "a")
    assert months.told(40, 60) == []
