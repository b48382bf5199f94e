"""The topic registry: the only module that knows names, keys, partitions and cleanup (design §5).

A stage names topics by their short name; the log adds namespace and version: `tinsom.items.v1`.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import unpack
from typing import Literal

Cleanup = Literal["delete", "compact", "compact,delete"]

DAY_MS = 86_400_000
VERSION_KEY = b"version"


@dataclass(frozen=True, slots=True)
class Topic:
    """Contract of one topic. `retention_ms` None keeps for ever; `max_bytes` bounds key + value + headers."""

    name: str
    partitions: int
    cleanup: Cleanup
    retention_ms: int | None = None
    max_bytes: int = 1_000_000
    what: str = ""

    @property
    def compacted(self) -> bool:
        return self.cleanup != "delete"

    def full_name(self, namespace: str) -> str:
        return f"{namespace}.{self.name}.v1"


# Dead letters take a whole record of any other topic plus the headers that say why.
DEAD_LETTER_MAX_BYTES = 2_000_000

_ALL = (
    Topic("sources", 64, "compact", what="what is watched; key source id, partitioned by publisher"),
    Topic("feed-state", 64, "compact", what="the collector's state; partitioned by publisher"),
    Topic("items", 12, "delete", 45 * DAY_MS, what="entries with identity and text; key item id"),
    Topic("taxonomy", 1, "compact", what="the users' own taxonomy files; key file"),
    Topic("names", 1, "compact", what="what can be followed and how it is called; key kind/id"),
    Topic("tagged", 1, "delete", 90 * DAY_MS, what="items with tags; key item id"),
    Topic("stories", 1, "compact", what="the story step's state; key story id"),
    Topic("reminders", 1, "compact", what="deadlines to come back to; key task id"),
    Topic("story-changes", 12, "delete", 90 * DAY_MS, what="what happened to a story; key story id"),
    Topic("subscriptions", 1, "compact", what="who wants what; key file/… or bot/…"),
    Topic("alerts", 1, "delete", 90 * DAY_MS, what="decisions to tell, or not to; key alert id"),
    Topic("deliveries", 1, "compact,delete", 90 * DAY_MS, what="what became of each alert; key alert id"),
    Topic("destinations", 1, "compact", what="chats and mailboxes; key file/… or bot/…"),
    Topic("verdicts", 1, "compact,delete", 365 * DAY_MS, what="readers' judgements; key reader + alert"),
    Topic("dead-letters", 3, "delete", 90 * DAY_MS, DEAD_LETTER_MAX_BYTES, "what could not be processed"),
)

TOPICS: dict[str, Topic] = {topic.name: topic for topic in _ALL}

# Who reads what as a queue: group (= stage) → topic. The collector owns `sources` and reads no queue.
QUEUES = {"tag": "items", "stories": "tagged", "plan": "story-changes", "deliver": "alerts"}


def murmur2(data: bytes) -> int:
    """Kafka's default partition hash (Utils.murmur2), so that Java and librdkafka writers agree with us."""
    length, m = len(data), 0x5BD1E995
    h = 0x9747B28C ^ length
    whole = length & ~3
    for word in unpack(f"<{whole // 4}I", data[:whole]):
        k = word * m & 0xFFFFFFFF
        k = (k ^ k >> 24) * m & 0xFFFFFFFF
        h = (h * m & 0xFFFFFFFF) ^ k
    if length & 3:
        h = (h ^ int.from_bytes(data[whole:], "little")) * m & 0xFFFFFFFF
    h = (h ^ h >> 13) * m & 0xFFFFFFFF
    return h ^ h >> 15


def partition_for(key: bytes, partitions: int) -> int:
    return (murmur2(key) & 0x7FFFFFFF) % partitions if partitions > 1 else 0
