"""The classifier: the tag step and the story step, each a worker of its own group."""

from __future__ import annotations

import asyncio
from pathlib import Path

from services.classifier import taxonomy
from services.classifier.stage import TagStage
from services.classifier.storystage import StoryStage
from services.classifier.tagger import Tagger
from tinsom.service import Context
from tinsom.worker import Stage, Worker


async def run(context: Context) -> None:
    """Work until `context.stop` is set; raises ConfigError when the taxonomy is wrong."""
    folder = Path(context.config.taxonomy) if context.config.taxonomy else None
    tagger = Tagger(taxonomy.load(folder))
    stages: tuple[Stage, ...] = (TagStage(tagger), StoryStage(context.log))
    for stage in stages:
        context.health.expect(stage.name)
    async with asyncio.TaskGroup() as group:
        for stage in stages:
            worker = Worker(context.log, stage, context.clock, context.health)
            group.create_task(worker.run(context.stop))
