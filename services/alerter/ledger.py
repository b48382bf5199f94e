"""The life of a delivery (design §5, Sending), as pure transitions of one record.

    accepted ─▶ pending ─▶ sending ─▶ sent
                  ▲  │        ├─▶ failed
                  │  │        ├─▶ ambiguous ─▶ pending, once, if urgent; else the next digest
                  └──┼────────┘
                     └─▶ suppressed, expired; with a digest's result: digested

Whoever writes *pending* does so together with the offset of `alerts`; *sending* is committed before each
request. Two clocks: `now` is the clock of the work (when, how old), `wall` is real time, for what two live
processes and a socket must agree on (`not_after`, and `not_before` of what is to be sent at once). What waits
for a digest has the digest's time, of the work's clock, in `not_before`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import msgspec

from services.alerter.responses import Verdict
from tinsom.messages import Alert, Delivery, DeliveryState, Step

Suppressed = Literal[
    "suspended",  # the destination takes nothing any more
    "unknown_destination",
    "never_told",  # a withdrawal of what this reader never heard of
    "source_added",  # one more source of what this reader was told
    "enriched",  # the text, come late, of what this reader was told
    "edit_superseded",  # a later edit of the same message says it as well
    "not_editable",  # the message to edit is gone, too old, or was never sent by itself
    "nothing_before",  # the time before a new subscription holds nothing for it (`services.alerter.backfill`)
]
OPEN: frozenset[DeliveryState] = frozenset({"pending", "sending", "ambiguous"})

# What an attempt's step says when the next one must differ; the history is the only memory of it.
PLAIN, TOPIC, ORIGINAL, RESEND = "as_plain_text", "to_general_topic", "as_new_message", "resend_marked"
KEPT_STEPS = 24
_TELLING = frozenset({PLAIN, TOPIC, ORIGINAL, RESEND, "moved", "server_error", "digest_in_doubt"})


@dataclass(frozen=True, slots=True)
class Policy:
    """All in seconds but `unsure_tries` and `resend`."""

    intent: float = 5.0  # how long an attempt may take to reach the socket
    skew: float = 5.0  # allowed difference of two machines' clocks
    late_after: float = 1_800.0  # what could not be sent for so long is no longer "now": it goes to a digest
    behind_after: float = 300.0  # what was to be sent at once and waits for so long is told of
    expire_after: float = 86_400.0  # what could not be sent for so long is not news any more
    digest_expires_after: float = 7 * 86_400.0
    first_retry: float = 5.0
    longest_retry: float = 300.0
    unsure_tries: int = 3
    resend: frozenset[str] = frozenset({"urgent"})  # priorities whose ambiguous alerts are sent once more


def policy_for(speed: float) -> Policy:
    """The usual policy for a work's clock that runs `speed` times as fast as the wall's."""
    usual = Policy()
    return Policy(
        late_after=usual.late_after * speed,
        behind_after=usual.behind_after * speed,
        expire_after=usual.expire_after * speed,
        digest_expires_after=usual.digest_expires_after * speed,
    )


def when(seconds: float) -> datetime:
    """Whole milliseconds, so that what is written reads back equal."""
    return datetime.fromtimestamp(int(seconds * 1000) / 1000, UTC)


def seconds(moment: datetime | None) -> float:
    return moment.timestamp() if moment is not None else 0.0


def accepted(alert: Alert, now: float) -> Delivery:
    return Delivery(
        alert_id=alert.id, destination=alert.destination, state="pending", alert=alert,
        history=[Step(at=when(now), state="pending")], story=alert.story, revision=alert.revision,
        item=alert.item, matched=alert.matched, task=task_of(alert),
    )  # fmt: skip


def task_of(alert: Alert) -> str:
    """Which deadline a reminder speaks of: a moved one is another matter."""
    return f"{alert.task} {alert.notice.tasks[0].deadline or ''}" if alert.task and alert.notice.tasks else ""


def begun(delivery: Delivery, now: float, wall: float, policy: Policy, slack: float = 0.0) -> Delivery:
    """The intent, committed before the request. `slack`: seconds more than usual to reach the socket."""
    until = wall + policy.intent + slack
    return _stepped(delivery, "sending", now, attempt=attempts(delivery) + 1, not_after=when(until))


def attempts(delivery: Delivery) -> int:
    """Attempts at the part in hand so far."""
    return max((s.attempt for s in delivery.history if s.part == part(delivery)), default=0)


def part(delivery: Delivery) -> int:
    """The part to be sent next, from 1; each part that was accepted has left its message id."""
    return len(delivery.message_ids) + 1


def closed(delivery: Delivery, state: DeliveryState, reason: str, now: float) -> Delivery:
    """An end without a request: suppressed, expired, digested."""
    return _stepped(delivery, state, now, reason=reason)


def to_digest(delivery: Delivery, reason: str, due: datetime, now: float) -> Delivery:
    """It waits for a digest; `due` is a time of the work's clock."""
    moved = _stepped(delivery, "pending", now, reason=reason, not_before=due)
    return msgspec.structs.replace(moved, lane="digest")


def waiting(delivery: Delivery, reason: str, until: float, now: float) -> Delivery:
    return _stepped(delivery, "pending", now, reason=reason, not_before=when(until))


def expired(delivery: Delivery, now: float, policy: Policy) -> bool:
    """What waits for a digest never is, nor an edit, which ends by itself (`services.alerter.edits`); a digest
    that could not be sent for a week is.
    """
    if delivery.lane == "digest" or delivery.state != "pending" or delivery.edits:
        return False
    limit = policy.digest_expires_after if delivery.digest else policy.expire_after
    return now - seconds(delivery.history[0].at) > limit


