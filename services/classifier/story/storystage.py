"""The story step on the log: `tagged` → `story-changes`; its state is the fold of `stories` and `reminders`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from services.classifier.story import reminders, stories
from services.classifier.story.diary import Diary
from services.classifier.story.pulses import Pulse
from services.classifier.story.shelf import Shelf
from services.classifier.story.signals import Signals, Told
from tinsom import codec, metrics
from tinsom import messages as m
from tinsom.clock import millis
from tinsom.log import Log, Output, Partition, Record
from tinsom.worker import Handled, Stage

# A story outlives the re-reads of its items: as long as `items` are kept; and its reminders, however long.
KEPT_SECONDS = 45 * 86_400.0
ENDED_PER_TICK = 500
FIRED_PER_TICK = 100
PULSE = b"pulse/"  # begins the keys of what is no story in topic `stories`
_M = TypeVar("_M", bound=m.Message)

codec.register("vn.tinsom.classifier.pulse.v1", Pulse)


class StoryStage(Stage):
    name = "stories"
    topic = "tagged"
    outcomes = stories.OUTCOMES

    def __init__(self, log: Log) -> None:
        self.log = log
        self.shelf = Shelf()
        self.diary = Diary()
        self.signals = Signals()

    async def gained(self, partition: Partition) -> None:
        await self.lost(partition)
        known: dict[str, m.Story] = {}
        beating: dict[str, Pulse] = {}
        async for record in self.log.read("stories", partition.number):
            if (record.key or b"").startswith(PULSE):
                _fold(beating, record, Pulse)
            else:
                _fold(known, record, m.Story)
        for story in known.values():
            self._put(story)
        for pulse in beating.values():
            self.signals.put_pulse(pulse)
        waiting: dict[str, m.Reminder] = {}
        async for record in self.log.read("reminders", partition.number):
            _fold(waiting, record, m.Reminder)
        for reminder in waiting.values():
            self.diary.put(reminder)

    async def lost(self, partition: Partition) -> None:
        self.shelf, self.diary, self.signals = Shelf(), Diary(), Signals()

    def handle(self, partition: Partition, record: Record, now: float) -> Handled:
        tagged = codec.decode_as(record, m.TaggedItem)
        item = codec.from_bytes(tagged.item, m.Item)
        decision = stories.decide(self.shelf, item, tagged.tags)
        if decision.story is None:
            return Handled([], decision.outcome)
        known = self.diary.of((decision.story.id, *decision.story.merged))
        waiting = reminders.changes(known, decision.story, item, tagged.tags, _moment(record.timestamp / 1000))
        outputs = self._outputs(partition, record, item, decision, waiting)
        rising, pulse = self._signals(decision, item, tagged.tags, record.value or b"")
        outputs += [output for told in rising for output in self._signalled(partition, told, record.timestamp)]
        outputs += [self._beating(partition, pulse, record.timestamp)] if pulse else []
        # Last: a record that fails must find the memory as it was when it is tried again.
        self._apply([*decision.changed, *(told.story for told in rising)], waiting)
        if pulse is not None:
            self.signals.put_pulse(pulse)
        return Handled(outputs, decision.outcome)

    def _signals(
        self, decision: stories.Decision, item: m.Item, tags: m.Tags, tagged: bytes
    ) -> tuple[list[Told], Pulse | None]:
        """An item counts once, when it is new, and for what a late text says that it is about."""
        if item.baseline or decision.outcome not in ("new", "source", "enriched"):
            return [], None
        return list(self.signals.bursts(item, tags, tagged)), self.signals.beat(item, tags)

    def _signalled(self, partition: Partition, told: Told, at: int) -> list[Output]:
        outputs = [self._state(partition, "stories", told.story.id, told.story, at)]
        if told.change is not None:
            metrics.SIGNALS.labels(told.change.kind).inc()
            outputs.append(codec.output("story-changes", told.story.id, told.change, at, source=self.name))
        return outputs

    def _beating(self, partition: Partition, pulse: Pulse, at: int) -> Output:
        return self._state(partition, "stories", PULSE.decode() + pulse.source, pulse, at)

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
            self._put(story)
        for reminder in waiting.kept:
            self.diary.put(reminder)
        for identity in waiting.ended:
            self._end(self.diary.reminders[identity])

    def _put(self, story: m.Story) -> None:
        self.signals.put(story, self.shelf.stories.get(story.id))
        self.shelf.put(story)

    def _end(self, reminder: m.Reminder) -> None:
        """The stories that waited for it may be over now."""
        self.diary.drop(reminder.id)
        for story in (self.shelf.standing(reminder.story), self.shelf.stories.get(reminder.story)):
            if story is not None:
                self.shelf.again(story)

    def tick(self, partition: Partition, now: float) -> Sequence[Output]:
        """Reminders that are due, sources that fell silent, then tombstones for stories that are over."""
        return [*self._fired(partition, now), *self._silent(partition, now), *self._over(partition, now)]

    def _silent(self, partition: Partition, now: float) -> list[Output]:
        outputs: list[Output] = []
        for told in self.signals.silences(_moment(now)):
            outputs += self._signalled(partition, told, millis(now))
            self._put(told.story)
            if told.pulse is not None:
                outputs.append(self._beating(partition, told.pulse, millis(now)))
                self.signals.put_pulse(told.pulse)
        return outputs

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
        self._put(after)
        change = _change(after, "deadline", codec.from_bytes(tagged.item, m.Item), bytes(reminder.tagged))
        change = replace(change, task=reminder.id)
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
