"""What the file's subscriptions would have sent in the last 30 days, and what its mutes would have hidden. Pure.

The real plan and the real rules of arrival over what really happened, so that the number is a replay's
(docs/decisions/0037-forecasts-from-memory.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from services.alerter.bot.past import Counting, Line, Past, latest, since
from services.alerter.plan import Rules
from tinsom.messages import Match, Mute, Subscription


@dataclass(frozen=True, slots=True)
class Hidden:
    """`count` of the `of` messages that a mute speaks to, and the latest of what it would have hidden."""

    count: int
    of: int
    latest: tuple[Line, ...]


def hidden(past: Past, mute: Mute, subscriptions: Sequence[Subscription], rules: Rules, now: float) -> Hidden:
    """What would not have come, had the mute held all the time; a mute of no destination speaks to all."""
    began = since(now)
    wishes = [replace(s, since=began) for s in subscriptions if mute.destination in ("", s.destination)]
    without, within = Counting(wishes, rules), Counting(wishes, rules, [mute])
    for entry in past.matching(Match()):
        without.take(entry)
        within.take(entry)
    lost = [line for alert, line in without.told.items() if alert not in within.told]
    return Hidden(len(lost), len(without.told), latest(lost))
