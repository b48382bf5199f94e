"""Small valid messages, each with only what a test says about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from tinsom import codec
from tinsom.log import Output
from tinsom.messages import (
    Alert,
    Destination,
    Item,
    Match,
    Notice,
    Place,
    StoryChange,
    Subscription,
    Tag,
    TaggedItem,
    Tags,
)

NOW = datetime(2025, 6, 15, 8, 0, tzinfo=UTC)
NOW_S = NOW.timestamp()


def item(**changes: Any) -> Item:
    fields: dict[str, Any] = {
        "id": "i1", "publisher": "bao.vn", "source": "bao", "url": "https://bao.vn/a?b=1&c=2",
        "title": "Bộ Công an triển khai Đề án 06", "fetched_at": NOW, "source_name": "Báo Thử",
        "published_at": NOW - timedelta(minutes=5), "date_quality": "exact", "lede": "Một dòng mở đầu.",
    }  # fmt: skip
    return Item(**fields | changes)


def tag(identity: str, role: str = "primary", **changes: Any) -> Tag:
    fields: dict[str, Any] = {"id": identity, "role": role, "score": 5.0, "evidence": []}
    return Tag(**fields | changes)


def tags(**changes: Any) -> Tags:
    fields: dict[str, Any] = {
        "id": "i1",
        "initiatives": [tag("de-an-06", name="Đề án 06")],
        "agencies": [tag("bo-cong-an", "mentioned", name="Bộ Công an")],
        "places": [Place(id="dong-thap", role="primary", name="Đồng Tháp")],
    }
    return Tags(**fields | changes)


def change(of: Item | None = None, found: Tags | None = None, **changes: Any) -> StoryChange:
    of = of or item()
    tagged = TaggedItem(item=msgspec.Raw(codec.to_bytes(of)), tags=found or tags(id=of.id))
    fields: dict[str, Any] = {
        "story": "s1", "revision": 1, "kind": "new", "item": of.id,
        "tagged": msgspec.Raw(codec.to_bytes(tagged)), "began_at": NOW, "sources": ["bao"],
    }  # fmt: skip
    return StoryChange(**fields | changes)


def subscription(identity: str = "theo-doi", destination: str = "nhom", **changes: Any) -> Subscription:
    fields: dict[str, Any] = {"id": identity, "destination": destination, "match": Match(initiatives=["de-an-06"])}
    return Subscription(**fields | changes)


def notice(**changes: Any) -> Notice:
    fields: dict[str, Any] = {
        "title": "Một tin", "url": "https://bao.vn/a", "source": "Báo Thử", "fetched_at": NOW, "lede": "Mở đầu.",
    }  # fmt: skip
    return Notice(**fields | changes)


def alert(number: int = 1, **changes: Any) -> Alert:
    fields: dict[str, Any] = {
        "id": f"{number:032x}", "destination": "nhom", "story": f"s{number}", "revision": 1, "kind": "new",
        "item": f"i{number}", "subscriptions": ["theo-doi"], "reason": "Bạn theo dõi: Đề án 06 (sáng kiến)",
        "notice": notice(title=f"Tin số {number}"),
    }  # fmt: skip
    return Alert(**fields | changes)


def destination(alias: str = "nhom", **changes: Any) -> Destination:
    return Destination(**{"alias": alias, "channel": "recording", "address": f"-100{len(alias)}"} | changes)


def alert_output(value: Alert) -> Output:
    return codec.output(
        "alerts", value.id, value, int(NOW_S * 1000), source="plan", partition_by=value.destination
    )


def change_output(value: StoryChange, later: int = 0) -> Output:
    """`later`: by so many milliseconds."""
    return codec.output("story-changes", value.story, value, int(NOW_S * 1000) + later, source="stories")
