"""Topics and groups: creating what the registry names, refusing what differs, offsets of a group."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import CommitFailedError, RequestTimedOutError, TopicAlreadyExistsError, for_code
from aiokafka.protocol.commit import OffsetFetchRequest

from tinsom.errors import LogError, UnreachableError
from tinsom.log.kafka import contract
from tinsom.log.kafka.cluster import ANSWER_SECONDS, BATCH_BYTES, RETRY_SECONDS, Cluster, stop_consumer
from tinsom.topics import DAY_MS, Topic
from tinsom.words import counted

# A batch has a header, a record its lengths and its headers' lengths; zstd may add a little to noise.
SLACK_BYTES = 65_536
CREATE_SECONDS = 5.0


def settings(topic: Topic, replication: int) -> dict[str, str]:
    """Kafka's topic configuration for a topic of the registry. Pure."""
    config = {
        "cleanup.policy": topic.cleanup,
        "retention.ms": str(-1 if topic.retention_ms is None else topic.retention_ms),
        "max.message.bytes": str(max(topic.max_bytes, BATCH_BYTES) + SLACK_BYTES),
        # The timestamp is when we fetched; Kafka 4 would otherwise refuse what is an hour ahead (KIP-1030),
        # and a replay or a clock that runs ahead would stop a stage.
        "message.timestamp.type": "CreateTime",
        "message.timestamp.after.max.ms": str(2**63 - 1),
        "min.insync.replicas": "2" if replication >= 3 else "1",
    }
    if topic.compacted:  # a restore reads what compaction has left: keep that small (facts 5)
        config |= {"min.cleanable.dirty.ratio": "0.1", "max.compaction.lag.ms": str(DAY_MS)}
        config |= {"segment.ms": str(DAY_MS)}
    return config


