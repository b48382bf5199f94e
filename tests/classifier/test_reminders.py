"""Deadlines come back seven, three and one days before, once each, to those who follow the story."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from services.alerter.plan import Rules, plan
from services.classifier.story import reminders
from services.classifier.story.reminders import ZONE
from services.classifier.story.storystage import KEPT_SECONDS, StoryStage
from tests.classifier.story_building import (
    HARVEST,
    NOW,
    Kept,
    changes,
    handled,
    item,
    membership,
    restored,
    stage_on,
    tagged,
    ticked,
)
from tinsom import codec
from tinsom import messages as m
from tinsom.log import Output

ACTION = "hoàn thành kết nối dữ liệu dân cư"


def task(deadline: str | None, action: str = ACTION, lead: tuple[str, ...] = ("bo-cong-an",)) -> m.Task:
    return m.Task(lead=list(lead), co=[], action=action, deadline=deadline, precision="day", raw=action)


def tag(identity: str) -> m.Tag:
    return m.Tag(id=identity, role="primary", score=0.9, evidence=[])


def given(stage: StoryStage, an_item: m.Item, *tasks: m.Task, log: Kept | None = None) -> list[Output]:
    outputs = handled(stage, tagged(an_item, tasks=list(tasks), agencies=[tag("bo-cong-an")]))[1]
    if log is not None:
        log.write(outputs)
    return outputs


def at(day: str, hour: int = 8, minute: int = 0) -> datetime:
    return datetime.fromisoformat(day).replace(hour=hour, minute=minute, tzinfo=ZONE)


def told(outputs: list[Output]) -> list[tuple[str, str, int]]:
    return [(c.kind, c.story, c.revision) for c in changes(outputs)]


def test_a_deadline_comes_back_three_times_and_ends() -> None:
    stage = stage_on()
    given(stage, item("a"), task("2026-10-30"))
    days = [("2026-10-23", 2), ("2026-10-27", 3), ("2026-10-29", 4)]
    for day, revision in days:
        assert told(ticked(stage, at(day, 7, 59))) == []
        outputs = ticked(stage, at(day, 8, 1))
        assert told(outputs) == [("deadline", "a", revision)]
        assert {o.timestamp for o in outputs} == {int(at(day, 8, 1).timestamp() * 1000)}
        assert told(ticked(stage, at(day, 8, 2))) == []
    assert [(o.topic, o.value) for o in outputs if o.topic == "reminders"] == [("reminders", None)]
    assert not stage.diary.reminders


def test_what_is_past_when_it_is_first_seen_is_not_told() -> None:
    stage = stage_on()
    given(
        stage,
        item("a"),
        task("2026-10-16"),
        task("2026-10-14", "nộp báo cáo"),
        task(None, "rà soát"),
        task("quý tới"),
    )
    assert [told(ticked(stage, at(day, 9))) for day in ("2026-10-14", "2026-10-15", "2026-10-16")] == [
        [], [("deadline", "a", 2)], [],
    ]  # fmt: skip


def test_plan_tells_the_followers_of_the_task_alone() -> None:
    stage = stage_on()
    given(
        stage, item("a", text="Toàn văn. " * 500), task("2026-10-30"), task("2027-01-15", "nộp báo cáo tổng kết")
    )
    (change,) = changes(ticked(stage, at("2026-10-23", 9)))
    follower = m.Subscription(id="s", destination="d", match=m.Match(agencies=["bo-cong-an"]))
    (alert,) = plan(change, [follower], Rules())
    assert isinstance(alert, m.Alert)
    assert [(line.who, line.action, line.deadline) for line in alert.notice.tasks] == [
        (["bo-cong-an"], ACTION, "2026-10-30")
    ]
    assert len(bytes(change.tagged)) < 2_000


def test_a_baseline_reminds_of_nothing() -> None:
    stage = stage_on()
    given(stage, item("a", baseline=True), task("2026-10-30"))
    assert not stage.diary.reminders


@pytest.mark.parametrize(
    ("second", "due"),
    [
        ({"id": "a", "revision": 2, "change": "revised"}, "2026-11-13"),
        ({"tier": 1}, "2026-11-13"),
        ({"tier": 3}, "2026-10-23"),
    ],
)
def test_a_later_date_moves_the_reminder_unless_a_lesser_source_names_it(second: dict[str, Any], due: str) -> None:
    stage = stage_on()
    given(stage, item("a"), task("2026-10-30"))
    later = item("b", minutes=60, **second)
    given(stage, later, task("2026-11-20", ACTION + " toàn quốc"))
    soonest = min(reminder.due[0] for reminder in stage.diary.reminders.values())
    assert soonest == at(due)
    assert len(membership(stage)) == 1


def test_a_copy_with_the_same_task_reminds_once() -> None:
    stage = stage_on()
    given(stage, item("a"), task("2026-10-30"))
    given(stage, item("b", minutes=9), task("2026-10-30", ACTION + " quốc gia"))
    assert told(ticked(stage, at("2026-10-23", 9))) == [("deadline", "a", 3)]


def test_two_dates_for_one_action_are_two_reminders_however_often_they_are_read() -> None:
    stage = stage_on()
    tasks = (task("2026-10-30"), task("2026-12-30"))
    given(stage, item("a"), *tasks)
    before = dict(stage.diary.reminders)
    given(stage, item("a", minutes=5, revision=2, change="revised", lede="Sửa."), *reversed(tasks))
    assert len(before) == 2
    assert stage.diary.reminders == before


def test_a_withdrawn_item_reminds_of_nothing_any_more() -> None:
    stage = stage_on()
    given(stage, item("a"), task("2026-10-30"))
    outputs = given(stage, item("a", minutes=9, revision=2, change="withdrawn"))
    assert [o.value for o in outputs if o.topic == "reminders"] == [None]


def test_after_a_standstill_the_last_is_told_alone_and_nothing_after_the_day() -> None:
    first, second = stage_on(), stage_on()
    for stage in (first, second):
        given(stage, item("a"), task("2026-10-30"))
    assert told(ticked(first, at("2026-10-28"))) == [("deadline", "a", 2)]
    assert told(ticked(second, at("2026-10-31", 9))) == []
    assert not second.diary.reminders


def test_a_story_outlives_its_reminders() -> None:
    stage = stage_on()
    given(stage, item("a"), task("2027-03-30"))
    given(stage, item("b", title=HARVEST, lede=""))
    over = NOW + timedelta(seconds=KEPT_SECONDS + 60)
    assert [o.key for o in ticked(stage, over) if o.value is None] == [b"b"]
    assert told(ticked(stage, at("2027-03-29", 9))) == [("deadline", "a", 2)]
    assert not stage.shelf.stories


def test_the_successor_tells_what_the_first_would_have_told() -> None:
    log = Kept()
    live = stage_on(log)
    given(live, item("a"), task("2026-10-30"), task("2026-11-02", "nộp hồ sơ thí điểm"), log=log)
    log.write(ticked(live, at("2026-10-23", 9)))
    heir = restored(log)
    for day in ("2026-10-26", "2026-10-27", "2026-10-30", "2026-11-01", "2026-12-20"):
        assert ticked(heir, at(day, 9)) == ticked(live, at(day, 9))
    assert heir.shelf.stories == live.shelf.stories == {}


def test_a_goal_for_the_next_years_is_no_reminder() -> None:
    tags = m.Tags(id="a", tasks=[task("2030-12-31"), task("2026-12-31")])
    story = m.Story(id="a", revision=1, began_at=NOW, items={"a": 1})
    made = reminders.changes([], story, item("a"), tags, NOW)
    assert [reminder.task.deadline for reminder in made.kept] == ["2026-12-31"]


def test_a_reminder_is_state_with_a_type_of_its_own() -> None:
    outputs = given(stage_on(), item("a"), task("2026-10-30"))
    (kept,) = [o for o in outputs if o.topic == "reminders"]
    message = codec.TYPES["vn.tinsom.reminder.v1"]
    decoded = msgspec.json.decode(kept.value or b"", type=message)
    assert isinstance(decoded, m.Reminder)
    assert [moment.astimezone(UTC).hour for moment in decoded.due] == [1, 1, 1]
