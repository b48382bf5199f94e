"""What deliver makes of an alert when it reads it: to be sent, or suppressed for what it knows. Pure."""

from __future__ import annotations

import msgspec

from services.alerter import edits, lanes, ledger
from services.alerter.book import Book
from tinsom.messages import Alert, Delivery, Destination

_NEWS_TO_OTHERS = frozenset(("source", "fact", "enriched"))


def decide(alert: Alert, book: Book, to: Destination | None, now: float) -> Delivery:
    """A change of a story this reader was never told is a first message, except a withdrawal, which tells them
    nothing; one more source of what they were told, or its text, is no news, but the message of before may name
    the source. The rest is sent now or waits for a digest.
    """
    told = book.told_of(alert)
    delivery = ledger.accepted(alert if told else as_first(alert), now)
    reason = _suppression(alert, told)
    edit = edits.edit_of(alert, book, to, now) if reason == "source_added" else None
    if edit is not None:
        return edit
    if reason is not None:
        return ledger.closed(delivery, "suppressed", reason, now)
    wait = lanes.on_arrival(alert.priority, to, now, book.rate(alert.destination, now))
    return delivery if wait is None or to is None else lanes.postponed(delivery, wait, to, now)


def as_first(alert: Alert) -> Alert:
    """To whom the story is new, an update, another source or its late text is simply news."""
    if alert.kind not in _NEWS_TO_OTHERS:
        return alert
    return msgspec.structs.replace(alert, kind="new", differences=[])


def _suppression(alert: Alert, told: bool) -> ledger.Suppressed | None:
    if alert.kind == "withdrawn" and not told:
        return "never_told"
    if alert.kind == "source" and told:
        return "source_added"
    if alert.kind == "enriched" and told:
        return "enriched"
    return None