class Admin:
    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._client: AIOKafkaAdminClient | None = None

    async def start(self) -> None:
        """Connect; raises UnreachableError, or LogError when a broker does not let us in."""
        self._client = self._cluster.admin()
        try:
            await self._cluster.answer(self._client.start())
        except UnreachableError as error:
            await self.close()
            raise await self._cluster.refused() from error
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    @property
    def client(self) -> AIOKafkaAdminClient:
        assert self._client is not None, "the log was not started"
        return self._client

    # --- topics ----------------------------------------------------------------------------------------

    async def prepare_topics(self, *, create: bool) -> list[str]:
        """Create what is missing, or only look, and check the rest. Raises LogError, UnreachableError.

        Returns the short names of the topics that are not there.
        """
        names = self._topics()
        known = await self._known()
        missing = {name: topic for name, topic in names.items() if name not in known}
        if missing and create:
            await self._create(missing)
            known = await self._with_leaders(names)
        for name, topic in names.items():
            if name in known and len(known[name]) != topic.partitions:
                had = f"topic {name} has {counted(len(known[name]), 'partition')}, not {topic.partitions}"
                raise LogError(f"{had}: they are fixed after the first start, since keys would change their place")
        return [topic.name for name, topic in names.items() if name not in known]

    def _topics(self) -> dict[str, Topic]:
        return {topic.full_name(self._cluster.namespace): topic for topic in self._cluster.topics.values()}

    async def _known(self) -> dict[str, list[dict[str, Any]]]:
        # All topics, not these: asking for a missing one would create it where brokers create by themselves.
        found = await self._cluster.ask(self.client.describe_topics)
        return {topic["topic"]: topic["partitions"] for topic in found}

    async def _create(self, topics: Mapping[str, Topic]) -> None:
        replication = self._cluster.replication
        new = [
            NewTopic(name, topic.partitions, replication, topic_configs=settings(topic, replication))
            for name, topic in topics.items()
        ]
        for name, code, message in await self._cluster.ask(lambda: self._create_once(new)):
            error = for_code(code)
            if code and error is not TopicAlreadyExistsError:  # another process was faster
                raise LogError(f"Kafka does not create topic {name}: {message or error.__name__}")

    async def _create_once(self, new: list[NewTopic]) -> Sequence[tuple[str, int, str | None]]:
        """By a client of its own: aiokafka's never looks for another controller when the one it knows is gone."""
        client = self._cluster.admin()
        try:
            await client.start()
            async with asyncio.timeout(CREATE_SECONDS):
                return (await client.create_topics(new, timeout_ms=round(CREATE_SECONDS * 1000))).topic_errors
        except TimeoutError as error:
            raise RequestTimedOutError from error
        finally:
            await client.close()

    async def _with_leaders(self, names: Mapping[str, Topic]) -> dict[str, list[dict[str, Any]]]:
        """Wait until the new topics are known and led; brokers learn of them one after another."""
        for _ in range(round(ANSWER_SECONDS / RETRY_SECONDS)):
            known = await self._known()
            if all(name in known and all(p["leader"] >= 0 for p in known[name]) for name in names):
                return known
            await asyncio.sleep(RETRY_SECONDS)
        raise self._cluster.unreachable()

    async def differences(self) -> list[str]:
        """Where brokers, and the topics they have, differ from the registry. Raises UnreachableError, LogError."""
        known = await self._known()
        topics = {name: topic for name, topic in self._topics().items() if name in known}
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in topics]
        found, lines = await self._configured(resources)
        for name, topic in topics.items():
            wanted = settings(topic, self._cluster.replication)
            lines += contract.of_topic(name, topic, wanted, found.get(name, {}))
            replicas = [len(partition["replicas"]) for partition in known[name]]
            lines += contract.of_replicas(name, replicas, self._cluster.replication)
        return lines + await self._brokers()

    async def _brokers(self) -> list[str]:
        cluster = await self._cluster.ask(self.client.describe_cluster)
        nodes = [broker["node_id"] for broker in cluster["brokers"]]
        resources = [ConfigResource(ConfigResourceType.BROKER, str(node)) for node in nodes]
        found, lines = await self._configured(resources)
        return [*lines, *(line for node in nodes for line in contract.of_broker(node, found.get(str(node), {})))]

    async def _configured(self, resources: list[ConfigResource]) -> tuple[dict[str, dict[str, str]], list[str]]:
        """Settings by the name of their topic or broker, and a line for each that we may not read."""
        found: dict[str, dict[str, str]] = {}
        lines = []
        for response in await self._cluster.ask(lambda: self.client.describe_configs(resources)):
            for code, _, _, name, entries in response.resources:
                if code:
                    lines.append(contract.unread(name, for_code(code).__name__))
                else:
                    found[name] = {entry[0]: entry[1] for entry in entries if entry[1] is not None}
        return found, lines

    # --- groups ----------------------------------------------------------------------------------------

    async def committed(self, group: str, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Committed offsets, for partitions that have one. Raises UnreachableError, LogError."""
        return await self._cluster.ask(lambda: self._offsets(self._cluster.group_id(group), partitions))

    async def _offsets(self, group_id: str, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """One OffsetFetch with its error code looked at.

        aiokafka's own calls (`Consumer.committed` too) read past that code, and take a coordinator that is
        still loading for a group without offsets: the group would begin at the beginning again.
        """
        topics: dict[str, list[int]] = {}
        for partition in partitions:
            topics.setdefault(partition.topic, []).append(partition.partition)
        request = OffsetFetchRequest(group_id, list(topics.items()))
        coordinator = await self.client.find_coordinator(group_id)
        response = await self.client._send_request(request, coordinator)
        found = [
            (TopicPartition(t, n), offset, code) for t, rows in response.topics for n, offset, _, code in rows
        ]
        for code in (response.error_code, *(code for _, _, code in found)):
            if code:
                raise for_code(code)()
        return {partition: offset for partition, offset, _ in found if offset >= 0}

    async def reset(self, group: str, partition: TopicPartition, offset: int) -> None:
        """Commit `offset` from outside, which a broker allows while the group has no member. Raises LogError."""
        consumer = self._cluster.member(group, StickyPartitionAssignor)
        try:
            await self._cluster.answer(consumer.start())
            consumer.assign([partition])
            await self._cluster.answer(self._commit(consumer, group, {partition: offset}))
        finally:
            await stop_consumer(consumer)

    async def _commit(self, consumer: AIOKafkaConsumer, group: str, offsets: Mapping[TopicPartition, int]) -> None:
        try:
            await consumer.commit(offsets)
        except CommitFailedError as error:
            raise LogError(f"{group} is running: stop every process of it first") from error
