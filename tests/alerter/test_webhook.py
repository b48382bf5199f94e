"""The webhook channel against a real server: signed, keyed, and never a redirect."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from services.alerter.channels import StaleIntentError
from services.alerter.channels.webhook import WebhookChannel, is_safe
from services.alerter.digests import Entry
from services.alerter.rendering import Digest, Letter
from services.alerter.responses import Answer, Verdict
from tests.alerter import builders as b
from tinsom.messages import Destination


@dataclass
class Receiver:
    url: str = ""
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False
    bodies: list[bytes] = field(default_factory=list)
    signatures: list[str] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.read())
        self.signatures.append(request.headers["X-Tinsom-Signature"])
        if self.hang_up and request.transport is not None:
            request.transport.abort()
        return web.Response(status=self.status, headers=self.headers)

    def to(self) -> Destination:
        return b.destination("may", channel="webhook", address=self.url)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made, app = Receiver(), web.Application()
    app.router.add_post("/tin", made.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/tin"
    yield made
    await runner.cleanup()


@pytest.fixture
async def channel() -> AsyncIterator[WebhookChannel]:
    made = WebhookChannel("bi-mat", 2.0)
    yield made
    await made.close()


LETTER = Letter(alert=b.alert(), timezone="Asia/Ho_Chi_Minh", language="vi", decided_at=b.NOW)


async def send(channel: WebhookChannel, to: Destination) -> Answer:
    (part,) = channel.render(LETTER, to)
    return await channel.send(to, part, before_write=lambda: None)


async def test_a_signed_event(channel: WebhookChannel, receiver: Receiver) -> None:
    assert (await send(channel, receiver.to())).ok
    (body,) = receiver.bodies
    assert receiver.signatures == ["sha256=" + hmac.new(b"bi-mat", body, hashlib.sha256).hexdigest()]
    event = json.loads(body)
    assert (event["specversion"], event["id"], event["type"]) == ("1.0", f"{1:032x}", "vn.tinsom.alert.v1")
    assert event["time"] == "2025-06-15T08:00:00Z"
    assert event["data"]["alerts"][0]["notice"]["title"] == "Tin số 1"


async def test_a_digest_is_one_event(channel: WebhookChannel, receiver: Receiver) -> None:
    entries = [Entry(b.alert(n), doubtful=False) for n in (1, 2)]
    digest = Digest("d1", "may", entries, "Asia/Ho_Chi_Minh", "vi", b.NOW)
    (part,) = channel.render_digest(digest, receiver.to())
    assert (await channel.send(receiver.to(), part, before_write=lambda: None)).ok
    assert len(json.loads(receiver.bodies[0])["data"]["alerts"]) == 2


@pytest.mark.parametrize(
    ("status", "headers", "verdict"),
    [
        (429, {"Retry-After": "7"}, Verdict("throttled", "too_many_requests", retry_after=7.0)),
        (410, {}, Verdict("gone", "gone")),
        (500, {}, Verdict("retry", "server_error")),
        (408, {}, Verdict("retry", "server_error")),
        (404, {}, Verdict("rejected", "bad_request")),
        (302, {"Location": "http://127.0.0.1:1/"}, Verdict("rejected", "bad_request")),
    ],
)
async def test_answers(
    channel: WebhookChannel, receiver: Receiver, status: int, headers: dict[str, str], verdict: Verdict
) -> None:
    receiver.status, receiver.headers = status, headers
    assert channel.judge(await send(channel, receiver.to())) == verdict
    assert len(receiver.bodies) == 1


async def test_silence_is_another_try_with_the_same_id(channel: WebhookChannel, receiver: Receiver) -> None:
    receiver.hang_up = True
    assert channel.judge(await send(channel, receiver.to())) == Verdict("retry", "no_answer")
    receiver.hang_up = False
    assert (await send(channel, receiver.to())).ok
    assert receiver.bodies[0] == receiver.bodies[1]


async def test_nobody_there_and_too_late(
    channel: WebhookChannel, receiver: Receiver, unused_tcp_port: int
) -> None:
    nobody = b.destination(channel="webhook", address=f"http://127.0.0.1:{unused_tcp_port}/")
    assert channel.judge(await send(channel, nobody)).kind == "unreachable"

    def too_late() -> None:
        raise StaleIntentError

    (part,) = channel.render(LETTER, receiver.to())
    assert await channel.send(receiver.to(), part, before_write=too_late) == Answer("refused")
    assert receiver.bodies == []


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://a.vn/x", True), ("http://127.0.0.1:8/x", True), ("http://a.vn/x", False), ("ftp://a.vn", False),
        ("https://u:p@a.vn", False), ("https:///x", False), ("", False),
    ],
)  # fmt: skip
async def test_only_https_or_loopback(channel: WebhookChannel, url: str, safe: bool) -> None:
    assert is_safe(url) is safe
    if not safe:
        to = b.destination(channel="webhook", address=url)
        assert channel.judge(await send(channel, to)).kind == "rejected"
