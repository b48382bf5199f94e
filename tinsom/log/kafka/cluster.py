"""Where the brokers are, what things are called there, and clients with the settings that the design asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError

from tinsom.errors import LogError, UnreachableError
from tinsom.log import Output, Record
from tinsom.log.kafka.security import PLAIN, Security, objection
from tinsom.topics import Topic, partition_for

T = TypeVar("T")
Isolation = Literal["read_committed", "read_uncommitted"]
STABLE: Isolation = "read_committed"

BATCH_BYTES = 262_144  # 16 KiB, the default, halves the throughput of 3 kB records
FETCH_BYTES = 1_048_576
# One in-flight fetch holds up a seek for so long, and an idle consumer asks so often.
FETCH_WAIT = 0.25
# Two transactions of one producer in a row meet the markers of the first; 100 ms (the default) would show in p99.
RETRY_BACKOFF_MS = 20
ANSWER_SECONDS = 15.0  # how long a question to the brokers may take, their own restarts included
RETRY_SECONDS = 0.2
STOP_SECONDS = 3.0


@dataclass(frozen=True)
class Cluster:
    """One namespace on one Kafka cluster. Times in seconds."""

    bootstrap_servers: str
    namespace: str
    replication: int
    session_timeout: float
    transaction_timeout: float
    topics: Mapping[str, Topic]
    security: Security = PLAIN
    _short: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._short.update({topic.full_name(self.namespace): name for name, topic in self.topics.items()})

    # --- names -----------------------------------------------------------------------------------------

    def topic(self, name: str) -> Topic:
        """Raises LogError for a topic that is not in the registry."""
        try:
            return self.topics[name]
        except KeyError:
            raise LogError(f"there is no topic {name!r}") from None

    def partition(self, topic: str, number: int) -> TopicPartition:
        return TopicPartition(self.topic(topic).full_name(self.namespace), number)

    def partitions(self, topic: str) -> list[TopicPartition]:
        return [self.partition(topic, number) for number in range(self.topic(topic).partitions)]

    def short(self, full_name: str) -> str:
        return self._short[full_name]

    def group_id(self, group: str) -> str:
        return f"{self.namespace}.{group}"

    def owner_id(self, group: str, topic: str, number: int) -> str:
        """The transactional id of whoever owns a partition: fixed, so that a successor fences (facts 0.1)."""
        return f"{self.namespace}-{group}-{topic}-{number}"

    def writer_id(self, writer: str) -> str:
        return f"{self.namespace}-writer-{writer}"

    def destination(self, output: Output) -> TopicPartition:
        """The partition of an output: the one it names, or the hash of what it is partitioned by."""
        count = self.topic(output.topic).partitions
        if output.partition is None:
            key = output.partition_by if output.partition_by is not None else output.key
            return self.partition(output.topic, partition_for(key or b"", count))
        if not 0 <= output.partition < count:
            raise LogError(f"{output.topic} has {count} partitions, there is no {output.partition}")
        return self.partition(output.topic, output.partition)

    def record(self, partition: TopicPartition, found: ConsumerRecord) -> Record:
        return Record(
            self._short[partition.topic],
            partition.partition,
            found.offset,
            found.timestamp,
            found.key,
            found.value,
            found.headers,
        )

    # --- clients ---------------------------------------------------------------------------------------

    @property
    def request_timeout_ms(self) -> int:
        """Longer than a JoinGroup may take, which waits for the slowest member."""
        return round((self.session_timeout + 10.0) * 1000)

    def admin(self) -> AIOKafkaAdminClient:
        return AIOKafkaAdminClient(
            bootstrap_servers=self.bootstrap_servers,
            client_id=f"{self.namespace}-admin",
            request_timeout_ms=self.request_timeout_ms,
            **self.security.settings,
        )

    def producer(self, transactional_id: str) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            bootstrap_servers=self.bootstrap_servers,
            client_id=transactional_id,
            transactional_id=transactional_id,
            transaction_timeout_ms=round(self.transaction_timeout * 1000),
            request_timeout_ms=self.request_timeout_ms,
            **self.security.settings,
            acks="all",
            compression_type="zstd",
            max_batch_size=BATCH_BYTES,
            linger_ms=5,
            retry_backoff_ms=RETRY_BACKOFF_MS,
        )

    def reader(self, fetch_bytes: int, isolation: Isolation = STABLE) -> AIOKafkaConsumer:
        """A consumer without a group. What retention took while it read is gone, so it goes on at the first."""
        return AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap_servers,
            client_id=f"{self.namespace}-reader",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level=isolation,
            fetch_max_wait_ms=round(FETCH_WAIT * 1000),
            max_partition_fetch_bytes=fetch_bytes,
            request_timeout_ms=self.request_timeout_ms,
            **self.security.settings,
        )

    def member(self, group: str, assignor: type) -> AIOKafkaConsumer:
        """A member of a group, without a subscription yet."""
        session_ms = round(self.session_timeout * 1000)
        return AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap_servers,
            client_id=f"{self.namespace}-{group}",
            group_id=self.group_id(group),
            enable_auto_commit=False,
            # An offset that is gone must stop the group, not begin anywhere.
            auto_offset_reset="none",
            isolation_level=STABLE,
            # Exactly one: aiokafka sends a JoinGroup for each (facts 1.3).
            partition_assignment_strategy=(assignor,),
            session_timeout_ms=session_ms,
            rebalance_timeout_ms=session_ms,
            heartbeat_interval_ms=min(3000, session_ms // 3),
            fetch_max_wait_ms=round(FETCH_WAIT * 1000),
            max_partition_fetch_bytes=FETCH_BYTES,
            request_timeout_ms=self.request_timeout_ms,
            **self.security.settings,
        )

    # --- answers ---------------------------------------------------------------------------------------

    def unreachable(self) -> UnreachableError:
        return UnreachableError(
            f"no Kafka broker answers at {self.bootstrap_servers}:"
            " is it running, are the address and `security` right?"
        )

    async def refused(self) -> LogError | UnreachableError:
        """Why there is no connection: what a broker objects to, or that none answers."""
        reason = await objection(self.bootstrap_servers, self.security)
        return LogError(f"Kafka lets us not in: {reason}") if reason else self.unreachable()

    async def answer(self, question: Awaitable[T], seconds: float = ANSWER_SECONDS) -> T:
        """Await an answer of the brokers; raises UnreachableError when none comes, LogError when they refuse."""
        try:
            async with asyncio.timeout(seconds):
                return await question
        except (TimeoutError, KafkaConnectionError, KafkaTimeoutError, OSError, AssertionError) as error:
            # An assertion of aiokafka's: it knows no broker, because the last one has just been fenced.
            raise self.unreachable() from error
        except KafkaError as error:
            raise (self.unreachable() if error.retriable else LogError(f"Kafka refused: {error}")) from error

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """As `answer`, for questions that aiokafka does not repeat itself: nodes come and go, leaders move."""
        return await self.answer(self._ask(question))

    async def _ask(self, question: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                return await question()
            except KafkaError as error:
                if not error.retriable:
                    raise
            await asyncio.sleep(RETRY_SECONDS)


async def stop_consumer(consumer: AIOKafkaConsumer) -> None:
    """Leave the group and close, in bounded time; a broker that does not answer costs the farewell only."""
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await consumer.stop()
    except (TimeoutError, KafkaError, OSError):
        # aiokafka has no other way to close a consumer whose broker is silent.
        coordinator = consumer._coordinator
        if coordinator is not None and coordinator._coordination_task is not None:
            coordinator._coordination_task.cancel()
            await asyncio.wait({coordinator._coordination_task}, timeout=STOP_SECONDS)
        await consumer._client.close()


def grouped(outputs: Sequence[Output], cluster: Cluster) -> dict[TopicPartition, list[Output]]:
    """Outputs by destination, in order within each."""
    groups: dict[TopicPartition, list[Output]] = {}
    for output in outputs:
        groups.setdefault(cluster.destination(output), []).append(output)
    return groups
