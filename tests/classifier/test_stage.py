from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from services.classifier.stage import TagStage
from services.classifier.story import stories
from services.classifier.story.storystage import KEPT_SECONDS, StoryStage
from tests.classifier.private import tagger
from tests.classifier.story_building import OWNED
from tinsom import codec
from tinsom import messages as m
from tinsom.log import Output, Record
from tinsom.topics import TOPICS

NOW = datetime(2025, 6, 15, 8, 0, tzinfo=UTC)


def item(**changes: Any) -> m.Item:
    values: dict[str, Any] = {
        "id": "i1",
        "publisher": "p",
        "source": "s",
        "url": "https://example.test/1",
        "title": "Bộ Công an đẩy nhanh Đề án 06",
        "fetched_at": NOW,
    }
    return m.Item(**{**values, **changes})


def record(output: Output, offset: int = 0) -> Record:
    return Record(output.topic, 0, offset, output.timestamp, output.key, output.value, output.headers)


def tag(an_item: m.Item) -> Output:
    given = record(codec.output("items", an_item.id, an_item, 7, source="t"))
    handled = TagStage(tagger()).handle(OWNED, given, 0.0)
    (output,) = handled.outputs
    return output


def test_an_item_passes_on_byte_for_byte_with_its_tags() -> None:
    incoming = codec.output("items", "i1", item(), 7, source="collector")
    raw = msgspec.json.encode({**msgspec.json.decode(incoming.value or b""), "from_the_future": 1})
    given = record(Output("items", b"i1", raw, 7, incoming.headers))
    handled = TagStage(tagger()).handle(OWNED, given, 0.0)
    message = codec.decode_as(record(handled.outputs[0]), m.TaggedItem)
    assert (handled.outcome, bytes(message.item), handled.outputs[0].timestamp) == ("tagged", raw, 7)
    assert {tag.id for tag in message.tags.initiatives} == {"de-an-06"}
    assert message.tags.agencies[0].name == "Bộ Công an"


def test_an_item_without_tags_passes_on_as_untagged() -> None:
    given = record(codec.output("items", "i1", item(title="Dự báo thời tiết ngày mai"), 7, source="collector"))
    handled = TagStage(tagger()).handle(OWNED, given, 0.0)
    assert (handled.outcome, len(handled.outputs)) == ("untagged", 1)


def test_an_output_too_large_for_its_topic_is_cut() -> None:
    output = tag(item(text="Bộ Công an triển khai Đề án 06. " * 20 + "á" * 550_000))
    assert output.size <= TOPICS["tagged"].max_bytes
    message = codec.decode_as(record(output), m.TaggedItem)
    assert codec.from_bytes(message.item, m.Item).id == "i1"


class NoLog:
    """A story stage that restores nothing."""


def story_stage() -> StoryStage:
    return StoryStage(NoLog())  # type: ignore[arg-type]


def changes(stage: StoryStage, *items: m.Item) -> list[tuple[str, m.StoryChange | None]]:
    found = []
    for an_item in items:
        handled = stage.handle(OWNED, record(tag(an_item)), 0.0)
        made = [codec.decode_as(record(o), m.StoryChange) for o in handled.outputs if o.topic == "story-changes"]
        found.append((handled.outcome, made[0] if made else None))
    return found


def test_a_first_item_begins_a_story_and_a_material_edit_changes_it() -> None:
    stage = story_stage()
    (first, new), (second, fact), (third, minor) = changes(
        stage,
        item(),
        item(revision=2, change="revised", title="Bộ Công an, Bộ Y tế đẩy nhanh Đề án 06"),
        item(revision=3, change="revised", title="Bộ Công an và Bộ Y tế đẩy nhanh Đề án 06"),
    )
    assert (first, second, third) == ("new", "fact", "minor")
    assert new is not None
    assert fact is not None
    assert (new.kind, new.revision, fact.kind, fact.revision, minor) == ("new", 1, "fact", 2, None)
    assert new.story == fact.story


def test_a_withdrawal_is_told_and_a_duplicate_is_not() -> None:
    stage = story_stage()
    withdrawn = item(revision=2, change="withdrawn")
    (_, _), (second, change), (third, nothing) = changes(stage, item(), withdrawn, withdrawn)
    assert (second, third, nothing) == ("withdrawn", "duplicate", None)
    assert change is not None
    assert change.kind == "withdrawn"


def test_a_revision_without_a_story_tells_nobody() -> None:
    ((outcome, change),) = changes(story_stage(), item(revision=4, change="revised"))
    assert (outcome, change) == ("orphan", None)


def test_the_baseline_is_carried() -> None:
    ((_, change),) = changes(story_stage(), item(baseline=True))
    assert change is not None
    assert change.baseline


def test_a_story_ends_with_a_tombstone_when_its_items_are_forgotten() -> None:
    stage = story_stage()
    changes(stage, item(), item(id="i2", title="Bộ Y tế khám lưu động", fetched_at=NOW + timedelta(days=1)))
    outputs = stage.tick(OWNED, NOW.timestamp() + KEPT_SECONDS + 1)
    assert [(o.key, o.value) for o in outputs] == [(b"i1", None)]
    assert list(stage.shelf.stories) == ["i2"]


def test_the_outcomes_are_a_closed_list() -> None:
    assert StoryStage.outcomes == stories.OUTCOMES
