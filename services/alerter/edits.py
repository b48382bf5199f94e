"""A story that goes on, shown in the message that told it first: what an edit says, and when it may. Pure.

Only the newest edit of a message counts, so those that wait are replaced by the next. An edit may be repeated
without harm: it is never in doubt, and no budget knows it (decision 0038).
"""

from __future__ import annotations

from typing import Literal

from msgspec.structs import replace

from services.alerter import ledger
from services.alerter.book import Book
from services.alerter.originals import WITHIN
from tinsom.messages import Alert, Delivery, Destination

Obstacle = Literal["edit_superseded", "not_editable"]
CHANNELS = frozenset({"telegram"})  # that can change what they have sent


def edit_of(alert: Alert, book: Book, to: Destination | None, now: float) -> Delivery | None:
    """The edit that tells of one more source; None when there is no message to edit or nothing to add."""
    identity = book.originals.first(alert.destination, (alert.story, *alert.merged))
    shown = _shown(identity, book)
    if shown is None or to is None or to.channel not in CHANNELS or _may_be_revised(book.open.get(identity)):
        return None
    original = book.originals.original(identity)
    if original is not None and now - original.sent_at > WITHIN:
        return None
    wanted = revised(shown, alert)
    return replace(ledger.accepted(wanted, now), edits=identity) if wanted.notice != shown.notice else None


def beside(delivery: Delivery, alert: Alert, book: Book, now: float) -> list[Delivery]:
    """What an arrival changes in other records: edits that it replaces, or the first message, not yet sent."""
    if delivery.edits:
        waiting = (d for d in book.originals.edits(delivery.edits) if d.state == "pending")
        return [ledger.closed(d, "suppressed", "edit_superseded", now) for d in waiting]
    if delivery.state != "suppressed" or alert.kind != "source":
        return []
    first = book.open.get(book.originals.first(alert.destination, (alert.story, *alert.merged)))
    if first is None or first.alert is None or not _may_be_revised(first):
        return []
    return [replace(first, alert=replace(first.alert, notice=revised(first.alert, alert).notice))]


def revised(shown: Alert, echo: Alert) -> Alert:
    """What the message says when `echo` has come: the words of the first, and who else has it by now."""
    before, now = shown.notice, echo.notice
    official = before if before.official_url else now
    notice = replace(
        before,
        sources=max(before.sources, now.sources),
        official_url=official.official_url,
        official_source=official.official_source,
    )
    return replace(shown, id=echo.id, story=echo.story, revision=echo.revision, item=echo.item, notice=notice)


def _shown(identity: str, book: Book) -> Alert | None:
    """What the message says when all that is on its way has arrived."""
    if on_their_way := book.originals.edits(identity):
        return on_their_way[-1].alert
    original, first = book.originals.original(identity), book.open.get(identity)
    if original is not None:
        return original.alert
    return first.alert if first is not None else None


def _may_be_revised(first: Delivery | None) -> bool:
    """Nothing of it has left yet, so it can say the newest at once."""
    return first is not None and first.state in ("pending", "ambiguous") and not first.message_ids


def obstacle(delivery: Delivery, book: Book, now: float) -> Obstacle | None:
    """Why an edit whose turn has come is not made."""
    original, newest = book.originals.original(delivery.edits), book.originals.edits(delivery.edits)[-1:]
    if newest and newest[0].alert_id != delivery.alert_id:
        return "edit_superseded"
    if original is None or now - original.sent_at > WITHIN:
        return "not_editable"
    return None


def faded(delivery: Delivery, now: float) -> Delivery:
    """Without the words of a message that is too old to be edited: three months of them would fill the memory."""
    if delivery.state != "sent" or delivery.alert is None:
        return delivery
    too_old = now - ledger.seconds(delivery.history[-1].at) > WITHIN
    return replace(delivery, alert=None) if too_old else delivery


def kept(result: Delivery, alert: Alert | None, to: Destination, parts: int) -> Delivery:
    """A sent message that may have to say more later keeps its words."""
    whole = result.state == "sent" and parts == 1 and alert is not None and alert.kind == "new"
    if not whole or to.channel not in CHANNELS or not result.message_ids[-1:]:
        return result
    return replace(result, alert=alert)
