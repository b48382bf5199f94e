"""The whole response table, row by row."""

from typing import Any

import pytest

from services.alerter.responses import Answer, Verdict, label, plain, smtp, telegram


def bad(description: str, code: int = 400, **more: Any) -> Answer:
    return Answer("answered", code=code, description=description, **more)


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        (Answer("answered", ok=True, code=200, message_id="7"), "delivered", ""),
        (bad("Bad Request: message is not modified: specified new message content"), "delivered", "unchanged"),
        (bad("Too Many Requests: retry after 20", 429, retry_after=20.0), "throttled", "too_many_requests"),
        (bad("Bad Request: group chat was upgraded", migrate_to="-1001"), "moved", "migrated"),
        (bad("Forbidden: bot was blocked by the user", 403), "gone", "blocked"),
        (bad("Forbidden: user is deactivated", 403), "gone", "deactivated"),
        (bad("Forbidden: bot was kicked from the supergroup chat", 403), "gone", "kicked"),
        (bad("Forbidden: bot is not a member of the channel chat", 403), "gone", "kicked"),
        (bad("Forbidden: bot can't initiate conversation with a user", 403), "gone", "not_started"),
        (bad("Forbidden: something new", 403), "gone", "forbidden"),
        (bad("Bad Request: chat not found"), "gone", "chat_not_found"),
        (bad("Bad Request: not enough rights to send text messages to the chat"), "gone", "no_rights"),
        (bad("Bad Request: CHAT_WRITE_FORBIDDEN"), "gone", "no_rights"),
        (bad("Bad Request: can't parse entities: Unclosed start tag"), "plain", "parse"),
        (bad("Bad Request: message is too long"), "plain", "too_long"),
        (bad("Bad Request: message thread not found"), "topic", "topic_missing"),
        (bad("Bad Request: TOPIC_CLOSED"), "topic", "topic_closed"),
        (bad("Bad Request: TOPIC_DELETED"), "topic", "topic_missing"),
        (bad("Bad Request: message to edit not found"), "original", "original_missing"),
        (bad("Bad Request: message can't be edited"), "original", "original_fixed"),
        (bad("Bad Request: something else"), "rejected", "bad_request"),
        (bad("Request Entity Too Large", 413), "rejected", "bad_request"),
        (bad("Unauthorized", 401), "fatal", "unauthorized"),
        (bad("Not Found", 404), "fatal", "not_found"),
        (bad("Internal Server Error", 500), "unsure", "server_error"),
        (bad("not the Bot API", 502), "unsure", "server_error"),
        (bad("odd", 302), "ambiguous", "bad_answer"),
        (Answer("not_written"), "unreachable", "unreachable"),
        (Answer("written"), "ambiguous", "no_answer"),
        (Answer("refused"), "stale", "intent_ran_out"),
    ],
)
def test_telegram(answer: Answer, kind: str, reason: str) -> None:
    verdict = telegram(answer)
    assert (verdict.kind, verdict.reason) == (kind, reason)


def test_telegram_details() -> None:
    assert telegram(bad("x", 429)).retry_after == 5.0
    assert telegram(bad("x", 429, retry_after=10_072.0)).retry_after == 10_072.0
    assert telegram(bad("x", migrate_to="-100777")).moved_to == "-100777"
    assert telegram(Answer("answered", ok=True, message_id="7")).message_id == "7"


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        (Answer("answered", ok=True, code=250), "delivered", ""),
        (bad("", 450, stage="rcpt"), "retry", "deferred"),
        (bad("", 421, stage="mail"), "retry", "deferred"),
        (bad("", 451, stage="data"), "retry", "deferred"),
        (bad("", 454, stage="auth"), "retry", "deferred"),
        (bad("", 552, stage="rcpt"), "retry", "mailbox_full"),
        (bad("", 550, stage="rcpt"), "bounced", "hard_bounce"),
        (bad("", 550, stage="mail"), "fatal", "sender_refused"),
        (bad("", 535, stage="auth"), "fatal", "unauthorized"),
        (bad("", 554, stage="data"), "rejected", "content_refused"),
        (bad("", 554, stage=""), "rejected", "content_refused"),
        (Answer("not_written", stage="tls"), "fatal", "tls"),
        (bad("", 454, stage="tls"), "fatal", "tls"),
        (Answer("not_written"), "unreachable", "unreachable"),
        (Answer("written", stage="data"), "ambiguous", "no_answer"),
        (Answer("refused"), "stale", "intent_ran_out"),
        (bad("", 0), "ambiguous", "bad_answer"),
    ],
)
def test_smtp(answer: Answer, kind: str, reason: str) -> None:
    verdict = smtp(answer)
    assert (verdict.kind, verdict.reason) == (kind, reason)


def test_plain() -> None:
    assert plain(Answer("answered", ok=True)) == Verdict("delivered")
    assert plain(Answer("answered")).kind == "rejected"
    assert plain(Answer("not_written")).kind == "unreachable"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer("answered", ok=True, code=200), "ok"),
        (bad("", 429), "429"),
        (bad("", 418), "4xx"),
        (bad("", 599), "5xx"),
        (Answer("written"), "written"),
    ],
)
def test_labels_are_few(answer: Answer, expected: str) -> None:
    assert label(answer) == expected
