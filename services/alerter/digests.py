"""Digests: which alerts make one, in what order, and what its result means for each of them. Pure.

A digest is a delivery of its own whose list is frozen when it is made; what comes meanwhile is in the next.
Its alerts stay open until its result is written, in the same commit; nothing is lost at any step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from services.alerter import lanes, ledger
from services.alerter.book import Book
from tinsom.ids import id_of
from tinsom.messages import Alert, Delivery, Destination, Step

MOST = 200  # alerts in one digest; more make another one right after it
IN_DOUBT = "digest_in_doubt"
_RANK = {"urgent": 0, "normal": 1, "low": 2}


@dataclass(frozen=True, slots=True)
class Entry:
    """One alert in a digest; `doubtful`: it may have arrived before."""

    alert: Alert
    doubtful: bool


def frozen(destination: str, book: Book, now: float) -> Delivery | None:
    """The digest that is due for a destination, if any; none while another one is under way."""
    waiting = book.waiting(destination)
    if any(d.digest for d in waiting):
        return None
    ripe = [d for d in waiting if ledger.seconds(d.not_before) <= now]
    if not ripe:
        return None
    chosen = sorted(ripe, key=_order)[:MOST]
    ids = [d.alert_id for d in chosen]
    window = max(ledger.seconds(d.not_before) for d in chosen)
    return Delivery(
        alert_id=_identity(destination, window, ids),
        destination=destination,
        state="pending",
        history=[Step(at=ledger.when(now), state="pending", reason="digest")],
        digest=ids,
    )


def _identity(destination: str, window: float, ids: Sequence[str]) -> str:
    """The same list in the same window is the same digest; after a doubt its alerts wait for a later window."""
    return id_of("digest", destination, f"{window:.3f}", *ids)


def _order(delivery: Delivery) -> tuple[bool, float, str]:
    """In doubt first, then as they came."""
    return (not is_doubtful(delivery), ledger.seconds(delivery.history[0].at), delivery.alert_id)


def is_doubtful(delivery: Delivery) -> bool:
    return delivery.state == "ambiguous" or ledger.has(delivery, IN_DOUBT)


def entries(digest: Delivery, book: Book) -> list[Entry]:
    """What a digest says, in the order in which it is read: doubtful, then by deadline, rank, subject, time."""
    held = [book.open[i] for i in digest.digest if i in book.open]
    found = [Entry(d.alert, is_doubtful(d)) for d in held if d.alert is not None]
    return sorted(found, key=_reading_order)


def _reading_order(entry: Entry) -> tuple[bool, str, int, str, int, float]:
    notice = entry.alert.notice
    deadline = min((t.deadline for t in notice.tasks if t.deadline), default="~")
    subject = (notice.initiatives or notice.agencies or ["~"])[0]
    moment = notice.fetched_at.timestamp()
    return (not entry.doubtful, deadline, _RANK[entry.alert.priority], subject, -notice.sources, moment)


def consequences(result: Delivery, book: Book, to: Destination | None, now: float) -> list[Delivery]:
    """The records of a digest's alerts that go with its own; empty unless it has ended."""
    held = [book.open[i] for i in result.digest if i in book.open]
    match result.state:
        case "sent":
            return [ledger.closed(d, "digested", result.alert_id, now) for d in held]
        case "failed" | "suppressed" | "expired":
            return [ledger.closed(d, result.state, result.history[-1].reason, now) for d in held]
        case "ambiguous":
            return [_again(d, to, now) for d in held]
        case _:
            return []


def _again(delivery: Delivery, to: Destination | None, now: float) -> Delivery:
    """It heads the next digest, marked."""
    until = lanes.due("doubt", to, now) if to is not None else ledger.when(now)
    return ledger.to_digest(delivery, IN_DOUBT, until, now)


def timed(delivery: Delivery, to: Destination | None, now: float) -> Delivery:
    """An alert in doubt waits for its destination's next digest; anything else stays as it is."""
    if delivery.state != "ambiguous" or delivery.digest or to is None:
        return delivery
    return msgspec.structs.replace(delivery, not_before=lanes.due("doubt", to, now))
