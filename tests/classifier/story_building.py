"""Items, tags and a stage of their own for the tests of stories and reminders: made-up news, no tagger."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import msgspec

from services.classifier.story.storystage import StoryStage
from tinsom import codec
from tinsom import messages as m
from tinsom.clock import millis
from tinsom.log import Log, Output, Partition, Record

NOW = datetime(2026, 10, 14, 1, 0, tzinfo=UTC)
DECREE = "Chính phủ ban hành nghị định về chia sẻ dữ liệu giữa các cơ quan nhà nước"
LEDE = "Nghị định yêu cầu bộ, ngành, địa phương trả lời yêu cầu cung cấp dữ liệu trong năm ngày làm việc."
HARVEST = "Nông dân miền Tây thu hoạch lúa sớm để tránh nước lên"


class _Owned:
    """The only things of a partition that deciding looks at."""

    topic, number = "tagged", 0
    lock = asyncio.Lock()


OWNED = cast(Partition, _Owned())


class Kept:
    """A compacted log: the last value of each key, in the order in which compaction leaves them."""

    def __init__(self) -> None:
        self.topics: dict[str, dict[bytes, Record]] = {"stories": {}, "reminders": {}}

    def write(self, outputs: Iterable[Output]) -> None:
        for output in outputs:
            if output.topic in self.topics:
                records = self.topics[output.topic]
                records.pop(output.key or b"", None)
                if output.value is not None:
                    records[output.key or b""] = record(output)

    async def read(self, topic: str, partition: int) -> AsyncIterator[Record]:
        for kept in self.topics[topic].values():
            yield kept


def record(output: Output, offset: int = 0) -> Record:
    return Record(output.topic, 0, offset, output.timestamp, output.key, output.value, output.headers)


def item(name: str, minutes: float = 0, **changes: Any) -> m.Item:
    """`name`: id, publisher and source alike, unless the changes say otherwise."""
    values: dict[str, Any] = {
        "id": name, "publisher": name, "source": name, "url": f"https://{name}.example.test/1",
        "title": DECREE, "lede": LEDE, "fetched_at": NOW + timedelta(minutes=minutes),
    }  # fmt: skip
    return m.Item(**{**values, **changes})


def tagged(an_item: m.Item, **tags: Any) -> Record:
    message = m.TaggedItem(item=msgspec.Raw(codec.to_bytes(an_item)), tags=m.Tags(id=an_item.id, **tags))
    at = millis(an_item.fetched_at.timestamp())
    return record(codec.output("tagged", an_item.id, message, at, source="t"))


def stage_on(log: Kept | None = None) -> StoryStage:
    return StoryStage(cast(Log, log or Kept()))


def restored(log: Kept) -> StoryStage:
    """The stage of a process that takes over."""
    stage = stage_on(log)
    asyncio.run(stage.gained(OWNED))
    return stage


def handled(stage: StoryStage, given: Record) -> tuple[str, list[Output]]:
    found = stage.handle(OWNED, given, given.timestamp / 1000)
    return found.outcome, list(found.outputs)


def ticked(stage: StoryStage, now: datetime) -> list[Output]:
    return list(stage.tick(OWNED, now.timestamp()))


def changes(outputs: Iterable[Output]) -> list[m.StoryChange]:
    return [codec.decode_as(record(o), m.StoryChange) for o in outputs if o.topic == "story-changes"]


def change(stage: StoryStage, given: Record) -> m.StoryChange | None:
    """The one change that a record makes, if any."""
    found = changes(handled(stage, given)[1])
    assert len(found) < 2
    return found[0] if found else None


def membership(stage: StoryStage) -> set[frozenset[str]]:
    return {frozenset(story.items) for story in stage.shelf.stories.values() if story.items}
