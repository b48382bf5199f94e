"""The fold of deliveries: order, dedupe, what was told."""

import time
from typing import Any

from services.alerter import arrival, ledger
from services.alerter.book import Book
from services.alerter.ledger import Policy
from services.alerter.responses import Verdict
from tests.alerter import builders as b
from tinsom.messages import Delivery

P, T = Policy(), b.NOW_S


def pending(number: int, at: float = T, **changes: Any) -> Delivery:
    return ledger.accepted(b.alert(number, **changes), at)


def sent(number: int, **changes: Any) -> Delivery:
    sending = ledger.begun(pending(number, **changes), T, T, P)
    return ledger.concluded(sending, Verdict("delivered", message_id=str(number)), 1, T, T, P)


def heads(book: Book) -> list[str]:
    return [str(int(d.alert_id, 16)) for d in book.heads()]


def test_one_head_per_destination_in_order_urgent_first() -> None:
    book = Book()
    for delivery in (pending(1), pending(2), pending(3, destination="x"), pending(4, priority="urgent")):
        book.put(delivery)
    assert heads(book) == ["4", "3"]
    book.put(sent(4, priority="urgent"))
    assert heads(book) == ["1", "3"]


def test_what_is_being_sent_holds_its_chat() -> None:
    book = Book()
    book.put(pending(1))
    book.put(pending(2))
    book.put(ledger.begun(pending(1), T, T, P))
    assert heads(book) == []
    book.put(sent(1))
    assert heads(book) == ["2"]


def test_what_is_in_doubt_holds_nothing() -> None:
    book = Book()
    book.put(pending(1))
    book.put(pending(2))
    book.put(ledger.concluded(ledger.begun(pending(1), T, T, P), Verdict("ambiguous", "a"), 1, T, T, P))
    assert heads(book) == ["2"]
    assert book.count("ambiguous") == 1


def test_a_retry_keeps_its_place() -> None:
    book = Book()
    book.put(pending(1))
    book.put(pending(2))
    book.put(ledger.concluded(ledger.begun(pending(1), T, T, P), Verdict("retry", "r"), 1, T, T, P))
    assert heads(book) == ["1"]


def test_closed_ones_leave_their_id() -> None:
    book = Book()
    book.put(sent(1))
    assert book.open == {}
    assert book.knows(f"{1:032x}")
    assert not book.knows(f"{2:032x}")
    book.put(sent(3, id="không phải hex"))
    assert book.knows("không phải hex")


def test_told() -> None:
    book = Book()
    assert not book.told("nhom", "s1")
    book.put(pending(1))
    assert book.told("nhom", "s1")
    book.put(ledger.closed(pending(1), "expired", "too_old", T))
    assert not book.told("nhom", "s1")
    book.put(sent(2, story="s1"))
    assert book.told("nhom", "s1")
    assert book.messages("nhom", "s1") == ("2",)
    book.put(ledger.closed(pending(3, story="s1"), "suppressed", "source_added", T))
    assert book.told("nhom", "s1")


def test_a_suppressed_echo_takes_nothing_from_what_is_on_its_way() -> None:
    book = Book()
    book.put(pending(1, story="s"))
    for number in range(2, 6):
        echo = arrival.decide(b.alert(number, story="s", kind="source"), book, b.destination(), T)
        assert echo.state == "suppressed"
        book.put(echo)
    assert book.told("nhom", "s")


def test_who_was_told_of_a_merged_story_was_told_of_it() -> None:
    book = Book()
    book.put(sent(1, story="cu"))
    echo = arrival.decide(b.alert(2, story="moi", kind="source", merged=["cu"]), book, b.destination(), T)
    assert echo.history[-1].reason == "source_added"
    withdrawn = arrival.decide(b.alert(3, story="moi", kind="withdrawn", merged=["cu"]), book, b.destination(), T)
    assert withdrawn.state == "pending"


def test_arrival() -> None:
    book = Book()

    def decide(kind: str) -> Delivery:
        return arrival.decide(b.alert(9, story="s1", kind=kind), book, b.destination(), T)

    assert decide("withdrawn").history[-1].reason == "never_told"
    for kind in ("source", "fact", "enriched"):
        first = decide(kind)
        assert first.alert is not None
        assert (first.state, first.alert.kind) == ("pending", "new"), "to whom the story is new it is simply news"
    book.put(sent(1))
    assert decide("source").history[-1].reason == "source_added"
    assert decide("enriched").history[-1].reason == "enriched"
    update = decide("fact").alert
    assert update is not None
    assert update.kind == "fact"
    assert decide("withdrawn").state == "pending"


def test_a_hundred_thousand_are_folded_in_seconds() -> None:
    records = [sent(n) for n in range(2_000)]
    began = time.process_time()
    book = Book()
    for delivery in records:
        book.put(delivery)
    assert time.process_time() - began < 1.0, "50 times that for 100,000"
    assert book.open == {}
