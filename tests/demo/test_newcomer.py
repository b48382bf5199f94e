"""The demo, and somebody who has just heard of it: /start, one button, and the first message within a minute."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.fakes.telegram import BotApi, Limits, serve
from tests.fakes.telegram.core import Accepted
from tests.waiting import PATIENCE

pytestmark = pytest.mark.alone

TOKEN, INVITATION, NEWCOMER = "42:secret", "moi-vao-nha-nhe", 77
WITHIN = 60.0
CONFIG = "telegram: {{token_env: DEMO_TOKEN, invitation_env: DEMO_INVITATION, api_url: '{}'}}\n"


@asynccontextmanager
async def demo(folder: Path, url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    path = folder / "bot.yaml"
    path.write_text(CONFIG.format(url))
    command = ["-m", "services.cli", "demo", "--seconds", "40", "--port", "0", "--telegram", str(path)]
    environment = os.environ | {"DEMO_TOKEN": TOKEN, "DEMO_INVITATION": INVITATION}
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, env=environment, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        await asyncio.wait_for(process.wait(), PATIENCE)


async def told(api: BotApi, words: str, seconds: float) -> Accepted:
    end = time.monotonic() + seconds
    while True:
        for message in api.current(NEWCOMER):
            if words in message.text:
                return message
        assert time.monotonic() < end, [m.text[:80] for m in api.current(NEWCOMER)]
        await asyncio.sleep(0.1)


async def test_a_newcomers_first_message_and_why(tmp_path: Path) -> None:
    """On limits like those of the Bot API; wider, since a message may stand on the way for two seconds."""
    api = BotApi(time.monotonic, Limits(chat=(1.25, 3.0)))
    async with serve(api, TOKEN) as url, demo(tmp_path, url):
        api.say(f"/start {INVITATION}", NEWCOMER, NEWCOMER)
        welcome = await told(api, "Chào bạn", PATIENCE)
        began = time.monotonic()
        api.press("f:i:de-an-06", NEWCOMER, NEWCOMER)
        await told(api, "Đã theo dõi Đề án 06", WITHIN)
        first = await told(api, "Bạn theo dõi: Đề án 06", WITHIN - (time.monotonic() - began))
        api.say("/why", NEWCOMER, NEWCOMER, answering=first.message_id)
        why = await told(api, "Ở đây theo dõi Đề án 06 (sáng kiến)", PATIENCE)
    assert "f:i:de-an-06" in welcome.buttons
    assert "có “" in why.text, "and it shows the words"
    assert first.text.splitlines()[0] in why.text
    assert not [status for _, status in api.requests if status >= 400]
