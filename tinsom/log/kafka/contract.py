"""Where topics and brokers differ from what the registry asks of them, as lines that say what to do. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tinsom.topics import DAY_MS, Topic
from tinsom.words import counted

# A group that rests for longer than its brokers remember would not know where to go on.
OFFSETS_RETENTION = "offsets.retention.minutes"
OFFSETS_MINUTES = 90 * DAY_MS // 60_000
# What may be more than is asked.
_AT_LEAST = ("max.message.bytes", "message.timestamp.after.max.ms")
_COMPARED = ("cleanup.policy", "retention.ms", "message.timestamp.type", "min.insync.replicas", *_AT_LEAST)


def of_topic(name: str, topic: Topic, wanted: Mapping[str, str], found: Mapping[str, str]) -> Iterator[str]:
    """`wanted` and `found`: Kafka's settings of the topic; what a broker does not know, it was not asked for."""
    for setting in _COMPARED:
        if setting == "retention.ms" and "delete" not in topic.cleanup:
            continue  # nothing goes by it
        if setting in found and not _meets(setting, found[setting], wanted[setting]):
            value = f"[{wanted[setting]}]" if "," in wanted[setting] else wanted[setting]
            yield (
                f"{name}: {setting} is {found[setting]}, not {wanted[setting]}; kafka-configs.sh --alter"
                f" --entity-type topics --entity-name {name} --add-config {setting}={value}"
            )


def _meets(setting: str, found: str, wanted: str) -> bool:
    if setting in _AT_LEAST:
        return int(found) >= int(wanted)
    return set(found.split(",")) == set(wanted.split(","))


def of_replicas(name: str, replicas: Sequence[int], wanted: int) -> Iterator[str]:
    """`replicas`: of each partition."""
    if (fewest := min(replicas, default=wanted)) < wanted:
        yield (
            f"{name}: a partition has {counted(fewest, 'replica')}, not {wanted}; add some by"
            f" kafka-reassign-partitions.sh, or set `kafka: {{replication: {fewest}}}`"
        )


def of_broker(node: int, found: Mapping[str, str]) -> Iterator[str]:
    minutes = found.get(OFFSETS_RETENTION)
    if minutes is not None and int(minutes) < OFFSETS_MINUTES:
        yield (
            f"broker {node}: {OFFSETS_RETENTION} is {minutes}, not {OFFSETS_MINUTES} or more: a group that rests"
            " for longer is forgotten; set it in the broker's properties and start it again"
        )


def unread(what: str, reason: str) -> str:
    return f"{what}: its configuration could not be read ({reason}); allow our user DescribeConfigs, or look there"
