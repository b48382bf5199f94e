from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinsom.topics import QUEUES, TOPICS, murmur2, partition_for


@pytest.mark.parametrize(
    ("text", "hash_"),
    [
        ("21", -973932308),
        ("foobar", -790332482),
        ("a-little-bit-long-string", -985981536),
        ("a-little-bit-longer-string", -1486304829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        ("abc", 479470107),
    ],
)
def test_murmur2_is_javas(text: str, hash_: int) -> None:
    """Vectors of Kafka's own UtilsTest; Java's int is signed."""
    unsigned = murmur2(text.encode())
    assert 0 <= unsigned < 1 << 32
    assert (unsigned - (1 << 32) if unsigned >> 31 else unsigned) == hash_


@given(st.binary(max_size=64), st.integers(1, 100))
def test_a_key_has_one_partition_within_range(key: bytes, partitions: int) -> None:
    number = partition_for(key, partitions)
    assert 0 <= number < partitions
    assert number == partition_for(key, partitions)


def test_names_carry_namespace_and_version() -> None:
    assert TOPICS["items"].full_name("tinsom") == "tinsom.items.v1"
    assert all(name == topic.name for name, topic in TOPICS.items())


def test_state_is_compacted_and_queues_are_not() -> None:
    """Compaction may drop what nobody has read yet."""
    assert all(not TOPICS[topic].compacted for topic in QUEUES.values())
    for name in ("sources", "feed-state", "stories", "subscriptions", "deliveries", "destinations"):
        assert TOPICS[name].compacted


def test_a_dead_letter_takes_the_largest_record_of_any_other_topic_and_its_reason() -> None:
    largest = max(topic.max_bytes for topic in TOPICS.values() if topic.name != "dead-letters")
    assert TOPICS["dead-letters"].max_bytes >= largest + 10_000
