from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from services.classifier import rulebook
from services.classifier.rulebook import FollowingTagStage, Rulebook
from services.classifier.tagger import Tagger
from services.cli import applying
from tests.classifier import story_building as building
from tests.classifier.story_building import OWNED
from tinsom import codec, metrics
from tinsom import messages as m
from tinsom.clock import SystemClock
from tinsom.config import Config, LogConfig
from tinsom.errors import ConfigError
from tinsom.log import Log, Output
from tinsom.log.sqlite import SqliteLog

THEME = """themes:
  - id: theme-lua
    names: {vi: "Mùa lúa"}
    threshold: 1
    terms: [{words: WORD, weight: 1}]
    tests: {positive: [WORD], negative: [khác]}
"""


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[Log]:
    opened = SqliteLog(tmp_path / "t.db")
    await opened.start()
    yield opened
    await opened.close()


@pytest.fixture
async def rules(log: Log) -> AsyncIterator[Rulebook]:
    book = Rulebook(log, SystemClock(), asyncio.Event())
    yield book
    await book.close()


def config(tmp_path: Path, **files: str) -> Config:
    folder = tmp_path / "own"
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, "utf-8")
    return Config(log=LogConfig(path=str(tmp_path / "t.db")), taxonomy=str(folder))


async def apply(log: Log, given: Config) -> list[str]:
    lines = await applying.apply(given, log, SystemClock())
    return [line for line in lines if line.startswith("taxonomy")]


async def stage_on(rules: Rulebook) -> FollowingTagStage:
    stage = FollowingTagStage(rules)
    await stage.gained(OWNED)
    return stage


def tags(stage: FollowingTagStage, an_item: m.Item) -> tuple[list[str], str, Output]:
    given = building.record(codec.output("items", an_item.id, an_item, 7, source="t"))
    (output,) = stage.handle(OWNED, given, 0.0).outputs
    found = codec.decode_as(building.record(output), m.TaggedItem).tags
    return [tag.id for tag in found.initiatives], found.taxonomy, output


HARVEST = building.item("a", title=building.HARVEST, lede="")


async def test_a_running_classifier_takes_new_rules_between_batches(
    log: Log, rules: Rulebook, tmp_path: Path
) -> None:
    await apply(log, config(tmp_path))
    stage = await stage_on(rules)
    before = tags(stage, HARVEST)
    assert await apply(log, config(tmp_path, mine=THEME.replace("WORD", "thu hoạch"))) == ["taxonomy: + mine.yaml"]
    await rules.refresh()
    assert tags(stage, HARVEST) == before  # the batch in hand ends as it began
    stage.tick(OWNED, 0.0)
    found, version, _ = tags(stage, HARVEST)
    assert (found, version.startswith(before[1] + "+")) == (["theme-lua"], True)
    await apply(log, config(tmp_path, mine=THEME.replace("WORD", "gặt hái")))
    await rules.refresh()
    stage.tick(OWNED, 0.0)
    assert tags(stage, HARVEST)[0] == []
    assert tags(stage, HARVEST)[1] not in (before[1], version)
    assert await apply(log, config(tmp_path)) == ["taxonomy: - mine.yaml"]
    await rules.refresh()
    stage.tick(OWNED, 0.0)
    assert tags(stage, HARVEST)[:2] == before[:2]


async def test_the_same_files_applied_again_build_nothing(log: Log, rules: Rulebook, tmp_path: Path) -> None:
    given = config(tmp_path, mine=THEME.replace("WORD", "lúa"))
    await apply(log, given)
    await rules.load()
    first = rules.tagger
    assert await apply(log, given) == ["taxonomy: no change"]
    await rules.refresh()
    assert rules.tagger is first


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("themes: [", r"mine\.yaml: .*line 2, column 1"),
        ("themes:\n  - {id: theme-x, names: {vi: X}, treshold: 1}\n", r"mine\.yaml: .*treshold.*\(theme-x\)"),
        (
            "themes:\n  - {id: theme-x, names: {vi: X}}\n",
            r"mine\.yaml: themes: theme-x: .*can never fire \(and 1 more",
        ),
        ("initiatives:\n  - {id: y, names: {vi: Y}, parents: [z]}\n", r"mine\.yaml: initiatives: y: 'z' is not"),
    ],
)
async def test_apply_refuses_a_broken_file_with_file_place_and_reason(
    log: Log, tmp_path: Path, text: str, reason: str
) -> None:
    await apply(log, config(tmp_path))
    with pytest.raises(ConfigError, match=reason):
        await apply(log, config(tmp_path, good=THEME.replace("WORD", "lúa"), mine=text))
    assert await apply(log, config(tmp_path)) == ["taxonomy: no change"]  # nothing of it was written


