"""What a new subscription asked to hear of the time before it: its newest stories, once, as one digest. Pure.

The real plan over what really happened, as in a forecast, and what the chat was told already is left out
(docs/decisions/0042-backfill.md). That it was done stands in the ledger, in the digest's own record.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from services.alerter import arrival, digests, lanes, ledger
from services.alerter.book import WEEK, Book
from services.alerter.bot import past
from services.alerter.bot.past import Entry
from services.alerter.plan import Rules, plan
from tinsom.ids import id_of
from tinsom.messages import Alert, Delivery, Destination, Mute, Step, StoryChange, Subscription

NOTHING = "nothing_before"
NEW_FOR = WEEK  # the ledger, which knows whose past was told, forgets after 90 days
SETTLE = 10.0  # seconds after `since`: what was fetched just before it is still on its way through the classifier
_NEWS = frozenset(("new", "source", "fact", "enriched"))  # an old reminder, burst or silence is no news


def mark(subscription: Subscription) -> str:
    """Names one beginning of a subscription: who removes it and adds it again begins anew."""
    began = subscription.since.isoformat() if subscription.since is not None else ""
    return f"{subscription.id} {began}"


def awaited(subscriptions: Iterable[Subscription], book: Book, now: float) -> dict[str, list[Subscription]]:
    """Destination → its subscriptions whose past is still to be told."""
    found: dict[str, list[Subscription]] = {}
    for s in sorted((s for s in subscriptions if s.backfill > 0), key=lambda s: s.id):
        is_new = s.since is not None and SETTLE <= now - s.since.timestamp() < NEW_FOR
        if is_new and mark(s) not in book.backfilled:
            found.setdefault(s.destination, []).append(s)
    return found


@dataclass
class Telling:
    """The past of one destination's subscriptions in the making: entries in the order of time."""

    asked: Sequence[Subscription]
    rules: Rules
    mutes: Sequence[Mute]
    now: float
    _wishes: list[Subscription] = field(init=False)
    _stories: dict[str, Alert] = field(default_factory=dict)  # what each says by now, in the order of first alerts

    def __post_init__(self) -> None:
        self._wishes = [replace(s, since=past.since(self.now)) for s in self.asked]

    def take(self, entry: Entry) -> None:
        change = msgspec.json.decode(entry.raw, type=StoryChange)
        for decision in plan(change, self._wishes, self.rules, mutes=self.mutes):
            if isinstance(decision, Alert):
                self._decided(decision)

    def _decided(self, alert: Alert) -> None:
        for story in alert.merged:
            self._stories.pop(story, None)
        if alert.kind == "withdrawn":
            self._stories.pop(alert.story, None)
        elif alert.kind in _NEWS:
            self._stories[alert.story] = alert

    def chosen(self, book: Book) -> list[Alert]:
        """At most `backfill` of each subscription, the newest; of these, what its chat was not told. Oldest first.

        Who asks again hears nothing older for it: what was told counts among the newest.
        """
        left = {s.id: s.backfill for s in self.asked}
        newest: list[Alert] = []
        for alert in reversed(self._stories.values()):
            takers = [s.id for s in self.asked if left[s.id] and _is_for(alert, s)]
            left.update({id_: left[id_] - 1 for id_ in takers})
            if takers and not (book.knows(alert.id) or book.told_of(alert)):
                newest.append(replace(alert, subscriptions=takers))
        return newest[: digests.MOST][::-1]


def _is_for(alert: Alert, subscription: Subscription) -> bool:
    """Did it ask for this story? What began later is the plan's to tell."""
    began, since = alert.began_at, subscription.since
    return subscription.id in alert.subscriptions and began is not None and since is not None and began < since


def records(asked: Sequence[Subscription], alerts: Sequence[Alert], to: Destination, now: float) -> list[Delivery]:
    """The digest and what it holds, to be written as one; with nothing to tell, the word that it was sought."""
    marks = [mark(s) for s in asked]
    digest = Delivery(
        alert_id=id_of("backfill", to.alias, *marks),
        destination=to.alias,
        state="pending",
        history=[Step(at=ledger.when(now), state="pending", reason="backfill")],
        digest=[alert.id for alert in alerts],
        backfills=marks,
    )
    if not alerts:
        return [ledger.closed(digest, "suppressed", NOTHING, now)]
    held = [lanes.postponed(ledger.accepted(arrival.as_first(a), now), "backfill", to, now) for a in alerts]
    return [*held, digest]
