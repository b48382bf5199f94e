"""No limit is met, whatever is wanted."""

from hypothesis import given
from hypothesis import strategies as st

from services.alerter.pacing import CHATS, TELEGRAM, UNLIMITED, Pacer
from tests.fakes.telegram.core import BotApi


def test_no_limit() -> None:
    pacer = Pacer(UNLIMITED)
    for _ in range(1000):
        pacer.take("a", False, 5.0)
    assert pacer.free_at("a", False, 5.0) == 5.0


def test_a_chat_waits_a_second_another_does_not() -> None:
    pacer = Pacer(TELEGRAM)
    pacer.take("a", False, 10.0)
    assert 11.0 <= pacer.free_at("a", False, 10.0) <= 11.1
    assert pacer.free_at("b", False, 10.0) == 10.0


def test_twenty_a_minute_in_a_group() -> None:
    pacer, now = Pacer(TELEGRAM), 0.0
    for _ in range(20):
        now = pacer.free_at("-1", True, now, urgent=True)
        pacer.take("-1", True, now)
    assert pacer.free_at("-1", True, now) >= 60.0


def test_urgent_has_room_left_in_a_busy_group() -> None:
    pacer, now = Pacer(TELEGRAM), 0.0
    while (free := pacer.free_at("-1", True, now)) < 50:
        now = free
        pacer.take("-1", True, now)
    assert pacer.free_at("-1", True, now) > 60
    assert pacer.free_at("-1", True, now, urgent=True) < now + 1.1


def test_pauses() -> None:
    pacer = Pacer(TELEGRAM)
    pacer.pause_chat("a", 30.0)
    pacer.pause_chat("a", 20.0)
    assert pacer.free_at("a", False, 1.0) == 30.0
    assert pacer.free_at("b", False, 1.0) == 1.0
    pacer.pause_channel(99.0)
    assert pacer.free_at("b", False, 1.0) == 99.0
    assert pacer.free_at("a", False, 100.0) == 100.0


def test_chats_that_hold_nothing_back_are_not_remembered_for_ever() -> None:
    pacer = Pacer(TELEGRAM)
    pacer.pause_chat("b", 90_000.0)
    for number in range(3 * CHATS):
        pacer.take(f"s{number}", False, float(number))
    assert len(pacer._chats) <= CHATS
    assert pacer.free_at(f"s{3 * CHATS - 1}", False, float(3 * CHATS - 1)) > 3 * CHATS
    assert pacer.free_at("b", False, 40_000.0) == 90_000.0


def test_the_channel_is_calm_when_nothing_was_sent_for_a_second() -> None:
    pacer = Pacer(TELEGRAM)
    assert pacer.calm_at(5.0) == 5.0
    pacer.take("a", False, 10.0)
    assert 11.0 <= pacer.calm_at(10.0) <= 11.1
    assert pacer.calm_at(20.0) == 20.0


@given(st.lists(st.tuples(st.integers(0, 40), st.booleans(), st.floats(0, 2)), min_size=1, max_size=300))
def test_the_strict_server_never_says_429(wishes: list[tuple[int, bool, float]]) -> None:
    """Requests may take up to 40 ms to arrive; each is sent when the pacer says so."""
    pacer, now, arrived = Pacer(TELEGRAM), 0.0, [0.0]
    api = BotApi(lambda: arrived[0])
    for number, group, jitter in wishes:
        chat = f"{'-' if group else ''}{number + 1}"
        now = pacer.free_at(chat, group, now)
        pacer.take(chat, group, now)
        arrived[0] = max(arrived[0], now + jitter / 50)
        assert api.handle("sendMessage", {"chat_id": chat, "text": "x"}).status == 200
