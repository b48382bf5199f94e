"""A replay tags and alerts as the live services did, and notifies nobody while they run on."""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import yaml

from tests.fakes import smtp, telegram
from tests.fakes.telegram.core import NO_LIMITS
from tests.pipeline.oracle import everything, seen
from tests.pipeline.running import JumpClock, messages, running, until
from tests.pipeline.site import Article, Site, served
from tests.pipeline.test_processes import FORMS, bootstrap_of
from tinsom.config import (
    CollectorConfig,
    Config,
    DestinationConfig,
    EmailConfig,
    HttpConfig,
    KafkaConfig,
    LogConfig,
    SourceConfig,
    SubscriptionConfig,
    TelegramConfig,
)
from tinsom.log import Log
from tinsom.messages import Alert, Delivery, Match
from tinsom.process import open_log

DUMPED = ("items", "tagged", "story-changes", "alerts", "deliveries", "feed-state")


def configuration(form: str, bootstrap: str, site: Site, folder: Path, bot: str, mail_port: int) -> Config:
    (folder / "token").write_text("42:secret")
    wants = Match(initiatives=["de-an-06"])
    return Config(
        namespace="live" if form == "sqlite" else f"live-{folder.name.replace('_', '-')}"[:60],
        kafka=KafkaConfig(bootstrap_servers=bootstrap, transaction_timeout=5.0) if form == "kafka" else None,
        log=LogConfig(path=str(folder / "log.db")),
        http=HttpConfig(port=0),
        collector=CollectorConfig(allow_private=["127.0.0.1"]),
        sources=[SourceConfig(id="s", publisher="p", url=site.url("s"), interval=1.0, full_text=False)],
        destinations=[
            DestinationConfig(alias="chat", channel="telegram", address="1001"),
            DestinationConfig(alias="mail", channel="email", address="a@example.test"),
        ],
        subscriptions=[
            SubscriptionConfig(id="a", destination="chat", match=wants, priority="urgent"),
            SubscriptionConfig(id="b", destination="mail", match=wants, priority="urgent"),
        ],
        telegram=TelegramConfig(token_file=str(folder / "token"), api_url=bot),
        email=EmailConfig(host="127.0.0.1", port=mail_port, tls="none", sender="tinsom@example.test"),
    )


async def tinsom(*arguments: str) -> str:
    """Run the command; what it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.cli", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, out.decode() + err.decode()
    return out.decode()


def articles(count: int) -> list[Article]:
    now = datetime.now(UTC) - timedelta(minutes=5)
    titles = [f"Bộ Công an triển khai Đề án 06, đợt {n}" if n % 3 else f"Thời tiết ngày {n}" for n in range(count)]
    return [Article(f"tin-{n}", title, f"Nội dung {n}.", now) for n, title in enumerate(titles)]


def told(api: telegram.BotApi, inbox: smtp.Inbox) -> tuple[int, int]:
    return len(api.accepted), len(inbox.taken)


@pytest.mark.parametrize("form", FORMS)
async def test_a_replay_with_live_credentials_notifies_nobody(
    form: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    clock, site = JumpClock(), Site({"s": [Article("cu", "Có từ trước", "Không báo ai.", datetime.now(UTC))]})
    api, inbox = telegram.BotApi(clock.now, NO_LIMITS), smtp.Inbox()
    async with served(site), telegram.serve(api) as bot, smtp.serve(inbox) as mail_port:
        config = configuration(form, bootstrap_of(form, request), site, tmp_path, bot, mail_port)
        (tmp_path / "tinsom.yaml").write_text(yaml.safe_dump(msgspec.to_builtins(config)), "utf-8")
        option = ("-c", str(tmp_path / "tinsom.yaml"))
        async with running(config, clock) as live:
            await until(live, "items", 1)
            site.feeds["s"] += articles(12)
            await until(live, "items", 13)
            before = told(api, inbox)
            assert before == (8, 8)
            for topic in DUMPED:
                await tinsom("dump", topic, str(tmp_path / f"{topic}.gz"), *option)
                await tinsom("replay", str(tmp_path / f"{topic}.gz"), "--namespace", "copy", *option)
            shown = await tinsom("replay", str(tmp_path / "items.gz"), "--namespace", "again", "--run", *option)
            assert told(api, inbox) == before
            site.feeds["s"].append(articles(15)[13])
            await until(live, "items", 14)
            assert told(api, inbox) == (9, 9)
            await check_copy(live, config)
            await check_rerun(live, config, shown)


async def check_copy(live: Log, config: Config) -> None:
    """Keys, values, headers, timestamps and partitions as they were, in the same order."""
    copy = open_log(config, "copy")
    await copy.start()
    for topic in DUMPED:
        there, here = await partitions(copy, topic), await partitions(live, topic)
        assert there, topic
        for number, records in there.items():
            assert records == here[number][: len(records)], (topic, number)
    await copy.close()


async def partitions(log: Log, topic: str) -> dict[int, list[tuple[object, ...]]]:
    """Without offsets, which are the log's own: Kafka's transactions take some."""
    found: dict[int, list[tuple[object, ...]]] = defaultdict(list)
    for r in await everything(log, topic):
        found[r.partition].append((r.key, r.value, r.headers, r.timestamp))
    return found


async def check_rerun(live: Log, config: Config, shown: str) -> None:
    """The replay came to what the live services came to, up to where it was dumped, and told only the record."""
    again = open_log(config, "again")
    await again.start()
    for topic in ("tagged", "story-changes"):
        there = seen(await everything(again, topic))
        assert there <= seen(await everything(live, topic))
        assert there.total() == 13
    told_again = {m.id for m in await messages(again, "alerts") if isinstance(m, Alert)}
    assert len(told_again) == 16
    assert told_again <= {m.id for m in await messages(live, "alerts") if isinstance(m, Alert)}
    states = {m.alert_id: m.state for m in await messages(again, "deliveries") if isinstance(m, Delivery)}
    assert set(states.values()) == {"sent"}
    assert "chat\talert\t8" in shown
    assert "de-an-06\t8" in shown
    await again.close()
