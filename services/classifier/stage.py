"""The tag step on the log: `items` → `tagged`, nothing kept between two records."""

from __future__ import annotations

from typing import Any

import msgspec

from services.classifier.tagger import Tagger
from tinsom import codec, metrics
from tinsom import messages as m
from tinsom.log import Output, Partition, Record
from tinsom.topics import TOPICS
from tinsom.worker import Handled, Stage

# A story change wraps the tagged item in a few fields more: leave room for them.
ROOM = 16_384
KEPT_EVIDENCE = 3


class TagStage(Stage):
    """Outcomes: `tagged` with at least one initiative or agency, else `untagged`; both pass on."""

    name = "tag"
    topic = "items"
    outcomes = ("tagged", "untagged")

    def __init__(self, tagger: Tagger) -> None:
        self.tagger = tagger

    def handle(self, partition: Partition, record: Record, now: float) -> Handled:
        item = codec.decode_as(record, m.Item)
        tags = self._named(self.tagger.tag(item))
        self._count(tags)
        output = tagged(record.value or b"", item.id, tags, record.timestamp)
        return Handled([output], "tagged" if tags.initiatives or tags.agencies else "untagged")

    def _named(self, tags: m.Tags) -> m.Tags:
        """Names travel with the tags: later stages write to people without the taxonomy."""
        name = self.tagger.taxonomy.name
        return msgspec.structs.replace(
            tags,
            initiatives=[msgspec.structs.replace(tag, name=name(tag.id)) for tag in tags.initiatives],
            agencies=[msgspec.structs.replace(tag, name=name(tag.id)) for tag in tags.agencies],
            places=[msgspec.structs.replace(place, name=name(place.id)) for place in tags.places],
        )

    def _count(self, tags: m.Tags) -> None:
        for tag in (*tags.initiatives, *tags.agencies):
            value = tag.id if self._is_listed(tag.id) else tag.id.split("-", 1)[0] + "-*"
            metrics.TAGS.labels(self.tagger.taxonomy.version, value, tag.role).inc()

    def _is_listed(self, tag: str) -> bool:
        """Local bodies are thousands: they are counted by kind."""
        rows = self.tagger.taxonomy
        return tag in rows.initiatives or tag in rows.agencies or tag in rows.themes


def tagged(item: bytes, item_id: str, tags: m.Tags, timestamp: int) -> Output:
    """The `tagged` record; what is too large for the topic is cut, evidence first, then the article's text."""
    limit = TOPICS["tagged"].max_bytes - ROOM
    output = _output(item, item_id, tags, timestamp)
    if output.size > limit:
        tags = _shortened(tags)
        output = _output(item, item_id, tags, timestamp)
    while output.size > limit:
        shorter = _without_half_of_the_text(item)
        if shorter is None:
            break  # the worker parks it
        item = shorter
        output = _output(item, item_id, tags, timestamp)
    return output


def _output(item: bytes, item_id: str, tags: m.Tags, timestamp: int) -> Output:
    message = m.TaggedItem(item=msgspec.Raw(item), tags=tags)
    return codec.output("tagged", item_id, message, timestamp, source="tag")


def _shortened(tags: m.Tags) -> m.Tags:
    def cut(kept: list[m.Tag]) -> list[m.Tag]:
        return [msgspec.structs.replace(tag, evidence=tag.evidence[:KEPT_EVIDENCE]) for tag in kept]

    return msgspec.structs.replace(
        tags,
        initiatives=cut(tags.initiatives),
        agencies=cut(tags.agencies),
        documents=tags.documents[:50],
        tasks=tags.tasks[:20],
        indicators=tags.indicators[:20],
    )


def _without_half_of_the_text(item: bytes) -> bytes | None:
    """Fields that this version does not know stay; None when there is no text left to cut."""
    raw: dict[str, Any] = msgspec.json.decode(item)
    text = raw.get("text")
    if not isinstance(text, str) or len(text) < 1_000:
        return None
    return msgspec.json.encode({**raw, "text": text[: len(text) // 2]})
