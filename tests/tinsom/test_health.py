from __future__ import annotations

import time

import pytest

from tinsom.health import Health


def test_a_process_that_has_only_begun_is_alive_and_not_ready() -> None:
    health = Health()
    assert health.alive
    assert not health.is_ready


def test_ready_is_when_every_expected_part_is() -> None:
    health = Health()
    health.expect("a")
    health.expect("b")
    health.ready("a")
    assert not health.is_ready
    health.ready("b")
    assert health.is_ready


def test_a_part_without_progress_is_stuck_until_it_moves_or_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    health = Health(stuck_after=10)
    health.progress("a")
    health.progress("b")
    now = 111.0
    health.progress("b")
    assert health.stuck() == ["a"]
    assert not health.alive
    health.done("a")
    assert health.alive


def test_what_is_owned_is_known_by_stage() -> None:
    health = Health()
    health.gained("tag", 1)
    health.gained("tag", 2)
    health.lost("tag", 1)
    health.lost("plan", 1)
    assert (health.owned("tag"), health.owned("plan")) == (frozenset({2}), frozenset())
