"""What the Kafka tests share: an opened log, a broker to be killed, and that nothing is left behind."""

from __future__ import annotations

import gc
import logging
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from tests.kafka.broker import Broker, Cluster
from tests.kafka.fixtures import fetch_libs
from tests.log.echo import TOPICS, echoing
from tests.log.test_conformance import START, everything
from tests.waiting import shown
from tinsom.errors import OversizeError
from tinsom.log import Output
from tinsom.log.kafka import KafkaLog
from tinsom.topics import Topic

SESSION = 1.5
PATIENT = 6.0  # a session for tests that count joins: whoever stands still for two seconds is not expelled
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
    bootstrap: str,
    namespace: str,
    transaction_timeout: float = 5.0,
    topics: dict[str, Topic] = TOPICS,
    session: float = SESSION,
) -> AsyncIterator[KafkaLog]:
    log = KafkaLog(
        bootstrap,
        namespace,
        session_timeout=session,
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
    """Return when the broker shows it: it learns of it a moment after the controller has answered."""
    settings = {name.replace("_", "."): value for name, value in config.items()}
    async with admin(bootstrap) as client:
        await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, settings)])

        async def seen() -> dict[str, str]:
            (response,) = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
            return {entry[0]: entry[1] for entry in response.resources[0][4]}

        await shown(seen, lambda found: settings.items() <= found.items())


async def narrow(log: KafkaLog, bootstrap: str) -> None:
    """Let the broker take no more than 1,000 bytes in `small`; return when it refuses more."""
    await alter(bootstrap, f"{log.namespace}.small.v1", max_message_bytes="1000")

    async def refused() -> bool:
        try:
            await log.append([Output("small", b"probe", os.urandom(5_000), START)], writer="probe")
        except OversizeError:
            return True
        return False

    await shown(refused, bool)


async def finish(log: KafkaLog, group: str, until: int) -> None:
    """Echo until `out` holds `until` records, whoever else works too."""
    async with echoing(log, group, 50):
        await everything(log, "out", until)
