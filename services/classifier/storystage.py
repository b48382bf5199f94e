"""The story step on the log: `tagged` → `story-changes`; its state is the fold of the committed `stories`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from services.classifier import stories
from tinsom import codec
from tinsom import messages as m
from tinsom.clock import millis
from tinsom.log import Log, Output, Partition, Record
from tinsom.worker import Handled, Stage

# A story outlives the re-reads of its items: as long as `items` are kept.
KEPT_SECONDS = 45 * 86_400.0
ENDED_PER_TICK = 500


class StoryStage(Stage):
    name = "stories"
    topic = "tagged"
    outcomes = stories.OUTCOMES

    def __init__(self, log: Log) -> None:
        self.log = log
        self.stories: dict[str, m.Story] = {}

    async def gained(self, partition: Partition) -> None:
        self.stories = {}
        async for record in self.log.read("stories", partition.number):
            key = (record.key or b"").decode()
            if record.value is None:
                self.stories.pop(key, None)
            else:
                self.stories[key] = codec.decode_as(record, m.Story)

    async def lost(self, partition: Partition) -> None:
        self.stories = {}

    def handle(self, partition: Partition, record: Record, now: float) -> Handled:
        tagged = codec.decode_as(record, m.TaggedItem)
        item = codec.from_bytes(tagged.item, m.Item)
        decision = stories.decide(self.stories.get(item.id), item, tagged.tags)
        outputs = self._outputs(partition, record, item, decision)
        if decision.story is not None:
            self.stories[decision.story.id] = decision.story
        return Handled(outputs, decision.outcome)

    def _outputs(
        self, partition: Partition, record: Record, item: m.Item, decision: stories.Decision
    ) -> list[Output]:
        story = decision.story
        if story is None:
            return []
        at = record.timestamp
        outputs = [codec.output("stories", story.id, story, at, source=self.name, partition=partition.number)]
        if decision.kind is not None:
            change = m.StoryChange(
                story=story.id,
                revision=story.revision,
                kind=decision.kind,
                item=item.id,
                tagged=msgspec.Raw(record.value or b""),
                began_at=story.began_at,
                sources=story.sources,
                baseline=item.baseline,
            )
            outputs.append(codec.output("story-changes", story.id, change, at, source=self.name))
        return outputs

    def tick(self, partition: Partition, now: float) -> Sequence[Output]:
        """Tombstones for stories that are over; the oldest come first, since they were begun in order."""
        ended: list[str] = []
        for story in self.stories.values():
            if len(ended) >= ENDED_PER_TICK or story.began_at.timestamp() > now - KEPT_SECONDS:
                break
            ended.append(story.id)
        for key in ended:
            del self.stories[key]
        return [Output("stories", key.encode(), None, millis(now), partition=partition.number) for key in ended]
