"""E-mail over SMTP: one message per recipient, TLS as configured or nothing is sent.

A deterministic Message-ID lets mail readers and providers recognise a repeat; References to a root that is
never sent keep a story in one thread (alertmanager PR 4623). Sources: RFC 5321, 3834 (Auto-Submitted), 2919.
"""

from __future__ import annotations

import ipaddress
import re
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

import aiosmtplib

from services.alerter import rendering, responses, unsubscribing
from services.alerter.channels import BeforeWrite, Part, StaleIntentError
from services.alerter.channels.folding import MAIL
from services.alerter.pacing import UNLIMITED
from services.alerter.rendering import Digest, Letter
from services.alerter.responses import Answer, SmtpStage, Verdict
from tinsom.config import EmailConfig
from tinsom.errors import ConfigError
from tinsom.messages import Destination

_PORTS = {"implicit": 465, "starttls": 587, "none": 25}
_IDLE_SECONDS = 10.0  # an older idle connection may be about to be closed by the server


class _FailedError(Exception):
    """A send that ended; what is known of it is in `answer`."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.description)
        self.answer = answer


class EmailChannel:
    name = "email"
    pace = UNLIMITED

    def __init__(self, config: EmailConfig, password: str = "", unsubscribe_key: bytes = b"") -> None:
        """Raises ConfigError when the configuration would send in clear over a network, or has no sender."""
        if config.tls == "none" and not is_loopback(config.host):
            raise ConfigError("email: `tls: none` is for loopback only; use `implicit` or `starttls`")
        self._config, self._password, self._key = config, password, unsubscribe_key
        self._sender = parseaddr(config.sender)[1]
        if "@" not in self._sender:
            raise ConfigError("email: `sender` must be a mail address")
        self._domain = self._sender.rsplit("@", 1)[1]
        self._idle: list[tuple[float, aiosmtplib.SMTP]] = []
        # A connection with TLS, a log-in and two answers come before the text.
        self.slack = config.timeout

    def render(self, letter: Letter, to: Destination) -> Sequence[Part]:
        leave = self._leave(to)
        letter = replace(letter, unsubscribe=leave)
        found = {**headers(letter, self._domain), **_leaving(leave)}
        return [Part(rendering.mail_text(letter), rendering.mail_html(letter), tuple(found.items()))]

    def render_digest(self, digest: Digest, to: Destination) -> Sequence[Part]:
        leave = self._leave(to)
        digest = replace(digest, unsubscribe=leave)
        found = {**digest_headers(digest, self._domain), **_leaving(leave)}
        return [Part(rendering.digest_text(digest), rendering.digest_html(digest), tuple(found.items()))]

    def _leave(self, to: Destination) -> str:
        door = self._config.unsubscribe
        return unsubscribing.link(door.url, self._key, to) if door is not None and self._key else ""

    async def send(self, to: Destination, part: Part, *, before_write: BeforeWrite) -> Answer:
        message = self._message(to, part)
        message_id = str(message["Message-ID"])
        try:
            client = await self._transaction_begun(to)
        except _FailedError as failed:
            return failed.answer
        return await self._data(client, message.as_bytes(policy=MAIL), message_id, before_write)

    async def _data(
        self, client: aiosmtplib.SMTP, message: bytes, message_id: str, before_write: BeforeWrite
    ) -> Answer:
        """From the text on, no answer means that nobody knows."""
        text = _guarded(client, before_write)
        try:
            await client.data(message)
        except StaleIntentError:
            client.close()
            return Answer("refused")
        except aiosmtplib.SMTPResponseException as error:
            client.close()
            return _refused(error, "data")
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            client.close()
            phase: responses.Phase = "written" if text.written else "not_written"
            return Answer(phase, description=type(error).__name__, stage="data")
        self._idle.append((time.monotonic(), client))
        return Answer("answered", ok=True, code=250, message_id=message_id)

    async def _transaction_begun(self, to: Destination) -> aiosmtplib.SMTP:
        """A connection on which sender and recipient were accepted; a kept one that died is replaced once."""
        kept = self._take_idle()
        if kept is not None:
            try:
                return await self._envelope(kept, to)
            except _FailedError as failed:
                if failed.answer.phase == "answered" and failed.answer.code != 421:
                    raise
        return await self._envelope(await self._connect(), to)

    async def _envelope(self, client: aiosmtplib.SMTP, to: Destination) -> aiosmtplib.SMTP:
        stage: SmtpStage = "mail"
        try:
            await client.mail(_returning(self._sender, to.alias) if self._config.verp else self._sender)
            stage = "rcpt"
            await client.rcpt(to.address)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            client.close()
            raise _FailedError(_refused(error, stage)) from None
        return client

    async def _connect(self) -> aiosmtplib.SMTP:
        config = self._config
        client = aiosmtplib.SMTP(
            hostname=config.host,
            port=config.port or _PORTS[config.tls],
            use_tls=config.tls == "implicit",
            start_tls=False,  # ours to call: the library's default falls back to clear text
            timeout=config.timeout,
            local_hostname=self._domain,
            tls_context=self._tls(),
        )
        stage: SmtpStage = ""
        try:
            await client.connect()
            if config.tls == "starttls":
                stage = "tls"
                await client.starttls()
            if config.username:
                stage = "auth"
                await client.login(config.username, self._password)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            client.close()
            raise _FailedError(_refused(error, stage)) from None
        return client

    def _tls(self) -> ssl.SSLContext | None:
        if self._config.tls == "none":
            return None
        return ssl.create_default_context(cafile=self._config.ca_file or None)

    def _take_idle(self) -> aiosmtplib.SMTP | None:
        while self._idle:
            since, client = self._idle.pop()
            if client.is_connected and time.monotonic() - since < _IDLE_SECONDS:
                return client
            client.close()
        return None

    def _message(self, to: Destination, part: Part) -> EmailMessage:
        message = EmailMessage(policy=MAIL)
        message["From"] = self._config.sender
        message["To"] = to.address
        message.set_content(part.text, cte="base64")
        if part.html:
            message.add_alternative(part.html, subtype="html", cte="base64")
        # After the content, which drops every Content-* header that was there before it.
        for name, value in part.headers:
            message[name] = value
        return message

    def judge(self, answer: Answer) -> Verdict:
        return responses.smtp(answer)

    def is_group(self, to: Destination) -> bool:
        return False

    async def close(self) -> None:
        for _, client in self._idle:
            client.close()
        self._idle.clear()


@dataclass
class _Text:
    """`written`: the text of the mail may have left."""

    written: bool = False


def _guarded(client: aiosmtplib.SMTP, before_write: BeforeWrite) -> _Text:
    """Ask for leave right before the text is written, which is after the server's answer to DATA."""
    protocol, text = client.protocol, _Text()
    if protocol is None:
        return text
    # The class's own, whatever an earlier mail on this connection put before it.
    write = type(protocol).write

    def guarded(data: bytes) -> None:
        if data != b"DATA\r\n":
            before_write()
            text.written = True
            protocol.write = plain  # type: ignore[method-assign]
        write(protocol, data)

    def plain(data: bytes) -> None:
        write(protocol, data)

    protocol.write = guarded  # type: ignore[method-assign]
    return text


