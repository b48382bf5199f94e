"""What stayed behind is found, with the reason, and told once."""

import asyncio
from typing import Any

from structlog.testing import capture_logs

from services.alerter import ledger, sweeper
from services.alerter.book import Book
from services.alerter.responses import Verdict
from services.alerter.sweeper import Sweeper
from tests.alerter import builders as b
from tests.alerter.virtual import VIRTUAL_TIME, chats, start
from tinsom import metrics

P, T = ledger.Policy(), b.NOW_S
LATE = T + P.behind_after + 1


def found(book: Book, now: float = LATE, paused: bool = False, routed: bool = True) -> dict[str, str]:
    got = sweeper.sweep(book, now, P.behind_after, paused=paused, routed=lambda _: routed)
    return {finding.delivery.alert_id[-1]: finding.reason for finding in got}


def test_each_with_its_reason() -> None:
    book = Book()
    waiting = ledger.accepted(b.alert(1), T)
    tried = ledger.concluded(
        ledger.begun(ledger.accepted(b.alert(2), T), T, T, P), Verdict("unreachable", "unreachable"), 1, T, T, P
    )
    odd = ledger.concluded(
        ledger.begun(ledger.accepted(b.alert(3), T), T, T, P), Verdict("retry", "mailbox_full"), 1, T, T, P
    )
    sending = ledger.begun(ledger.accepted(b.alert(4), T), T, T, P)
    digest = ledger.to_digest(ledger.accepted(b.alert(5), T), "quiet_hours", b.NOW, T)
    done = ledger.closed(ledger.accepted(b.alert(6), T), "suppressed", "suspended", T)
    for delivery in (waiting, tried, odd, sending, digest, done):
        book.put(delivery)
    assert found(book) == {"1": "turn", "2": "unreachable", "3": "other", "4": "in_flight"}
    assert found(book, T + P.behind_after - 1) == {}
    assert set(found(book, paused=True).values()) == {"paused", "in_flight"}
    assert set(found(book, routed=False).values()) == {"no_channel", "in_flight"}


def test_told_once_and_again_when_it_comes_back() -> None:
    book, teller = Book(), Sweeper()
    book.put(ledger.accepted(b.alert(1), T))
    findings = sweeper.sweep(book, LATE, P.behind_after, paused=False, routed=lambda _: True)
    assert len(teller.news(findings)) == 1
    assert teller.news(findings) == []
    assert teller.news([]) == []
    assert len(teller.news(findings)) == 1


@VIRTUAL_TIME
async def test_a_channel_without_settings_is_said() -> None:
    world = await start([b.destination("a", channel="email", address="a@b.vn"), *chats("c")])
    with capture_logs() as lines:
        await world.arrive(b.alert(1, destination="a"), b.alert(2, destination="c"))
        await asyncio.sleep(320)
    said: list[Any] = [line for line in lines if line["event"] == "not sent for five minutes"]
    assert [line["reasons"] for line in said] == [{"no_channel": 1}]
    assert said[0]["first"] == [f"{1:032x}"]
    assert metrics.OVERDUE.labels("no_channel")._value.get() == 1
    assert metrics.PENDING.labels("email")._value.get() == 1
    await world.stage.lost(world.partition)
