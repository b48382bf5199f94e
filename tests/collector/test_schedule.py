from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector import schedule
from services.collector.web.response import GOOD, OUTCOMES, Outcome
from tests.collector.build import NOW


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Tue, 10 Mar 2026 03:10:00 GMT", 600.0),
        ("Tue, 10 Mar 2026 02:00:00 GMT", 0.0),
        ("99999999999", schedule.DAY),
        ("soon", 0.0),
        ("-5", 0.0),
        ("", 0.0),
    ],
)
def test_retry_after_in_both_forms(value: str, seconds: float) -> None:
    assert schedule.retry_after(value, NOW) == seconds


@given(st.sampled_from(OUTCOMES), st.floats(0, 100), st.floats(1, 86_400), st.floats(0, 86_400))
def test_never_sooner_than_asked_nor_never_again(
    outcome: Outcome, failures: float, interval: float, asked: float
) -> None:
    due = schedule.next_poll("s", interval, outcome, failures, NOW, asked_to_wait=asked)
    assert due >= NOW + asked
    assert due >= NOW + 0.9 * min(interval, schedule.LONGEST)
    assert due <= NOW + 8 * schedule.DAY


def test_failures_make_it_rarer_by_kind() -> None:
    def wait(outcome: Outcome, times: int) -> float:
        failures = 0.0
        for _ in range(times):
            failures = schedule.failures_after(failures, outcome)
        return schedule.next_poll("s", 300, outcome, failures, NOW) - NOW

    assert wait("dns", 1) < wait("timeout", 1) < wait("http_4xx", 1)
    assert wait("http_4xx", 1) < wait("http_4xx", 3) < wait("http_4xx", 30)
    assert wait("gone", 1) > schedule.DAY


def test_one_success_clears_the_record() -> None:
    assert all(schedule.failures_after(12.0, outcome) == 0.0 for outcome in GOOD)


def test_first_polls_are_spread_and_a_plan_is_kept() -> None:
    dues = [schedule.first_poll(f"s{i}", NOW, 300, 1000) for i in range(1000)]
    assert min(dues) >= NOW
    assert max(dues) < NOW + 100
    assert len({int(due) for due in dues}) > 60
    assert schedule.first_poll("s", NOW, 300, 1, planned=NOW + 999) == NOW + 999
    assert schedule.first_poll("s", NOW, 300, 1, planned=NOW - 999) < NOW + 1


def test_states() -> None:
    seen: list[tuple[Outcome | None, float]] = [(None, 0), ("ok", 0), ("dns", 1), ("gone", 1), ("dns", 99)]
    assert [schedule.state_of(outcome, failures) for outcome, failures in seen] == [
        "new",
        "ok",
        "failing",
        "parked",
        "parked",
    ]