def headers(letter: Letter, domain: str) -> dict[str, str]:
    """What makes a mail of ours recognisable to people, mail readers and other machines."""
    alert = letter.alert
    root = f"<story.{_word(letter.thread or alert.story)}@{domain}>"
    subscription = _word(alert.subscriptions[0] if alert.subscriptions else alert.destination)
    return {
        "Subject": rendering.subject(letter),
        "Date": format_datetime(letter.decided_at),
        "Message-ID": f"<{_word(alert.id)}@{domain}>",
        "In-Reply-To": root,
        "References": root,
        "Auto-Submitted": "auto-generated",
        "List-ID": f"<{subscription}.tinsom.{domain}>",
        "Content-Language": letter.language,
    }


def digest_headers(digest: Digest, domain: str) -> dict[str, str]:
    return {
        "Subject": rendering.digest_subject(digest),
        "Date": format_datetime(digest.decided_at),
        "Message-ID": f"<{_word(digest.id)}@{domain}>",
        "Auto-Submitted": "auto-generated",
        "List-ID": f"<{_word(digest.destination)}.digest.tinsom.{domain}>",
        "Content-Language": digest.language,
    }


def _leaving(link: str) -> dict[str, str]:
    """RFC 2369, 8058: mail programs show a button of their own for it."""
    if not link:
        return {}
    return {"List-Unsubscribe": f"<{link}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def _returning(sender: str, alias: str) -> str:
    """Where a bounce comes to: it names the destination, so that a postmaster knows which one failed."""
    local, _, domain = sender.rpartition("@")
    return f"{local}+{_word(alias)}@{domain}"


def _word(text: str) -> str:
    """What may stand in a message id or list id, whatever an id consists of."""
    return re.sub(r"[^A-Za-z0-9-]+", "-", text).strip("-")[:64] or "x"


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _refused(error: Exception, stage: SmtpStage) -> Answer:
    """Before DATA nothing was sent, so that every failure is safe to repeat; with a code it is an answer."""
    if isinstance(error, aiosmtplib.SMTPResponseException) and error.code >= 400:
        return Answer("answered", code=error.code, description=f"{error.code}", stage=stage)
    if stage == "tls" or _is_tls(error):
        return Answer("not_written", description=type(error).__name__, stage="tls")
    return Answer("not_written", description=type(error).__name__, stage=stage)


def _is_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError | ssl.CertificateError):
            return True
        error = error.__cause__ or error.__context__
    return False
