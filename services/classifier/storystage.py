"""The story step on the log: `tagged` → `story-changes`; its state is the fold of `stories` and `reminders`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from services.classifier import reminders, stories
from services.classifier.diary import Diary
from services.classifier.shelf import Shelf
from tinsom import codec
from tinsom import messages as m
from tinsom.clock import millis
from tinsom.log import Log, Output, Partition, Record
from tinsom.worker import Handled, Stage

# A story outlives the re-reads of its items: as long as `items` are kept; and its reminders, however long.
KEPT_SECONDS = 45 * 86_400.0
ENDED_PER_TICK = 500
FIRED_PER_TICK = 100
_M = TypeVar("_M", bound=m.Message)


class StoryStage(Stage):
    name = "stories"
    topic = "tagged"
    outcomes = stories.OUTCOMES

    def __init__(self, log: Log) -> None:
        self.log = log
        self.shelf = Shelf()
        self.diary = Diary()

    async def gained(self, partition: Partition) -> None:
        await self.lost(partition)
        known: dict[str, m.Story] = {}
        async for record in self.log.read("stories", partition.number):
            _fold(known, record, m.Story)
        for story in known.values():
            self.shelf.put(story)
        waiting: dict[str, m.Reminder] = {}
        async for record in self.log.read("reminders", partition.number):
            _fold(waiting, record, m.Reminder)
        for reminder in waiting.values():
            self.diary.put(reminder)

    async def lost(self, partition: Partition) -> None:
        self.shelf, self.diary = Shelf(), Diary()

    def handle(self, partition: Partition, record: Record, now: float) -> Handled:
        tagged = codec.decode_as(record, m.TaggedItem)
        item = codec.from_bytes(tagged.item, m.Item)
        decision = stories.decide(self.shelf, item, tagged.tags)
        if decision.story is None:
            return Handled([], decision.outcome)
        known = self.diary.of((decision.story.id, *decision.story.merged))
        waiting = reminders.changes(known, decision.story, item, tagged.tags, _moment(record.timestamp / 1000))
        outputs = self._outputs(partition, record, item, decision, waiting)
        # Last: a record that fails must find the memory as it was when it is tried again.
        self._apply(decision.changed, waiting)
        return Handled(outputs, decision.outcome)

    def _outputs(
        self,
        partition: Partition,
        record: Record,
        item: m.Item,
        decision: stories.Decision,
        waiting: reminders.Changes,
    ) -> list[Output]:
        at = record.timestamp
        outputs = [self._state(partition, "stories", story.id, story, at) for story in decision.changed]
        if decision.kind is not None and decision.story is not None:
            change = _change(decision.story, decision.kind, item, record.value or b"")
            change = replace(change, official=decision.official, differences=list(decision.differences))
            outputs.append(codec.output("story-changes", change.story, change, at, source=self.name))
        outputs += [self._state(partition, "reminders", kept.id, kept, at) for kept in waiting.kept]
        return outputs + [_tombstone(partition, "reminders", identity, at) for identity in waiting.ended]

    def _state(self, partition: Partition, topic: str, key: str, value: m.Message, at: int) -> Output:
        return codec.output(topic, key, value, at, source=self.name, partition=partition.number)

    def _apply(self, changed: Sequence[m.Story], waiting: reminders.Changes) -> None:
        for story in changed:
            self.shelf.put(story)
        for reminder in waiting.kept:
            self.diary.put(reminder)
        for identity in waiting.ended:
            self._end(self.diary.reminders[identity])

    def _end(self, reminder: m.Reminder) -> None:
        """The stories that waited for it may be over now."""
        self.diary.drop(reminder.id)
        for story in (self.shelf.standing(reminder.story), self.shelf.stories.get(reminder.story)):
            if story is not None:
                self.shelf.again(story)

    def tick(self, partition: Partition, now: float) -> Sequence[Output]:
        """Reminders that are due, then tombstones for stories that are over."""
        return [*self._fired(partition, now), *self._over(partition, now)]

    def _fired(self, partition: Partition, now: float) -> list[Output]:
        outputs: list[Output] = []
        for reminder in self.diary.due(_moment(now), FIRED_PER_TICK):
            tell, later = reminders.fired(reminder, _moment(now))
            story = self.shelf.standing(reminder.story)
            if tell and story is not None:
                outputs += self._told(partition, story, reminder, millis(now))
            outputs.append(self._left(partition, reminder, later, millis(now)))
        return outputs

    def _left(self, partition: Partition, reminder: m.Reminder, later: m.Reminder | None, at: int) -> Output:
        if later is None:
            self._end(reminder)
            return _tombstone(partition, "reminders", reminder.id, at)
        self.diary.put(later)
        return self._state(partition, "reminders", later.id, later, at)

    def _told(self, partition: Partition, story: m.Story, reminder: m.Reminder, at: int) -> list[Output]:
        tagged = msgspec.json.decode(reminder.tagged, type=m.TaggedItem)
        after = replace(story, revision=story.revision + 1)
        self.shelf.put(after)
        change = _change(after, "deadline", codec.from_bytes(tagged.item, m.Item), bytes(reminder.tagged))
        return [
            self._state(partition, "stories", after.id, after, at),
            codec.output("story-changes", after.id, change, at, source=self.name),
        ]

    def _over(self, partition: Partition, now: float) -> list[Output]:
        """The oldest come first; one whose reminders are open waits for their end."""
        ended: list[str] = []
        for story in self.shelf.ended(_moment(now - KEPT_SECONDS)):
            if not self.diary.of((story.id, *story.merged)):
                ended.append(story.id)
                self.shelf.drop(story.id)
            if len(ended) >= ENDED_PER_TICK:
                break
        return [_tombstone(partition, "stories", key, millis(now)) for key in ended]


def _tombstone(partition: Partition, topic: str, key: str, at: int) -> Output:
    return Output(topic, key.encode(), None, at, partition=partition.number)


def _change(story: m.Story, kind: m.StoryKind, item: m.Item, tagged: bytes) -> m.StoryChange:
    return m.StoryChange(
        story=story.id,
        revision=story.revision,
        kind=kind,
        item=item.id,
        tagged=msgspec.Raw(tagged),
        began_at=story.began_at,
        sources=story.sources,
        baseline=item.baseline,
        merged=story.merged,
    )


def _fold(known: dict[str, _M], record: Record, struct: type[_M]) -> None:
    key = (record.key or b"").decode()
    if record.value is None:
        known.pop(key, None)
    else:
        known[key] = codec.decode_as(record, struct)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