async def test_apply_refuses_a_file_too_large_for_a_record(log: Log, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"mine\.yaml: too large"):
        await apply(log, config(tmp_path, mine=THEME.replace("WORD", "lúa") + "#" * 1_000_001))


def broken(**changes: Any) -> Output:
    file = m.TaxonomyFile(name="mine.yaml", text="themes: [{of: a later version}]")
    return codec.output("taxonomy", "mine.yaml", file, 5, source="apply")


async def test_a_running_classifier_keeps_the_former_rules_when_it_cannot_read_new_ones(
    log: Log, rules: Rulebook, tmp_path: Path
) -> None:
    await apply(log, config(tmp_path, mine=THEME.replace("WORD", "lúa")))
    stage = await stage_on(rules)
    refused = metrics.value(metrics.TAXONOMIES, "refused")
    await log.append([broken()], writer="apply")
    await rules.refresh()
    stage.tick(OWNED, 0.0)
    assert tags(stage, HARVEST)[0] == ["theme-lua"]
    assert metrics.value(metrics.TAXONOMIES, "refused") == refused + 1


async def test_no_fault_of_new_rules_ends_the_task_that_follows_them(
    log: Log, rules: Rulebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await apply(log, config(tmp_path, mine=THEME.replace("WORD", "lúa")))
    await rules.load()
    former, refused = rules.tagger, metrics.value(metrics.TAXONOMIES, "refused")

    def too_deep(own: object) -> Tagger:
        raise RecursionError

    monkeypatch.setattr(rulebook, "_built", too_deep)
    await apply(log, config(tmp_path, mine=THEME.replace("WORD", "gặt")))
    with capture_logs() as logged:
        await rules.refresh()
    assert rules.tagger is former
    assert metrics.value(metrics.TAXONOMIES, "refused") == refused + 1
    assert [line["reason"] for line in logged if line["log_level"] == "error"] == ["RecursionError: "]
    monkeypatch.undo()
    await apply(log, config(tmp_path, mine=THEME.replace("WORD", "cấy")))
    await rules.refresh()
    assert rules.tagger is not former


async def test_a_classifier_that_cannot_read_the_first_rules_does_not_begin(
    log: Log, rules: Rulebook, tmp_path: Path
) -> None:
    await apply(log, config(tmp_path))
    await log.append([broken()], writer="apply")
    await rules.refresh()  # as the follower may before anybody waits
    with pytest.raises(ConfigError, match="on the log cannot be used"):
        await stage_on(rules)


async def test_other_rules_tag_a_replay_anew_and_alert_nobody(log: Log, rules: Rulebook, tmp_path: Path) -> None:
    """A story knows its items by revision: tagged again, they are duplicates; an edit of no weight stays one."""
    await apply(log, config(tmp_path))
    stage, story = await stage_on(rules), building.stage_on()
    (first,) = building.changes(building.handled(story, building.record(tags(stage, HARVEST)[2]))[1])
    assert first.kind == "new"
    await apply(log, config(tmp_path, mine=THEME.replace("WORD", "lúa")))
    await rules.refresh()
    stage.tick(OWNED, 0.0)
    found, _, again = tags(stage, HARVEST)
    assert found == ["theme-lua"]
    assert building.handled(story, building.record(again)) == ("duplicate", [])
    edited = building.item("a", title=building.HARVEST + ".", lede="", revision=2, change="revised")
    outcome, outputs = building.handled(story, building.record(tags(stage, edited)[2]))
    assert (outcome, building.changes(outputs)) == ("minor", [])
