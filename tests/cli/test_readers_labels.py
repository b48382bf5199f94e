"""From a pressed button to a figure: what readers judge is what `tinsom taxonomy eval` reads."""

from __future__ import annotations

import asyncio
import io
import time
from pathlib import Path

import pytest

from tests.alerter import builders as b
from tests.alerter.test_service import TOKEN, Clock, opened, running, tables
from tests.cli.running import Command
from tests.fakes.telegram import BotApi, Limits, serve
from tests.waiting import until
from tinsom.config import Config, DestinationConfig, SubscriptionConfig, TelegramConfig
from tinsom.messages import Match
from tinsom.screen import Screen
from tinsom.service import Context

READERS = {6: "+", 7: "-", 8: "-"}


async def judged(folder: Path) -> None:
    """Three readers of a group judge one alert, the first of them twice; another one changes his mind."""
    api = BotApi(time.monotonic, Limits(None, None, None))
    async with serve(api, TOKEN) as url, opened(folder) as log:
        settings = Config(
            destinations=[DestinationConfig(alias="nhom", channel="telegram", address="-5")],
            subscriptions=[SubscriptionConfig(id="s", destination="nhom", match=Match(initiatives=["de-an-06"]))],
            telegram=TelegramConfig(token_env="TINSOM_TEST_TOKEN", api_url=url, bot=True),
        )
        await log.append(tables(settings), writer="apply")
        async with running(Context(log, Clock(), settings), Screen(file=io.StringIO())):
            await log.append([b.change_output(b.change())], writer="stories")
            await until(lambda: bool(api.accepted))
            right, irrelevant = api.accepted[0].buttons
            api.press(irrelevant, -5, person=6)
            for person, sign in READERS.items():
                api.press(right if sign == "+" else irrelevant, -5, person=person)
            api.press(right, -5, person=6)
            await until(lambda: len(api.answers) == 5)


def test_what_readers_press_is_what_eval_counts(
    tinsom: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINSOM_TEST_TOKEN", TOKEN)
    asyncio.run(judged(folder))
    (folder / "tinsom.yaml").write_text("log: {path: t.db}\n")
    assert tinsom("dump", "verdicts", "verdicts.jsonl.gz").code == 0
    found = tinsom("taxonomy", "eval", "verdicts.jsonl.gz", "--all")
    rows = [line.split("\t") for line in found.lines]
    (row,) = [row for row in rows if row[:2] == ["initiative", "de-an-06"]]
    assert row[-3:] == ["1", "2", "0"], found.out
