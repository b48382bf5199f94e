"""What is asked of the brokers, with answers that a live one gives only at a bad moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from tests.log.echo import TOPICS
from tinsom.errors import LogError, LostOffsetsError
from tinsom.log.kafka import contract
from tinsom.log.kafka.admin import Admin, settings
from tinsom.log.kafka.cluster import Cluster
from tinsom.log.kafka.member import position
from tinsom.topics import Topic

LOADING, NOT_COORDINATOR, NOT_AUTHORIZED = 14, 16, 30


@dataclass
class Answer:
    """An OffsetFetch response."""

    error_code: int
    topics: Sequence[tuple[str, Sequence[tuple[int, int, str, int]]]] = ()


class Answers:
    """Stands in for aiokafka's admin client: a coordinator that gives these answers in turn."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)

    async def find_coordinator(self, group_id: str) -> int:
        return 1

    async def _send_request(self, request: object, node_id: int) -> Answer:
        return self.answers.pop(0)


def admin(*answers: Answer) -> tuple[Admin, Cluster]:
    cluster = Cluster("nowhere:1", "n", 1, 10.0, 10.0, TOPICS)
    asking = Admin(cluster)
    asking._client = Answers(*answers)  # type: ignore[assignment]
    return asking, cluster


async def test_a_coordinator_that_is_loading_is_not_a_group_without_offsets() -> None:
    """Else the group would begin at the beginning again: aiokafka's own calls answer so (docs/decisions)."""
    known = Answer(0, [("n.in.v1", [(0, 41, "", 0), (1, -1, "", 0)])])
    asking, cluster = admin(Answer(LOADING), Answer(NOT_COORDINATOR), known)
    assert await asking.committed("g", cluster.partitions("in")[:2]) == {cluster.partition("in", 0): 41}


async def test_an_error_of_one_partition_is_an_error() -> None:
    loading = Answer(0, [("n.in.v1", [(0, -1, "", LOADING)])])
    asking, cluster = admin(loading, Answer(0, [("n.in.v1", [(0, 7, "", 0)])]))
    assert await asking.committed("g", cluster.partitions("in")[:1]) == {cluster.partition("in", 0): 7}


async def test_a_refusal_is_told() -> None:
    asking, cluster = admin(Answer(NOT_AUTHORIZED))
    with pytest.raises(LogError, match="Kafka refused"):
        await asking.committed("g", cluster.partitions("in"))


@pytest.mark.parametrize(("committed", "first", "end", "expected"), [(None, 0, 9, 0), (4, 0, 9, 4), (9, 3, 9, 9)])
def test_where_a_group_goes_on(committed: int | None, first: int, end: int, expected: int) -> None:
    assert position("g", "in[0]", committed, first, end) == expected


@pytest.mark.parametrize(("committed", "first", "end"), [(None, 3, 9), (2, 3, 9), (10, 3, 9)])
def test_what_cannot_be_known_stops_the_group(committed: int | None, first: int, end: int) -> None:
    with pytest.raises(LostOffsetsError, match="`tinsom topics seek g in`"):
        position("g", "in[0]", committed, first, end)


def test_settings_follow_the_registry() -> None:
    queue = settings(Topic("items", 12, "delete", 1000), replication=3)
    assert queue["retention.ms"] == "1000"
    assert queue["min.insync.replicas"] == "2"
    table = settings(Topic("state", 1, "compact", max_bytes=2_000_000), replication=1)
    assert table["retention.ms"] == "-1"
    assert table["min.insync.replicas"] == "1"
    assert int(table["max.message.bytes"]) > 2_000_000


def test_what_a_broker_keeps_otherwise() -> None:
    topic = Topic("deliveries", 1, "compact,delete", 1000)
    wanted = settings(topic, replication=3)
    assert list(contract.of_topic("t", topic, wanted, wanted)) == []
    more = {"max.message.bytes": "99000000", "cleanup.policy": "delete,compact"}
    assert list(contract.of_topic("t", topic, wanted, wanted | more)) == []
    less = {"max.message.bytes": "10", "cleanup.policy": "delete", "min.insync.replicas": "1"}
    lines = list(contract.of_topic("t", topic, wanted, wanted | less))
    assert [line.split()[1] for line in lines] == ["cleanup.policy", "min.insync.replicas", "max.message.bytes"]
    assert lines[0].endswith("--add-config cleanup.policy=[compact,delete]")
    state = Topic("state", 1, "compact")
    kept = settings(state, replication=1) | {"retention.ms": "1000"}
    assert list(contract.of_topic("t", state, settings(state, replication=1), kept)) == []


def test_too_few_replicas_and_a_short_memory_of_offsets() -> None:
    assert list(contract.of_replicas("t", [3, 3], 3)) == list(contract.of_replicas("t", [3], 1)) == []
    (line,) = contract.of_replicas("t", [3, 1], 3)
    assert line.startswith("t: a partition has 1 replica, not 3;")
    for found in ({contract.OFFSETS_RETENTION: "129600"}, {}):
        assert list(contract.of_broker(1, found)) == []
    (line,) = contract.of_broker(1, {contract.OFFSETS_RETENTION: "10080"})
    assert line.startswith("broker 1: offsets.retention.minutes is 10080, not 129600 or more")
