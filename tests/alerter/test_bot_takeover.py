"""Two alerters as processes on one log, and the one that listens is killed: the other goes on, nobody fights."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from services.cli import applying
from tests.alerter.test_service import TOKEN
from tests.fakes.telegram import BotApi, Limits, serve
from tests.waiting import until
from tinsom import configfile
from tinsom.clock import SystemClock
from tinsom.process import open_log

pytestmark = pytest.mark.alone

INVITATION, READER = "moi-vao-nha-nhe", 77
# A process that only stands still for two seconds is not taken for dead.
SQLITE = 'log: {{path: "{path}", session: 5.0}}'
KAFKA = "kafka: {{bootstrap_servers: '{bootstrap}', session_timeout: 5.0, transaction_timeout: 5.0}}"
CONFIG = """
namespace: {namespace}
{log}
http: {{port: 0}}
telegram: {{token_env: BOT_TOKEN, invitation_env: BOT_INVITATION, api_url: "{url}", bot: true}}
"""


@asynccontextmanager
async def alerter(path: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = os.environ | {"BOT_TOKEN": TOKEN, "BOT_INVITATION": INVITATION}
    command = ["-m", "services.cli", "alert", "-c", str(path)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, env=environment, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def answered(api: BotApi, words: str) -> None:
    await until(lambda: any(words in text for text in api.texts(READER)), lambda: api.texts(READER))


@pytest.fixture(params=["sqlite", pytest.param("kafka", marks=pytest.mark.kafka)])
def log_config(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return SQLITE.format(path=tmp_path / "t.db")
    return KAFKA.format(bootstrap=request.getfixturevalue("kafka_bootstrap"))


async def test_the_second_listens_when_the_first_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log_config: str
) -> None:
    monkeypatch.setenv("BOT_TOKEN", TOKEN)
    monkeypatch.setenv("BOT_INVITATION", INVITATION)
    api = BotApi(time.monotonic, Limits(None, None, None))
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(serve(api, TOKEN))
        path = tmp_path / "tinsom.yaml"
        path.write_text(CONFIG.format(log=log_config, url=url, namespace=f"bot{uuid4().hex[:8]}"))
        settings = configfile.load(path)
        log = open_log(settings)
        await log.start()
        await applying.apply(settings, log, SystemClock())
        await log.close()
        first = await stack.enter_async_context(alerter(path))
        api.say(f"/start {INVITATION}", READER, READER)
        await answered(api, "Chào bạn")
        await stack.enter_async_context(alerter(path))
        api.say("/follow Đồng Tháp", READER, READER)
        await answered(api, "Đã theo dõi Đồng Tháp")
        first.kill()
        api.say("/list", READER, READER)
        await answered(api, "• Đồng Tháp (địa phương)")
    assert api.conflicts == 0
    assert sum("Đã theo dõi" in text for text in api.texts(READER)) == 1