def overdue(delivery: Delivery, wall: float, policy: Policy) -> bool:
    """An intent of a former owner without a result, too old to be written any more."""
    return delivery.state == "sending" and wall > seconds(delivery.not_after) + policy.skew


def doubted(delivery: Delivery, reason: str, now: float, policy: Policy) -> Delivery:
    """Nobody knows whether it arrived: the stated policy settles it, once, and the history shows both steps.

    An edit is simply made again.
    """
    if delivery.edits:
        return _stepped(delivery, "pending", now, reason=reason)
    unknown = _stepped(delivery, "ambiguous", now, reason=reason)
    priority = delivery.alert.priority if delivery.alert else "normal"
    if priority in policy.resend and not has(delivery, RESEND):
        return _stepped(unknown, "pending", now, reason=RESEND)
    return unknown


def has(delivery: Delivery, reason: str) -> bool:
    return any(step.reason == reason for step in delivery.history)


def resend_decided(delivery: Delivery) -> bool:
    """Was the last step the decision to send an ambiguous one once more?"""
    return delivery.history[-1].reason == RESEND


def concluded(
    delivery: Delivery, verdict: Verdict, parts: int, now: float, wall: float, policy: Policy
) -> Delivery:
    """The result of one attempt. `parts`: how many messages the alert makes."""
    if delivery.edits and verdict.kind in ("ambiguous", "unsure"):
        return _edited_in_vain(delivery, verdict, now, wall, policy)
    if delivery.edits and verdict.kind == "original":
        return _stepped(delivery, "suppressed", now, reason="not_editable")
    match verdict.kind:
        case "delivered":
            return _delivered(delivery, verdict, parts, now)
        case "stale":
            return _stepped(delivery, "pending", now, reason=verdict.reason)
        case "throttled" | "unreachable" | "retry" | "fatal":
            wait = verdict.retry_after if verdict.retry_after is not None else backoff(delivery, policy)
            return waiting(delivery, verdict.reason, wall + wait, now)
        case "unsure":
            return _unsure(delivery, verdict, now, wall, policy)
        case "moved":
            return _again(delivery, "moved", verdict.reason, now)
        case "plain":
            return _again(delivery, PLAIN, verdict.reason, now)
        case "topic":
            return _again(delivery, TOPIC, verdict.reason, now)
        case "original":
            return _again(delivery, ORIGINAL, verdict.reason, now)
        case "gone" | "bounced" | "rejected":
            return _stepped(delivery, "failed", now, reason=verdict.reason)
        case "ambiguous":
            return doubted(delivery, verdict.reason, now, policy)


def _delivered(delivery: Delivery, verdict: Verdict, parts: int, now: float) -> Delivery:
    number, done = part(delivery), part(delivery) >= parts
    accepted_part = msgspec.structs.replace(delivery, message_ids=[*delivery.message_ids, verdict.message_id])
    state: DeliveryState = "sent" if done else "pending"
    return _stepped(accepted_part, state, now, number=number, reason=verdict.reason, message_id=verdict.message_id)


def _edited_in_vain(delivery: Delivery, verdict: Verdict, now: float, wall: float, policy: Policy) -> Delivery:
    """A second time does no harm; but not for ever."""
    if attempts(delivery) >= policy.unsure_tries:
        return _stepped(delivery, "failed", now, reason=verdict.reason)
    return waiting(delivery, verdict.reason, wall + backoff(delivery, policy), now)


def _unsure(delivery: Delivery, verdict: Verdict, now: float, wall: float, policy: Policy) -> Delivery:
    tries = sum(step.reason == verdict.reason and step.state == "pending" for step in delivery.history)
    if tries + 1 >= policy.unsure_tries:
        return doubted(delivery, verdict.reason, now, policy)
    return waiting(delivery, verdict.reason, wall + backoff(delivery, policy), now)


def _again(delivery: Delivery, change: str, reason: str, now: float) -> Delivery:
    """Once more at once, differently; the same complaint a second time is the end of it."""
    if has(delivery, change):
        return _stepped(delivery, "failed", now, reason=reason)
    return _stepped(delivery, "pending", now, reason=change)


def backoff(delivery: Delivery, policy: Policy) -> float:
    """Exponential with full jitter. The jitter is a hash, so that the same history waits equally long."""
    attempt = max(1, attempts(delivery))
    longest = min(policy.longest_retry, policy.first_retry * 2.0 ** min(attempt, 16))
    digest = hashlib.sha256(f"{delivery.alert_id}/{attempt}".encode()).digest()
    return longest * (0.5 + digest[0] / 512)


def _stepped(
    delivery: Delivery,
    state: DeliveryState,
    now: float,
    *,
    reason: str = "",
    attempt: int = 0,
    number: int = 0,
    message_id: str = "",
    not_after: datetime | None = None,
    not_before: datetime | None = None,
) -> Delivery:
    step = Step(
        at=when(now),
        state=state,
        reason=reason,
        part=number or part(delivery),
        attempt=attempt,
        message_id=message_id,
    )
    return msgspec.structs.replace(
        delivery,
        state=state,
        history=_shortened([*delivery.history, step]),
        not_after=not_after,
        not_before=not_before,
        alert=delivery.alert if state in OPEN else None,
    )


def _shortened(history: list[Step]) -> list[Step]:
    """Six hours without a network make hundreds of equal steps: the first, the telling and the newest are kept."""
    if len(history) <= KEPT_STEPS:
        return history
    for index in range(1, len(history) - 8):
        if history[index].reason not in _TELLING:
            return history[:index] + history[index + 1 :]
    return history
