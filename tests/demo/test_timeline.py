"""What happens when, and what must have come of it."""

from __future__ import annotations

from services.demo import edition
from services.demo.timeline import Timeline, expected

DAY = edition.load()
LINE = Timeline.of(DAY)


def test_moments_are_the_day() -> None:
    counts = {what: sum(moment.what == what for moment in LINE.moments) for what in {m.what for m in LINE.moments}}
    want = expected(DAY)
    assert counts["published"] + counts["copied"] == want.items
    assert counts["edited"] == want.revisions
    assert counts["fault"] == 3
    assert counts["recovered"] == counts["renumbered"] == 1


def test_expected_adds_up() -> None:
    want = expected(DAY)
    assert sum(want.items_by_publisher.values()) == want.items
    assert sum(want.entries.values()) > want.items + want.baseline  # one paper shows an article in several feeds


def test_until_and_between_split_the_day() -> None:
    noon = LINE.start + 6 * 3600
    assert LINE.until(noon) + LINE.between(noon, LINE.end) == LINE.moments
    assert LINE.until(LINE.start) == ()


def test_done_with_the_last_change() -> None:
    last = LINE.moments[-1].at
    assert not LINE.done(last - 1)
    assert LINE.done(last)
    assert last < LINE.end


def test_progress_and_speed() -> None:
    assert LINE.progress(LINE.start - 5) == 0
    assert LINE.progress(LINE.end + 5) == 1
    assert LINE.speed(75) == (LINE.end - LINE.start) / 75
    assert LINE.label(LINE.start) == "06:00"
