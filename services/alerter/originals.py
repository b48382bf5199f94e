"""Which message told a destination of a story first, what it says by now, and the edits under way. Pure.

A fold of deliveries, as the rest of the book; what is too old to be edited is forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.alerter import ledger
from tinsom.messages import Alert, Delivery

EVERY = 60.0  # seconds between two edits of one message
WITHIN = 48 * 3_600.0  # the Bot API edits nothing older
MOST = 10_000  # messages that are remembered with their words


@dataclass(frozen=True, slots=True)
class Original:
    """A message that may be edited; `alert`: what it says by now, under the id of the last that changed it."""

    alert_id: str
    alert: Alert
    message_id: str
    sent_at: float
    edited_at: float = 0.0
    story: str = ""  # under which it was told


@dataclass
class Originals:
    _first: dict[tuple[str, str], str] = field(default_factory=dict)
    _sent: dict[str, Original] = field(default_factory=dict)  # the oldest first
    _edits: dict[str, dict[str, Delivery]] = field(default_factory=dict)

    def first(self, destination: str, stories: Sequence[str]) -> str:
        """Id of the alert that told, or is to tell, the first of these stories; '' for none."""
        return next((i for story in stories if (i := self._first.get((destination, story)))), "")

    def original(self, alert_id: str) -> Original | None:
        return self._sent.get(alert_id)

    def edits(self, alert_id: str) -> list[Delivery]:
        """Edits of its message that are under way, the newest last."""
        return list(self._edits.get(alert_id, {}).values())

    def due(self, delivery: Delivery) -> float:
        """When an edit may be made; 0 for anything else."""
        original = self._sent.get(delivery.edits)
        return original.edited_at + EVERY if original is not None and original.edited_at else 0.0

    def put(self, delivery: Delivery) -> None:
        if delivery.edits:
            self._put_edit(delivery)
        elif delivery.story:
            self._put_message(delivery)

    def _put_message(self, delivery: Delivery) -> None:
        key, identity, alert = (delivery.destination, delivery.story), delivery.alert_id, delivery.alert
        if delivery.state in ledger.OPEN and alert is not None and alert.kind == "new":
            self._first.setdefault(key, identity)
        elif delivery.state == "sent" and alert is not None:
            sent_at = ledger.seconds(delivery.history[-1].at)
            self._first.setdefault(key, identity)
            self._sent[identity] = Original(
                identity, alert, delivery.message_ids[-1], sent_at, story=delivery.story
            )
            self._forget(sent_at)
        elif self._first.get(key) == identity:
            del self._first[key]

    def _put_edit(self, delivery: Delivery) -> None:
        under_way = self._edits.setdefault(delivery.edits, {})
        if delivery.state in ledger.OPEN:
            under_way[delivery.alert_id] = delivery
        else:
            under_way.pop(delivery.alert_id, None)
            if not under_way:
                del self._edits[delivery.edits]
        if (original := self._sent.get(delivery.edits)) is not None:
            self._sent[delivery.edits] = _edited(original, delivery)
            if delivery.state == "sent":
                self._first.setdefault((delivery.destination, delivery.story), delivery.edits)

    def _forget(self, now: float) -> None:
        while self._sent:
            oldest = next(iter(self._sent.values()))
            if now - oldest.sent_at <= WITHIN and len(self._sent) <= MOST:
                return
            del self._sent[oldest.alert_id]
            self._first.pop((oldest.alert.destination, oldest.story), None)


def _edited(original: Original, edit: Delivery) -> Original:
    tried = [ledger.seconds(step.at) for step in edit.history if step.state == "sending"]
    said = edit.alert if edit.state == "sent" and edit.alert is not None else original.alert
    return Original(
        original.alert_id, said, original.message_id, original.sent_at,
        max([original.edited_at, *tried]), original.story,
    )  # fmt: skip
