"""A real SMTP server (aiosmtpd) on loopback that keeps what it takes and refuses what it is told to.

`python -m tests.fakes.smtp --port N --log FILE` runs it as a process.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session


@dataclass(frozen=True)
class Taken:
    sender: str
    recipient: str
    content: bytes

    @property
    def message(self) -> EmailMessage:
        parsed = message_from_bytes(self.content, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed


@dataclass
class Inbox:
    """`refused`: recipient → the reply to RCPT; `data_replies`: replies to the next messages' DATA;
    `hang_after_data`: take the next message and never answer.
    """

    refused: dict[str, str] = field(default_factory=dict)
    data_replies: list[str] = field(default_factory=list)
    hang_after_data: int = 0
    taken: list[Taken] = field(default_factory=list)
    connections: int = 0
    on_taken: Callable[[Taken], None] = lambda _: None

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.connections += 1
        return responses

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.data_replies:
            return self.data_replies.pop(0)
        for recipient in envelope.rcpt_tos:
            content = envelope.content if isinstance(envelope.content, bytes) else b""
            taken = Taken(envelope.mail_from or "", recipient, content)
            self.taken.append(taken)
            self.on_taken(taken)
        if self.hang_after_data:
            self.hang_after_data -= 1
            await asyncio.sleep(3600)
        return "250 OK"


@asynccontextmanager
async def serve(
    inbox: Inbox,
    port: int = 0,
    *,
    starttls: ssl.SSLContext | None = None,
    implicit: ssl.SSLContext | None = None,
    password: str = "",
) -> AsyncIterator[int]:
    """The port of a server that fills `inbox`. With `password`, user `tinsom` must log in."""

    def authenticate(server: SMTP, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        good = data.login == b"tinsom" and data.password == password.encode()
        return AuthResult(success=good, handled=False)

    live: set[asyncio.Transport] = set()

    class Server(SMTP):
        def connection_made(self, transport: Any) -> None:
            live.add(transport)
            super().connection_made(transport)

    def factory() -> SMTP:
        return Server(
            inbox,
            hostname="mail.test",
            ident="test",
            tls_context=starttls,
            require_starttls=starttls is not None,
            auth_required=bool(password),
            auth_require_tls=starttls is not None,
            authenticator=authenticate if password else None,
            enable_SMTPUTF8=False,
            loop=asyncio.get_running_loop(),
        )

    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", port, ssl=implicit)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for transport in live:
            transport.abort()
        await asyncio.sleep(0.01)
