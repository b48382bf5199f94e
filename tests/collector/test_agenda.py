from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.collector.agenda import Agenda


def test_due_first_and_one_of_a_publisher_at_a_time() -> None:
    agenda = Agenda()
    agenda.put("b", "paper", 2.0)
    agenda.put("a", "paper", 1.0)
    agenda.put("c", "ministry", 3.0)
    assert agenda.start(0.5) is None
    assert agenda.start(5.0) == "a"
    assert agenda.start(5.0) == "c"
    assert agenda.start(5.0) is None
    agenda.finish("a", "paper")
    assert agenda.start(5.0) == "b"


def test_put_again_and_remove() -> None:
    agenda = Agenda()
    agenda.put("a", "paper", 1.0)
    agenda.put("a", "paper", 9.0)
    assert agenda.start(5.0) is None
    assert agenda.next_due() == 9.0
    agenda.put_unless_sooner("a", "paper", 20.0)
    assert agenda.next_due() == 9.0
    agenda.remove("a")
    assert agenda.next_due() is None
    assert agenda.start(99.0) is None


STEPS = st.lists(st.tuples(st.sampled_from("abcdef"), st.floats(0, 10)), max_size=30)


@given(STEPS)
def test_nothing_is_lost_and_nothing_doubled(steps: list[tuple[str, float]]) -> None:
    """Two publishers of three sources; everything put comes out once, when it was put last."""
    agenda, last = Agenda(), {}
    for source, due in steps:
        agenda.put(source, "p" if source in "abc" else "q", due)
        last[source] = due
    came: list[str] = []
    while (started := agenda.start(10.0)) is not None:
        came.append(started)
        agenda.finish(started, "p" if started in "abc" else "q")
    assert sorted(came) == sorted(last)
