"""What an answer of a channel means: the whole table of the Bot API and of SMTP, as pure functions.

Sources: tdlib/telegram-bot-api `Client.cpp` (fail_query_with_error), aiogram `check_response`, RFC 5321 §4.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Phase = Literal["refused", "not_written", "written", "answered"]
"""How far a request came: we refused to write it, it could not be written, it was written and nothing came
back, or there is an answer."""

SmtpStage = Literal["", "tls", "auth", "mail", "rcpt", "data"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a channel saw. `description` has no secret in it and is short; `retry_after` in seconds."""

    phase: Phase
    ok: bool = False
    code: int = 0
    description: str = ""
    retry_after: float | None = None
    migrate_to: str = ""
    message_id: str = ""
    stage: SmtpStage = ""


Kind = Literal[
    "delivered",  # accepted by the channel
    "stale",  # our own intent had run out before anything was written: decide again
    "throttled",  # too fast: this chat waits; not an attempt
    "unreachable",  # nothing was written: the channel waits, then again, without limit
    "retry",  # refused for now: this destination waits, then again until it is too old
    "unsure",  # the server failed: probably not sent; a few tries, then ambiguous
    "moved",  # the chat has another id
    "gone",  # this destination takes nothing any more
    "bounced",  # a mailbox refused; the second time it is gone
    "plain",  # our markup was refused: once more as plain text
    "topic",  # the forum topic is closed: once more to the general one
    "original",  # the message to edit is not there: once more as a new one
    "rejected",  # this message will never be taken
    "fatal",  # the channel itself is wrongly set up: everything waits, a person must act
    "ambiguous",  # written, and nobody knows
]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` is a word of a closed list; `retry_after` in seconds, None when the ledger's back-off decides."""

    kind: Kind
    reason: str = ""
    retry_after: float | None = None
    moved_to: str = ""
    message_id: str = ""


DEFAULT_RETRY_AFTER = 5.0

_BAD_REQUESTS: tuple[tuple[str, Kind, str], ...] = (
    ("message is not modified", "delivered", "unchanged"),
    ("can't parse entities", "plain", "parse"),
    ("message is too long", "plain", "too_long"),
    ("text is too long", "plain", "too_long"),
    ("message_too_long", "plain", "too_long"),
    ("entities_too_long", "plain", "too_long"),
    ("message thread not found", "topic", "topic_missing"),
    ("topic_closed", "topic", "topic_closed"),
    ("topic closed", "topic", "topic_closed"),
    ("topic_deleted", "topic", "topic_missing"),
    ("topic_id_invalid", "topic", "topic_missing"),
    ("message to edit not found", "original", "original_missing"),
    ("message can't be edited", "original", "original_fixed"),
    ("message_id_invalid", "original", "original_missing"),
    ("message to be replied not found", "original", "original_missing"),
    ("chat not found", "gone", "chat_not_found"),
    ("user not found", "gone", "chat_not_found"),
    ("peer_id_invalid", "gone", "chat_not_found"),
    ("user_is_blocked", "gone", "blocked"),
    ("chat was deactivated", "gone", "deactivated"),
    ("group chat was deleted", "gone", "deactivated"),
    ("not enough rights", "gone", "no_rights"),
    ("have no rights", "gone", "no_rights"),
    ("need administrator rights", "gone", "no_rights"),
    ("chat_write_forbidden", "gone", "no_rights"),
    ("chat_restricted", "gone", "no_rights"),
)
_FORBIDDEN: tuple[tuple[str, str], ...] = (
    ("blocked", "blocked"),
    ("deactivated", "deactivated"),
    ("kicked", "kicked"),
    ("not a member", "kicked"),
    ("initiate conversation", "not_started"),
)


def telegram(answer: Answer) -> Verdict:
    """The Bot API's answer to sendMessage or editMessageText."""
    early = _unanswered(answer)
    if early is not None:
        return early
    if answer.ok:
        return Verdict("delivered", message_id=answer.message_id)
    if answer.code == 429:
        wait = DEFAULT_RETRY_AFTER if answer.retry_after is None else max(0.0, answer.retry_after)
        return Verdict("throttled", "too_many_requests", retry_after=wait)
    if answer.migrate_to:
        return Verdict("moved", "migrated", moved_to=answer.migrate_to)
    if answer.code in (401, 404):
        return Verdict("fatal", "unauthorized" if answer.code == 401 else "not_found")
    if answer.code == 403:
        return Verdict("gone", _first(_FORBIDDEN, answer.description, "forbidden"))
    if answer.code >= 500:
        return Verdict("unsure", "server_error")
    if 400 <= answer.code < 500:
        return _bad_request(answer.description)
    return Verdict("ambiguous", "bad_answer")


def _bad_request(description: str) -> Verdict:
    text = description.lower()
    for sign, kind, reason in _BAD_REQUESTS:
        if sign in text:
            return Verdict(kind, reason)
    return Verdict("rejected", "bad_request")


def _first(table: tuple[tuple[str, str], ...], description: str, otherwise: str) -> str:
    text = description.lower()
    return next((reason for sign, reason in table if sign in text), otherwise)


def smtp(answer: Answer) -> Verdict:
    """A mail server's answer; `answer.stage` says to which command."""
    if answer.stage == "tls":
        return Verdict("fatal", "tls")
    early = _unanswered(answer)
    if early is not None:
        return early
    if answer.ok:
        return Verdict("delivered", message_id=answer.message_id)
    if 400 <= answer.code < 500 or (answer.code == 552 and answer.stage == "rcpt"):
        return Verdict("retry", "mailbox_full" if answer.code == 552 else "deferred")
    if answer.stage in ("auth", "mail"):
        return Verdict("fatal", "unauthorized" if answer.stage == "auth" else "sender_refused")
    if answer.stage == "rcpt" and answer.code >= 500:
        return Verdict("bounced", "hard_bounce")
    if answer.code >= 500:
        return Verdict("rejected", "content_refused")
    return Verdict("ambiguous", "bad_answer")


def webhook(answer: Answer) -> Verdict:
    """A receiver's answer. It can tell a repeat by the event's id, so silence is no doubt but another try."""
    if answer.phase == "written":
        return Verdict("retry", "no_answer")
    early = _unanswered(answer)
    if early is not None:
        return early
    if answer.ok:
        return Verdict("delivered", message_id=answer.message_id)
    if answer.code == 429:
        return Verdict("throttled", "too_many_requests", retry_after=answer.retry_after or DEFAULT_RETRY_AFTER)
    if answer.code == 410:
        return Verdict("gone", "gone")
    if answer.code >= 500 or answer.code == 408:
        return Verdict("retry", "server_error")
    return Verdict("rejected", "bad_request")


def apprise(answer: Answer) -> Verdict:
    """Yes or no: a no may be a network, a wrong token or half of several receivers."""
    if answer.phase == "answered" and answer.code == 404:
        return Verdict("rejected", "not_found")
    early = _unanswered(answer)
    if early is not None:
        return early
    return Verdict("delivered") if answer.ok else Verdict("unsure", "server_error")


def plain(answer: Answer) -> Verdict:
    """A channel that only takes or does not take: terminal, recording."""
    accepted = Verdict("delivered", message_id=answer.message_id)
    return _unanswered(answer) or (accepted if answer.ok else Verdict("rejected", "refused"))


def _unanswered(answer: Answer) -> Verdict | None:
    match answer.phase:
        case "refused":
            return Verdict("stale", "intent_ran_out")
        case "not_written":
            return Verdict("unreachable", "unreachable")
        case "written":
            return Verdict("ambiguous", "no_answer")
        case "answered":
            return None


def label(answer: Answer) -> str:
    """The `code` label of a request: an HTTP or SMTP code that servers do send, or how far it came."""
    if answer.stage == "tls":
        return "tls"
    if answer.phase != "answered":
        return answer.phase
    if answer.ok:
        return "ok"
    return str(answer.code) if answer.code in _KNOWN_CODES else f"{answer.code // 100}xx"


_KNOWN_CODES = frozenset({400, 401, 403, 404, 409, 429, 421, 450, 451, 452, 535, 550, 552, 554})
