"""The life of a delivery: each transition, and the sums of any history."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alerter import ledger
from services.alerter.book import Book
from services.alerter.ledger import Policy
from services.alerter.responses import Kind, Verdict
from tests.alerter import builders as b
from tinsom import codec
from tinsom.messages import Delivery

P = Policy()
T = b.NOW_S


def begun(**changes: Any) -> Delivery:
    return ledger.begun(ledger.accepted(b.alert(**changes), T), T, T, P)


def after(verdict: Verdict, delivery: Delivery | None = None, parts: int = 1) -> Delivery:
    return ledger.concluded(delivery or begun(), verdict, parts, T + 1, T + 1, P)


def test_pending_holds_the_whole_alert() -> None:
    pending = ledger.accepted(b.alert(), T)
    assert (pending.state, pending.alert, pending.story) == ("pending", b.alert(), "s1")


def test_an_intent_names_part_attempt_and_limit() -> None:
    sending = begun()
    assert (sending.state, sending.history[-1].attempt, sending.history[-1].part) == ("sending", 1, 1)
    assert ledger.seconds(sending.not_after) == T + P.intent
    assert ledger.seconds(ledger.begun(sending, T, T, P, slack=15.0).not_after) == T + P.intent + 15


def test_sent_keeps_the_message_id_and_drops_the_alert() -> None:
    sent = after(Verdict("delivered", message_id="7"))
    assert (sent.state, sent.message_ids, sent.alert, sent.not_after) == ("sent", ["7"], None, None)
    assert [s.state for s in sent.history] == ["pending", "sending", "sent"]


def test_parts_are_sent_one_after_the_other() -> None:
    first = after(Verdict("delivered", message_id="7"), parts=2)
    assert (first.state, ledger.part(first), ledger.attempts(first)) == ("pending", 2, 0)
    second = after(Verdict("delivered", message_id="8"), ledger.begun(first, T, T, P), parts=2)
    assert (second.state, second.message_ids) == ("sent", ["7", "8"])


@pytest.mark.parametrize(
    ("verdict", "state", "reason"),
    [
        (Verdict("stale", "intent_ran_out"), "pending", "intent_ran_out"),
        (Verdict("throttled", "too_many_requests", retry_after=20.0), "pending", "too_many_requests"),
        (Verdict("unreachable", "unreachable"), "pending", "unreachable"),
        (Verdict("retry", "deferred"), "pending", "deferred"),
        (Verdict("unsure", "server_error"), "pending", "server_error"),
        (Verdict("moved", "migrated", moved_to="-1"), "pending", "moved"),
        (Verdict("plain", "parse"), "pending", ledger.PLAIN),
        (Verdict("topic", "topic_closed"), "pending", ledger.TOPIC),
        (Verdict("original", "original_missing"), "pending", ledger.ORIGINAL),
        (Verdict("gone", "blocked"), "failed", "blocked"),
        (Verdict("bounced", "hard_bounce"), "failed", "hard_bounce"),
        (Verdict("rejected", "bad_request"), "failed", "bad_request"),
        (Verdict("fatal", "unauthorized"), "pending", "unauthorized"),
        (Verdict("ambiguous", "no_answer"), "ambiguous", "no_answer"),
    ],
)
def test_results(verdict: Verdict, state: str, reason: str) -> None:
    result = after(verdict)
    assert (result.state, result.history[-1].reason) == (state, reason)
    assert (result.alert is not None) == (state in ledger.OPEN)


def test_retry_after_is_honoured_and_back_off_grows_up_to_its_limit() -> None:
    assert ledger.seconds(after(Verdict("throttled", "x", retry_after=20.0)).not_before) == T + 21
    delivery, waits = ledger.accepted(b.alert(), T), []
    for _ in range(12):
        delivery = after(Verdict("unreachable", "unreachable"), ledger.begun(delivery, T, T, P))
        waits.append(ledger.seconds(delivery.not_before) - T - 1)
    assert 5 <= waits[0] <= 10
    assert all(wait <= P.longest_retry for wait in waits)
    assert min(waits[-3:]) >= P.longest_retry / 2
    assert len(delivery.history) <= ledger.KEPT_STEPS


def test_a_failing_server_is_tried_thrice_then_in_doubt() -> None:
    delivery = ledger.accepted(b.alert(), T)
    states = []
    for _ in range(3):
        delivery = after(Verdict("unsure", "server_error"), ledger.begun(delivery, T, T, P))
        states.append(delivery.state)
    assert states == ["pending", "pending", "ambiguous"]


@pytest.mark.parametrize("change", ["moved", "plain", "topic", "original"])
def test_the_same_complaint_twice_is_the_end(change: Kind) -> None:
    once = after(Verdict(change, "x"))
    assert after(Verdict(change, "x"), ledger.begun(once, T, T, P)).state == "failed"


def test_urgent_in_doubt_is_sent_once_more_and_says_so() -> None:
    once = after(Verdict("ambiguous", "no_answer"), begun(priority="urgent"))
    assert (once.state, once.history[-1].reason, once.history[-2].state) == ("pending", ledger.RESEND, "ambiguous")
    twice = after(Verdict("ambiguous", "no_answer"), ledger.begun(once, T, T, P))
    assert twice.state == "ambiguous"


def test_an_intent_of_a_former_owner_is_in_doubt_only_when_it_cannot_be_written_any_more() -> None:
    sending = begun()
    assert not ledger.overdue(sending, T + P.intent + P.skew, P)
    assert ledger.overdue(sending, T + P.intent + P.skew + 0.002, P)
    assert not ledger.overdue(ledger.accepted(b.alert(), T), T + 99, P)


def test_too_old() -> None:
    pending = ledger.accepted(b.alert(), T)
    assert not ledger.expired(pending, T + P.expire_after, P)
    assert ledger.expired(pending, T + P.expire_after + 1, P)
    assert not ledger.expired(begun(), T + P.expire_after + 1, P)


def test_what_is_written_reads_back_equal() -> None:
    sending = ledger.begun(ledger.accepted(b.alert(), T + 0.123456), T + 0.1239, T + 0.1, P)
    assert codec.from_bytes(codec.to_bytes(sending), Delivery) == sending


_VERDICTS = st.sampled_from(
    [
        Verdict("delivered", message_id="1"), Verdict("stale", "s"), Verdict("throttled", "t", retry_after=1.0),
        Verdict("unreachable", "u"), Verdict("retry", "r"), Verdict("unsure", "server_error"),
        Verdict("moved", "m"),
        Verdict("gone", "g"), Verdict("bounced", "b"), Verdict("plain", "p"), Verdict("topic", "t"),
        Verdict("rejected", "r"), Verdict("fatal", "f"), Verdict("ambiguous", "a"), Verdict("original", "o"),
    ]
)  # fmt: skip


@given(st.lists(_VERDICTS, max_size=60), st.sampled_from(["urgent", "normal", "low"]), st.integers(1, 3))
def test_any_history_ends_in_one_state_and_restores(verdicts: list[Verdict], priority: str, parts: int) -> None:
    delivery, book = ledger.accepted(b.alert(priority=priority), T), Book()
    book.put(delivery)
    for verdict in verdicts:
        if delivery.state != "pending":
            break
        delivery = ledger.concluded(ledger.begun(delivery, T, T, P), verdict, parts, T, T, P)
        book.put(delivery)
    assert delivery.state in ("pending", "sent", "failed", "ambiguous")
    assert (delivery.alert is None) == (delivery.state not in ledger.OPEN)
    assert len(delivery.history) <= ledger.KEPT_STEPS + 20
    fold = Book()
    fold.put(codec.from_bytes(codec.to_bytes(delivery), Delivery))
    assert fold.open == book.open
    assert fold.knows(delivery.alert_id)
    assert [d.alert_id for d in fold.heads()] == [d.alert_id for d in book.heads()]
