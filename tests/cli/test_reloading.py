"""A configuration that changes while it runs: taken, refused, tried again."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from services.cli.reloading import RETRY_SECONDS, Reloader, applying_to, differing
from services.cli.shared import opened_log
from tests.cli.running import Command
from tinsom import metrics
from tinsom.config import AlerterConfig, CollectorConfig, Config, LogConfig, SourceConfig, TelegramConfig
from tinsom.configfile import load
from tinsom.errors import ConfigError, UnreachableError
from tinsom.log import Table
from tinsom.screen import Screen

START = "destinations: [{alias: a, channel: terminal}]\n"
MORE = START + "subscriptions: [{id: s, destination: a, match: {initiatives: [de-an-06]}}]\n"
BAD = START + "subscriptions: [{id: s, destination: nobody, match: {initiatives: [de-an-06]}}]\n"


@dataclass
class Applied:
    """What would have gone to the log; raises `fault` instead, if there is one."""

    taken: list[Config] = field(default_factory=list)
    fault: Exception | None = None

    def __call__(self, config: Config) -> list[str]:
        if self.fault is not None:
            raise self.fault
        self.taken.append(config)
        return ["subscriptions: + s", "sources: no change"]


@dataclass
class Watched:
    path: Path
    applied: Applied
    reloader: Reloader
    now: float = 1_000.0

    async def looks(self, count: int = 3) -> list[str]:
        """What is logged meanwhile, as `event: what`."""
        with capture_logs() as lines:
            for _ in range(count):
                self.now += 1
                await self.reloader.look(self.now)
        return [
            f"{line['event']}: {line.get('reason', line.get('settings', line.get('changes')))}" for line in lines
        ]

    async def after(self, text: str) -> list[str]:
        self.path.write_text(text, "utf-8")
        return await self.looks()


@pytest.fixture
def watched(folder: Path) -> Watched:
    path, applied = folder / "tinsom.yaml", Applied()
    path.write_text(START)
    metrics.configuration_taken(1_000.0)
    return Watched(path, applied, Reloader(path, load(path), applied))


def good() -> tuple[float, float]:
    return metrics.value(metrics.CONFIG_GOOD), metrics.value(metrics.CONFIG_TAKEN)


async def test_a_change_is_taken_once_when_it_is_at_rest(watched: Watched) -> None:
    assert await watched.looks() == []
    watched.path.write_text(MORE)
    await watched.looks(1)
    assert watched.applied.taken == [], "it may be half written"
    assert await watched.looks(5) == ["configuration taken: ['subscriptions: + s']"]
    assert [s.id for config in watched.applied.taken for s in config.subscriptions] == ["s"]
    assert good() == (1, 1_005)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (BAD, "tinsom.yaml:2: subscriptions[0].destination: there is no destination 'nobody'"),
        ("destinations: [\n", "tinsom.yaml:2: "),
        ("", "tinsom.yaml: is empty"),
        ("\n  \n", "tinsom.yaml: is empty"),
    ],
)
async def test_a_bad_one_is_refused_with_file_and_line_and_the_former_holds(
    watched: Watched, text: str, reason: str
) -> None:
    (line,) = await watched.after(text)
    assert line.startswith("configuration refused, the former one holds: ")
    assert reason in line
    assert (watched.applied.taken, good()) == ([], (0, 1_000))
    assert await watched.looks(60) == [], "said once"
    await watched.after(MORE)
    assert (len(watched.applied.taken), good()[0]) == (1, 1)


async def test_a_file_that_is_gone_is_refused(watched: Watched) -> None:
    watched.path.unlink()
    (line,) = await watched.looks()
    assert "does not exist" in line
    assert good()[0] == 0


async def test_a_log_that_is_away_is_tried_again(watched: Watched) -> None:
    watched.applied.fault = UnreachableError("no answer from Kafka")
    assert await watched.after(MORE) == ["configuration refused, the former one holds: no answer from Kafka"]
    watched.applied.fault = None
    await watched.looks(int(RETRY_SECONDS) - 5)
    assert watched.applied.taken == []
    await watched.looks(5)
    assert (len(watched.applied.taken), good()[0]) == (1, 1)


async def test_what_was_asked_for_is_tried_again_when_the_log_was_away(watched: Watched) -> None:
    await watched.looks()
    watched.applied.fault = UnreachableError("no answer from Kafka")
    watched.reloader.ask()
    assert len(await watched.looks()) == 1
    watched.applied.fault = None
    await watched.looks(int(RETRY_SECONDS) + 1)
    assert (len(watched.applied.taken), good()[0]) == (1, 1)


async def test_a_refused_one_is_taken_when_what_it_names_is_mended(watched: Watched, folder: Path) -> None:
    """The fault may stand in a file that only the refused configuration speaks of."""
    watched.applied.fault = ConfigError("nhan/mine.yaml:1: no such field")
    (folder / "nhan").mkdir()
    (folder / "nhan" / "mine.yaml").write_text("wrong: []\n")
    assert len(await watched.after(START + "taxonomy: nhan\n")) == 1
    assert await watched.looks(20) == [], "said once"
    watched.applied.fault = None
    (folder / "nhan" / "mine.yaml").write_text("initiatives: []\n")
    await watched.looks()
    assert (len(watched.applied.taken), good()[0]) == (1, 1)


async def test_no_fault_of_a_reload_ends_the_process(watched: Watched) -> None:
    watched.applied.fault = ZeroDivisionError("unforeseen")
    assert len(await watched.after(MORE)) == 1
    assert good()[0] == 0


@pytest.mark.parametrize("name", ["x" * 300, '"nh\\0n"'], ids=["too long", "no name"])
async def test_a_name_that_no_file_can_have_does_not_end_the_process(watched: Watched, name: str) -> None:
    watched.applied.fault = ConfigError("taxonomy: cannot read it")
    assert len(await watched.after(START + f"taxonomy: {name}\n")) == 1
    assert await watched.looks(20) == []
    watched.applied.fault = None
    await watched.after(MORE)
    assert (len(watched.applied.taken), good()[0]) == (1, 1)


async def test_what_is_asked_for_is_read_without_a_change(watched: Watched) -> None:
    watched.reloader.ask()
    await watched.looks(2)
    assert len(watched.applied.taken) == 1


async def test_a_taxonomy_file_is_part_of_it(watched: Watched, folder: Path) -> None:
    rules = folder / "nhan"
    rules.mkdir()
    await watched.after(START + "taxonomy: nhan\n")
    (rules / "mine.yaml").write_text("initiatives: []\n")
    await watched.looks()
    assert len(watched.applied.taken) == 2
    assert await watched.looks() == []


async def test_settings_that_wait_for_a_start_are_named(watched: Watched) -> None:
    lines = await watched.after(MORE + "alerter: {language: en}\nhttp: {port: 1}\n")
    assert lines[1:] == ["these settings hold from the next start: ['http.port', 'alerter.language']"]


async def test_a_service_of_its_own_leaves_tables_to_apply(watched: Watched) -> None:
    watched.reloader.apply = None
    lines = await watched.after(MORE + "collector: {catalogue: [ministry], timeout: 9}\n")
    assert lines[1:] == [
        "these settings hold from the next start: ['collector.timeout']",
        "these settings hold from the next `tinsom apply`: ['collector.catalogue', 'subscriptions']",
    ]
    (line,) = await watched.after(BAD)
    assert "tinsom.yaml:2: " in line


def test_what_differs_by_name() -> None:
    one = Config(alerter=AlerterConfig(max_age_hours=1.0), collector=CollectorConfig(timeout=3.0))
    other = Config(telegram=TelegramConfig(token_env="X"), sources=[SourceConfig(id="a", url="https://a.vn/")])
    assert differing(one, other) == [
        "collector.timeout", "alerter.max_age_hours", "sources", "telegram",
    ]  # fmt: skip
    assert differing(one, one) == []


@pytest.mark.parametrize("form", ["sqlite", pytest.param("kafka", marks=pytest.mark.kafka)])
def test_it_is_applied_after_somebody_else_has_applied(
    form: str, tinsom: Command, folder: Path, request: pytest.FixtureRequest
) -> None:
    """Whoever applies fences those before; a process that runs for months must not be shut out by that."""
    where = "log: {path: tinsom.db}\n"
    if form == "kafka":
        servers = request.getfixturevalue("kafka_bootstrap")
        where = f"namespace: t{uuid.uuid4().hex[:8]}\nkafka: {{bootstrap_servers: '{servers}'}}\n"
    path = folder / "tinsom.yaml"
    path.write_text(where)
    started = load(path)
    apply = applying_to(started)
    apply(started)
    path.write_text(where + MORE)
    assert tinsom("apply").code == 0
    assert "subscriptions: - s" in apply(started)


async def test_it_goes_to_the_log_that_this_process_works_on(folder: Path) -> None:
    started = Config(log=LogConfig(path=str(folder / "one.db")))
    path = folder / "tinsom.yaml"
    path.write_text(MORE + f"log: {{path: {folder / 'other.db'}}}\n")
    await asyncio.to_thread(applying_to(started), load(path))
    async with opened_log(started) as log:
        table = Table(log.tail(["subscriptions"]))
        await table.refresh()
        assert list(table.records) == [b"file/s"]
    assert not (folder / "other.db").exists()


async def test_an_id_that_no_tag_can_have_is_refused_while_it_runs(watched: Watched) -> None:
    assert await watched.after(MORE.replace("de-an-06", "de-an-60")) == [
        f"configuration refused, the former one holds: {watched.path}:2: subscriptions[0].match.initiatives[0]: "
        "'de-an-60' is not in the taxonomy; did you mean de-an-06?"
    ]
    assert watched.applied.taken == []


async def test_who_sits_at_the_terminal_sees_what_was_taken(
    watched: Watched, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("services.cli.reloading.errors", Screen(force_terminal=True))
    await watched.after(MORE)
    assert capsys.readouterr().err.strip() == f"{watched.path} changed and was taken: subscriptions: + s"
