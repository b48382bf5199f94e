"""What the Kafka tests share: an opened log, a broker to be killed, and that nothing is left behind."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from tests.kafka.broker import Broker, Cluster
from tests.kafka.fixtures import fetch_libs
from tests.log.echo import TOPICS, commit_echo, nothing
from tests.log.test_conformance import everything
from tinsom.log.kafka import KafkaLog
from tinsom.topics import Topic

SESSION = 1.5
BATCH = 5


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing is left behind: no unclosed client, no error that nobody retrieved."""
    yield
    gc.collect()
    said = [*caplog.get_records("call"), *caplog.get_records("teardown")]
    errors = [r.getMessage() for r in said if r.name == "asyncio" and r.levelno >= logging.ERROR]
    # aiokafka's own leavings: the request of a sender that dies, the futures of a producer that was fenced, and a
    # batch that failed while it waited to be sent again, which it takes out of its books twice.
    leavings = ("Sender._send_produce_req", "ProducerFenced", "MessageAccumulator._pop_batch")
    assert [line for line in errors if not any(word in line for word in leavings)] == []


@pytest.fixture
def namespace() -> str:
    return f"t{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="module")
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """A broker of this module's own, to be killed and stopped."""
    fetch_libs(request.config)
    with Cluster() as cluster:
        yield cluster.brokers[0]


@asynccontextmanager
async def opened(
    bootstrap: str, namespace: str, transaction_timeout: float = 5.0, topics: dict[str, Topic] = TOPICS
) -> AsyncIterator[KafkaLog]:
    log = KafkaLog(
        bootstrap,
        namespace,
        session_timeout=SESSION,
        transaction_timeout=transaction_timeout,
        topics=topics,
    )
    await log.start()
    try:
        yield log
    finally:
        await log.close()


@asynccontextmanager
async def admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def alter(bootstrap: str, topic: str, **config: str) -> None:
    settings = {name.replace("_", "."): value for name, value in config.items()}
    async with admin(bootstrap) as client:
        await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, settings)])
    await asyncio.sleep(0.5)  # a broker learns of it a moment after the controller has answered


async def finish(log: KafkaLog, group: str, until: int, seconds: float = 60.0) -> None:
    """Echo until `out` holds `until` records, whoever else works too."""
    async with log.own(group, ["in"], gained=nothing, lost=nothing) as owner:
        deadline = time.monotonic() + seconds
        async for batch in owner.batches(50, 0.1):
            await commit_echo(batch)
            if not batch.records and len(await everything(log, "out")) >= until:
                break
            assert time.monotonic() < deadline, "not done in time"
