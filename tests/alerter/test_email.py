"""The mail channel against a real SMTP server."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from email.message import EmailMessage
from typing import Any

import pytest

from services.alerter.channels import Part, StaleIntentError
from services.alerter.channels.email import EmailChannel, is_loopback
from services.alerter.rendering import Letter
from services.alerter.responses import Answer, Verdict, label
from tests.alerter import builders as b
from tests.alerter.conftest import Certificate
from tests.fakes import smtp
from tests.fakes.smtp import Inbox
from tinsom.config import EmailConfig
from tinsom.errors import ConfigError
from tinsom.messages import Destination

TO = b.destination("lan", channel="email", address="lan@don-vi.vn")


def config(port: int, **changes: Any) -> EmailConfig:
    fields: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "tls": "none",
        "sender": "Tin sớm <tin@tinsom.vn>",
        "timeout": 30.0,
    }
    return EmailConfig(**fields | changes)


def letter(**changes: Any) -> Letter:
    return Letter(alert=b.alert(**changes), timezone="Asia/Ho_Chi_Minh", language="vi", decided_at=b.NOW)


def body_of(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def fine() -> None:
    pass


async def send(channel: EmailChannel, to: Destination = TO, **changes: Any) -> Answer:
    (part,) = channel.render(letter(**changes), TO)
    return await channel.send(to, part, before_write=fine)


async def test_a_mail_has_both_texts_and_all_headers() -> None:
    inbox = Inbox()
    async with smtp.serve(inbox) as port:
        channel = EmailChannel(config(port))
        title = "Bộ Công an: đẩy mạnh Đề án 06 tại các địa phương, bảo đảm tiến độ " * 2
        answer = await send(channel, notice=b.notice(title=title))
        await channel.close()
    assert answer.ok
    (taken,) = inbox.taken
    mail = taken.message
    assert (taken.sender, taken.recipient) == ("tin@tinsom.vn", "lan@don-vi.vn")
    assert mail["Subject"] == title.strip()
    assert mail["From"] == "Tin sớm <tin@tinsom.vn>"
    assert mail["To"] == "lan@don-vi.vn"
    assert mail["Message-ID"] == f"<{1:032x}@tinsom.vn>" == answer.message_id
    assert mail["References"] == mail["In-Reply-To"] == "<story.s1@tinsom.vn>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-ID"] == "<theo-doi.tinsom.tinsom.vn>"
    assert mail["Content-Language"] == "vi"
    assert mail["Date"] == "Sun, 15 Jun 2025 08:00:00 +0000"
    assert [p.get_content_type() for p in mail.iter_parts()] == ["text/plain", "text/html"]
    assert title.strip()[:60] in body_of(mail, "plain")
    assert max(len(line) for line in taken.content.splitlines()) <= 998


async def test_the_same_alert_has_the_same_id_and_a_story_one_root() -> None:
    channel = EmailChannel(config(25))
    headers = [dict(channel.render(letter(story="s", id=f"{n:032x}"), TO)[0].headers) for n in (1, 1, 2)]
    assert headers[0] == headers[1]
    assert headers[0]["Message-ID"] != headers[2]["Message-ID"]
    assert len({h["References"] for h in headers}) == 1


async def test_line_breaks_in_a_title_add_no_header() -> None:
    inbox = Inbox()
    async with smtp.serve(inbox) as port:
        channel = EmailChannel(config(port))
        evil = "Tin\r\nBcc: ai@do.vn\r\n\r\n<script>"
        await send(channel, notice=b.notice(title=evil, source=evil), subscriptions=[evil], story=evil)
        await channel.close()
    mail = inbox.taken[0].message
    assert mail["Bcc"] is None
    assert mail["Subject"] == "Tin Bcc: ai@do.vn <script>"
    assert "<script>" not in body_of(mail, "html")


async def test_one_connection_serves_many_and_a_dead_one_is_replaced() -> None:
    inbox = Inbox()
    async with smtp.serve(inbox) as port:
        channel = EmailChannel(config(port))
        for _ in range(5):
            assert (await send(channel)).ok
        assert inbox.connections == 1
        channel._idle[0][1].transport.abort()  # type: ignore[union-attr]
        await asyncio.sleep(0.01)
        assert (await send(channel)).ok
        await channel.close()
    assert inbox.connections == 2


async def test_one_bad_recipient_of_many() -> None:
    """Requirement 11: the others get theirs once."""
    inbox = Inbox(refused={"r7@don-vi.vn": "550 5.1.1 no such user"})
    async with smtp.serve(inbox) as port:
        channel = EmailChannel(config(port))
        people = [b.destination(f"r{n}", channel="email", address=f"r{n}@don-vi.vn") for n in range(50)]
        verdicts = [channel.judge(await send(channel, to)) for to in people]
        await channel.close()
    assert [v.kind for v in verdicts].count("delivered") == 49
    assert verdicts[7] == Verdict("bounced", "hard_bounce")
    assert len({t.recipient for t in inbox.taken}) == len(inbox.taken) == 49


@pytest.mark.parametrize(
    ("reply", "kind"), [("451 later", "retry"), ("554 spam", "rejected"), ("421 closing", "retry")]
)
async def test_answers_to_the_text(reply: str, kind: str) -> None:
    inbox = Inbox(data_replies=[reply])
    async with smtp.serve(inbox) as port:
        channel = EmailChannel(config(port))
        assert channel.judge(await send(channel)).kind == kind
        assert (await send(channel)).ok
        await channel.close()
    assert len(inbox.taken) == 1


async def test_silence_after_the_text_is_doubt() -> None:
    inbox = Inbox(hang_after_data=1)
    async with smtp.serve(inbox) as port:
        channel = EmailChannel(config(port, timeout=3.0))
        assert channel.judge(await send(channel)).kind == "ambiguous"
        await channel.close()


async def test_nobody_there(unused_tcp_port: int) -> None:
    channel = EmailChannel(config(unused_tcp_port))
    assert channel.judge(await send(channel)).kind == "unreachable"


async def test_the_last_look_before_the_text() -> None:
    def too_late() -> None:
        raise StaleIntentError

    inbox = Inbox()
    async with smtp.serve(inbox) as port:
        channel = EmailChannel(config(port))
        (part,) = channel.render(letter(), TO)
        assert (await channel.send(TO, part, before_write=fine)).ok
        assert await channel.send(TO, part, before_write=too_late) == Answer("refused")
        assert (await channel.send(TO, part, before_write=fine)).ok
        await channel.close()
    assert len(inbox.taken) == 2


# --- TLS -----------------------------------------------------------------------------------------------------


async def test_starttls_and_log_in(certificate: Certificate) -> None:
    inbox = Inbox()
    async with smtp.serve(inbox, starttls=certificate.server, password="mat-khau") as port:
        settings = config(port, host="localhost", tls="starttls", username="tinsom", ca_file=certificate.file)
        channel = EmailChannel(settings, "mat-khau")
        assert (await send(channel)).ok
        await channel.close()
        wrong = EmailChannel(settings, "sai")
        assert wrong.judge(await send(wrong)).reason == "unauthorized"
        await wrong.close()
    assert len(inbox.taken) == 1


async def test_implicit_tls(certificate: Certificate) -> None:
    inbox = Inbox()
    async with smtp.serve(inbox, implicit=certificate.server) as port:
        channel = EmailChannel(config(port, host="localhost", tls="implicit", ca_file=certificate.file))
        assert (await send(channel)).ok
        await channel.close()


async def test_starttls_stripped_sends_nothing() -> None:
    inbox = Inbox()
    async with smtp.serve(inbox) as port:
        channel = EmailChannel(config(port, tls="starttls"))
        answer = await send(channel)
        assert channel.judge(answer) == Verdict("fatal", "tls")
        assert label(answer) == "tls", "which TinsomChannelRefused pages for"
        await channel.close()
    assert inbox.taken == []


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_wrong_certificate_sends_nothing(
    tls: str, certificate: Certificate, wrong_certificate: Certificate
) -> None:
    inbox = Inbox()
    served: dict[str, Any] = (
        {"starttls": wrong_certificate.server} if tls == "starttls" else {"implicit": wrong_certificate.server}
    )
    async with smtp.serve(inbox, **served) as port:
        channel = EmailChannel(config(port, host="localhost", tls=tls, ca_file=certificate.file))
        answer = await send(channel)
        assert (channel.judge(answer), label(answer)) == (Verdict("fatal", "tls"), "tls")
        await channel.close()
    assert inbox.taken == []


def test_clear_text_only_on_loopback() -> None:
    with pytest.raises(ConfigError, match="loopback"):
        EmailChannel(EmailConfig(host="mail.don-vi.vn", tls="none", sender="a@b.vn"))
    assert [is_loopback(h) for h in ("localhost", "127.9.9.9", "::1", "10.0.0.1", "localhost.evil.vn")] == [
        True, True, True, False, False,
    ]  # fmt: skip


def test_a_sender_is_an_address() -> None:
    with pytest.raises(ConfigError, match="sender"):
        EmailChannel(EmailConfig(host="localhost", tls="none", sender="tin sớm"))


def parts(channel: EmailChannel) -> Sequence[Part]:
    return channel.render(letter(), TO)
