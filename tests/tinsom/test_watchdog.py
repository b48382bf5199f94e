from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tinsom.health import Health
from tinsom.watchdog import Hidden, Standstill, watching


def test_unread_records_at_the_same_offset_are_a_standstill_after_the_limit() -> None:
    watch = Standstill(limit=10)
    assert not watch.stuck("tag", 0, unread=5, committed=7, now=0)
    assert not watch.stuck("tag", 0, unread=5, committed=7, now=10)
    assert watch.stuck("tag", 0, unread=5, committed=7, now=10.1)


def test_progress_or_an_empty_queue_begins_anew() -> None:
    watch = Standstill(limit=10)
    for now, unread, committed in ((0, 5, 7), (8, 4, 8), (16, 0, 8), (24, 3, 8), (32, 2, 9)):
        assert not watch.stuck("tag", 0, unread, committed, now)


def test_partitions_and_stages_are_watched_apart() -> None:
    watch = Standstill(limit=10)
    assert not watch.stuck("tag", 0, 5, 7, 0)
    assert not watch.stuck("tag", 1, 5, 7, 9)
    assert not watch.stuck("plan", 0, 5, 7, 9)
    assert watch.stuck("tag", 0, 5, 7, 11)
    assert not watch.stuck("tag", 1, 5, 7, 12)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=50))
def test_it_never_barks_before_the_limit_has_passed_without_progress(steps: list[tuple[int, int]]) -> None:
    watch, since, last = Standstill(limit=5), 0, -1
    for now, (unread, committed) in enumerate(steps):
        if unread == 0 or committed != last:
            since, last = now, committed
        assert watch.stuck("tag", 0, unread, committed, now) == (unread > 0 and now - since > 5)


def test_what_is_hidden_at_the_same_offset_is_hidden_longer_and_longer() -> None:
    watch = Hidden()
    assert watch.seconds({("items", 0): 7, ("items", 1): 9}, now=0) == {"items": 0}
    assert watch.seconds({("items", 0): 7, ("items", 1): 12, ("tagged", 0): 1}, now=15) == {
        "items": 15,
        "tagged": 0,
    }
    assert watch.seconds({("items", 1): 12}, now=30) == {"items": 15}
    assert watch.seconds({}, now=45) == {}
    assert watch.seconds({("items", 1): 12}, now=60) == {"items": 0}


def test_the_watchdog_ends_with_its_block() -> None:
    with watching(Health()):
        pass
