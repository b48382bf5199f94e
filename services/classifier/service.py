"""The classifier: the tag step and the story step, each a worker of its own group."""

from __future__ import annotations

import asyncio

from services.classifier.rulebook import FollowingTagStage, Rulebook
from services.classifier.story.storystage import StoryStage
from tinsom import metrics
from tinsom.service import Context
from tinsom.worker import Stage, Worker


async def run(context: Context) -> None:
    """Work until `context.stop` is set; raises ConfigError when the rules on the log cannot be used."""
    metrics.prepare_classifier()
    rules = Rulebook(context.log, context.clock, context.stop)
    stages: tuple[Stage, ...] = (FollowingTagStage(rules), StoryStage(context.log))
    for stage in stages:
        context.health.expect(stage.name)
    following = asyncio.create_task(rules.follow())
    try:
        async with asyncio.TaskGroup() as group:
            for stage in stages:
                worker = Worker(context.log, stage, context.clock, context.health)
                group.create_task(worker.run(context.stop))
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await rules.close()
