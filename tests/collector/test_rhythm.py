from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector import rhythm, schedule
from services.collector.reading import dates
from services.collector.rhythm import DAY, Rhythm
from tests.collector.build import NOW

LOCAL = dates.zone("Asia/Ho_Chi_Minh")
HOUR = 3_600.0
EVERY = 607.0  # no multiple of the minutes at which papers publish


def office_hours(days: int, a_day: int = 16) -> Iterator[float]:
    """Items between 8 and 18 o'clock local time, on working days."""
    start = datetime(2026, 3, 9, 8, tzinfo=LOCAL).timestamp()
    for day in range(days):
        if day % 7 < 5:
            yield from (start + day * DAY + i * 10 * HOUR / a_day for i in range(a_day))


def play(published: list[float], base: float, *, adaptive: bool, tier: int = 1) -> tuple[int, float]:
    """Polls and mean delay (s) of looking at `published` as it comes."""
    known, at, polls, delay, next_item = Rhythm(), published[0] - 60, 0, 0.0, 0
    while next_item < len(published):
        polls += 1
        news = []
        while next_item < len(published) and published[next_item] <= at:
            news.append(published[next_item])
            delay += at - published[next_item]
            next_item += 1
        if adaptive and (news or not known.counts):
            known = rhythm.learn(known, news, at, LOCAL)
        at += rhythm.interval(known, base, tier, at, LOCAL) if adaptive else base
    return polls, delay / len(published)


def test_fewer_polls_and_earlier_news_than_a_fixed_interval() -> None:
    published = list(office_hours(60))
    polls, delay = play(published, 307.0, adaptive=False)
    fewer, earlier = play(published, 307.0, adaptive=True)
    assert fewer < 0.9 * polls
    assert earlier < 0.75 * delay


def test_nothing_is_believed_before_enough_was_seen() -> None:
    known = rhythm.learn(Rhythm(), [NOW] * 50, NOW, LOCAL)
    assert rhythm.interval(known, 300, 1, NOW + DAY, LOCAL) == 300


def test_what_was_fades_though_something_comes_every_five_minutes() -> None:
    known = rhythm.learn(Rhythm(), [NOW] * 8, NOW, LOCAL)
    for step in range(int(28 * DAY / 300)):
        known = rhythm.learn(known, [], NOW + step * 300, LOCAL)
    assert sum(known.counts) == pytest.approx(4, abs=0.2)


def test_quiet_sources_are_looked_at_less_often_but_official_ones_never() -> None:
    silent = rhythm.learn(Rhythm(), [], NOW, LOCAL)
    later = NOW + 20 * DAY
    assert [rhythm.interval(silent, 300, tier, later, LOCAL) for tier in (1, 2, 3)] == [300, 600, 1_200]


TIMES = st.lists(st.floats(NOW, NOW + 60 * DAY), max_size=40)


@given(TIMES, st.floats(0, 90 * DAY), st.sampled_from([1, 2, 3]))
def test_always_within_bounds(times: list[float], later: float, tier: int) -> None:
    known = Rhythm()
    for at in sorted(times):
        known = rhythm.learn(known, [at], at, LOCAL)
    found = rhythm.interval(known, 300, tier, NOW + later, LOCAL)
    assert 300 * rhythm.SHORTEST_FACTOR <= found <= 300 * rhythm.LONGEST_FACTOR * rhythm.LONGEST_QUIET_ELSE


def test_looks_are_so_often_that_nothing_rolls_off() -> None:
    rushed = schedule.roll_off(float("inf"), new=30, shown=30, elapsed=900)
    assert rushed == 300
    assert schedule.roll_off(rushed, new=0, shown=30, elapsed=300) == 450
    assert schedule.roll_off(rushed, new=1, shown=2, elapsed=300) == 450


def test_real_arrivals(private_data: Path) -> None:
    """Nine months of three papers, by the times in their addresses or stamps: fewer polls, and earlier."""
    papers: dict[str, list[float]] = {}
    with gzip.open(private_data / "stream" / "first_seen.jsonl.gz", "rt") as lines:
        for line in lines:
            row = json.loads(line)
            at = _published(row)
            if at:
                papers.setdefault(row["source"].split(" - ")[0], []).append(at)
    for paper, times in papers.items():
        times.sort()
        polls, delay = play(times, EVERY, adaptive=False)
        fewer, earlier = play(times, EVERY, adaptive=True)
        fixed = f"every {EVERY:.0f} s {polls} polls, {delay:.0f} s late"
        print(f"\n{paper}: {len(times)} items; {fixed}; adaptive {fewer} polls, {earlier:.0f} s late")
        assert fewer < polls
        assert earlier < delay


def _published(row: dict[str, str]) -> float:
    seen = datetime.fromisoformat(row["first_seen"]).timestamp()
    found = dates.from_address(row["link"], now=seen, timezone="Asia/Ho_Chi_Minh").at
    if found is not None:
        at = found.timestamp()
    elif row["source"].startswith("Tuổi Trẻ"):
        return 0.0  # its stamp is the time of the fetch
    else:
        at = datetime.fromisoformat(row["published"]).timestamp() + 7 * HOUR
    return at if 1_754_870_400 < at < seen + HOUR else 0.0


@pytest.mark.parametrize("tier", [1, 2, 3])
def test_state_is_small(tier: int) -> None:
    known = rhythm.learn(Rhythm(), list(office_hours(60)), NOW, LOCAL)
    assert len(json.dumps(known.counts)) < 400
