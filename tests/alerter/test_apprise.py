"""The optional channel: Apprise's yes, no and silence, with a stand-in, and with the library itself
where it is installed.
"""

from __future__ import annotations

import asyncio
import importlib.util
import sys
import threading
import types
from typing import Any

import pytest
from aiohttp import web

from services.alerter import wiring
from services.alerter.channels import StaleIntentError
from services.alerter.channels.apprise import AppriseChannel, addresses_of
from services.alerter.rendering import Digest, Letter
from services.alerter.responses import Answer
from tests.alerter import builders as b
from tinsom.config import AppriseConfig, Config
from tinsom.errors import ConfigError
from tinsom.redact import redact

TO = b.destination("doi", channel="apprise", address="phong")
LETTER = Letter(alert=b.alert(), timezone="Asia/Ho_Chi_Minh", language="vi", decided_at=b.NOW)
REAL = importlib.util.find_spec("apprise") is not None


class Service:
    """As `apprise.Apprise`: `add` refuses what it does not know, `notify` says yes, no, or takes its time."""

    def __init__(self) -> None:
        self.address = ""
        self.told: list[tuple[str, str, str]] = []
        self.late = threading.Event()

    def add(self, address: str) -> bool:
        self.address = address
        return address.startswith(("yes://", "no://", "slow://", "broken://"))

    def notify(self, body: str, title: str = "", body_format: str = "") -> bool:
        assert threading.current_thread() is not threading.main_thread()
        self.told.append((title, body, body_format))
        if self.address.startswith("slow://"):
            self.late.wait(30)
        if self.address.startswith("broken://"):
            raise RuntimeError(self.address)
        return not self.address.startswith("no://")


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("apprise")
    vars(module)["Apprise"] = Service
    monkeypatch.setitem(sys.modules, "apprise", module)


async def send(channel: AppriseChannel, to: Any = TO, before_write: Any = lambda: None) -> Answer:
    (part,) = channel.render(LETTER, to)
    return await channel.send(to, part, before_write=before_write)


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize(
    ("address", "kind"),
    [("yes://x", "delivered"), ("no://x", "unsure"), ("slow://x", "ambiguous"), ("broken://x", "ambiguous")],
)
async def test_answers(address: str, kind: str) -> None:
    channel = AppriseChannel({"phong": address}, timeout=1.0 if address.startswith("slow") else 30.0)
    service = channel._services["phong"]
    assert isinstance(service, Service)
    assert channel.judge(await send(channel)).kind == kind
    service.late.set()
    ((title, body, form),) = service.told
    assert (title, form) == ("Tin số 1", "text")
    assert "Đọc bài gốc: https://bao.vn/a" in body


@pytest.mark.usefixtures("stand_in")
async def test_nothing_leaves_without_leave_nor_for_an_unknown_name() -> None:
    def too_late() -> None:
        raise StaleIntentError

    channel = AppriseChannel({"phong": "yes://x"}, timeout=30.0)
    assert await send(channel, before_write=too_late) == Answer("refused")
    other = b.destination("doi", channel="apprise", address="khac")
    assert channel.judge(await send(channel, other)).kind == "rejected"
    assert channel._services["phong"].told == []


@pytest.mark.usefixtures("stand_in")
def test_a_digest_is_one_message() -> None:
    channel = AppriseChannel({}, timeout=1.0)
    (part,) = channel.render_digest(Digest("d", "doi", [], "Asia/Ho_Chi_Minh", "vi", b.NOW), TO)
    assert dict(part.headers)["title"].startswith("Bản tin tổng hợp")


def test_without_the_library_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(ConfigError, match=r"pip install '\.\[apprise\]'"):
        AppriseChannel({"phong": "yes://x"}, timeout=1.0)


@pytest.mark.usefixtures("stand_in")
def test_addresses_come_from_a_file_and_are_blotted_out(tmp_path: Any) -> None:
    file = tmp_path / "addresses"
    file.write_text("# phòng tin\n\nphong yes://bi-mat-123/kenh\nkhac nowhere://mat-khau-9\n")
    config = Config(apprise=AppriseConfig(addresses_file=str(file)))
    with pytest.raises(ConfigError) as caught:
        wiring.channels(config, live=True)
    assert "'khac'" in str(caught.value)
    assert "mat-khau-9" not in str(caught.value)
    assert redact("x yes://bi-mat-123/kenh y") == "x ••• y"
    assert "apprise" not in wiring.channels(config, live=False), "a replay reads no secret"
    with pytest.raises(ConfigError, match="line 2"):
        addresses_of("a b://c\nd\n")


@pytest.mark.skipif(not REAL, reason="apprise is not installed")
@pytest.mark.filterwarnings("ignore")
async def test_the_library_itself() -> None:
    """Over its `json://`, to a server of our own."""
    got: list[Any] = []

    async def take(request: web.Request) -> web.Response:
        got.append(await request.json())
        return web.Response(status=200 if len(got) == 1 else 500)

    app = web.Application()
    app.router.add_post("/{path:.*}", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    channel = AppriseChannel({"phong": f"json://127.0.0.1:{port}/nhan"}, timeout=30.0)
    try:
        assert channel.judge(await send(channel)).kind == "delivered"
        assert channel.judge(await send(channel)).kind == "unsure"
    finally:
        await runner.cleanup()
    assert got[0]["title"] == "Tin số 1"
    assert "https://bao.vn/a" in got[0]["message"]
    await asyncio.sleep(0)
