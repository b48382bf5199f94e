"""Now, or in a digest? And when is that digest due. Pure.

Nothing is dropped here: what does not come now comes in a digest, and every reason is told in the ledger.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from services.alerter import ledger
from services.alerter.book import HOUR, WEEK, Rate
from tinsom import localtime
from tinsom.messages import Delivery, Destination, Priority

Reason = Literal[
    "low_priority", "quiet_hours", "budget", "flood", "late", "throttled", "doubt", "gathered", "backfill"
]

LONG_PAUSE = 600.0  # a channel that makes a chat wait longer than this gets a digest instead
FUSE_AT_LEAST, FUSE_TIMES = 20, 5.0  # alerts in an hour, and how far above the hourly mean of a week


def on_arrival(priority: Priority, to: Destination | None, now: float, rate: Rate) -> Reason | None:
    """Why an alert that has just come waits for a digest; None: it is sent now.

    Urgent ones wait for nothing but quiet hours that they may not break.
    """
    if to is None:
        return None
    urgent = priority == "urgent"
    if is_quiet(to, now) and not (urgent and to.breakthrough):
        return "quiet_hours"
    if urgent:
        return None
    if priority == "low":
        return "low_priority"
    if to.gathered:
        return "gathered"
    if _is_flood(rate):
        return "flood"
    return "budget" if to.budget and rate.hour >= to.budget else None


def _is_flood(rate: Rate) -> bool:
    """Far more than this destination's norm; without a day of history there is no norm, and the budget holds."""
    if rate.known_for < 86_400.0:
        return False
    hourly = max(0, rate.week - rate.hour) / (min(rate.known_for, WEEK) / HOUR)
    return rate.hour >= max(FUSE_AT_LEAST, FUSE_TIMES * hourly)


def at_sending(delivery: Delivery, to: Destination, now: float, late_after: float) -> Reason | None:
    """Why a waiting alert, whose turn has come, goes to a digest after all: no flood follows an outage."""
    if delivery.digest or delivery.edits or delivery.message_ids or delivery.alert is None:
        return None
    urgent = delivery.alert.priority == "urgent"
    if is_quiet(to, now) and not (urgent and to.breakthrough):
        return "quiet_hours"
    if not urgent and now - ledger.seconds(delivery.history[0].at) > late_after:
        return "late"
    return None


def is_quiet(to: Destination, now: float) -> bool:
    return bool(to.quiet) and localtime.quiet_until(ledger.when(now), to) is not None


def due(reason: Reason, to: Destination, now: float) -> datetime:
    """When the digest that holds it is due."""
    moment = ledger.when(now)
    match reason:
        case "quiet_hours":
            return localtime.quiet_until(moment, to) or localtime.next_hour(moment, to)
        case "low_priority" | "doubt" | "gathered":
            return localtime.next_digest(moment, to)
        case "backfill":
            return moment
        case _:
            return localtime.next_hour(moment, to)


def postponed(delivery: Delivery, reason: Reason, to: Destination, now: float) -> Delivery:
    return ledger.to_digest(delivery, reason, due(reason, to, now), now)
