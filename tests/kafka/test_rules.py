"""A running classifier takes new rules from a real broker."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from services.classifier.rulebook import Rulebook
from services.cli.applying import TABLES
from tests.classifier.story_building import OWNED
from tests.classifier.test_rulebook import HARVEST, THEME, apply, config, stage_on, tags
from tests.kafka.opening import opened
from tests.waiting import shown
from tinsom.clock import SystemClock
from tinsom.topics import TOPICS


async def taken(rules: Rulebook, before: str) -> None:
    """A commit shows to readers a moment after it returned."""

    async def version() -> str:
        await rules.refresh()
        return rules.tagger.taxonomy.version if rules.tagger else before

    await shown(version, lambda found: found != before)


@pytest.mark.kafka
async def test_new_rules_reach_a_running_classifier(kafka_bootstrap: str, namespace: str, tmp_path: Path) -> None:
    topics = {name: replace(TOPICS[name], partitions=1) for name in TABLES}
    async with opened(kafka_bootstrap, namespace, topics=topics) as log:
        rules = Rulebook(log, SystemClock(), asyncio.Event())
        await apply(log, config(tmp_path))
        stage = await stage_on(rules)
        found, version, _ = tags(stage, HARVEST)
        assert found == []
        await apply(log, config(tmp_path, mine=THEME.replace("WORD", "thu hoạch")))
        await taken(rules, version)
        stage.tick(OWNED, 0.0)
        assert tags(stage, HARVEST)[0] == ["theme-lua"]
        assert await apply(log, config(tmp_path)) == ["taxonomy: - mine.yaml"]
        await taken(rules, tags(stage, HARVEST)[1])
        stage.tick(OWNED, 0.0)
        assert tags(stage, HARVEST)[:2] == ([], version)
        await rules.close()
