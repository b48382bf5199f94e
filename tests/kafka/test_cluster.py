"""Three nodes, three replicas, two in sync: nodes are killed one after another, and nobody notices."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from tests.kafka.broker import Cluster
from tests.kafka.fixtures import fetch_libs
from tests.log.echo import TOPICS, commit_echo, nothing
from tests.log.test_conformance import echoed, everything, numbered, values
from tests.waiting import shown
from tinsom.errors import UnreachableError
from tinsom.log.kafka import KafkaLog

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def three(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    fetch_libs(request.config)
    with Cluster(3) as cluster:
        yield cluster


def opened(cluster: Cluster, namespace: str) -> KafkaLog:
    return KafkaLog(
        cluster.bootstrap, namespace, replication=3, session_timeout=6.0, transaction_timeout=10.0, topics=TOPICS
    )


@dataclass
class Work:
    """What the workers, the killer and the watcher share. Done is what the log says, not what a worker counted:
    a commit whose answer was lost may well have happened."""

    pause: float
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def pass_on(self, log: KafkaLog) -> None:
        """Echo, ten records at a time, until nothing is left for anybody."""
        async with log.own("g", ["in"], gained=nothing, lost=nothing) as owner:
            async for batch in owner.batches(10, 0.2):
                await commit_echo(batch)
                if self.done.is_set():
                    break
                await asyncio.sleep(self.pause if batch.records else 0)

    async def watch(self, log: KafkaLog) -> None:
        while not self.done.is_set():
            await asyncio.sleep(1)
            try:
                unread = sum(lag.records for lag in await log.lag("g", "in"))
            except UnreachableError:
                continue
            if unread == 0:
                self.done.set()

    async def kill_in_turn(self, cluster: Cluster, kills: int | None) -> int:
        """Kill and restart one node after another until the work is done, or `kills` times."""
        killed = 0
        while not self.done.is_set() and (kills is None or killed < kills):
            await asyncio.sleep(3)
            node = cluster.brokers[killed % 3]
            await asyncio.to_thread(node.kill)
            killed += 1
            await asyncio.sleep(1)
            await asyncio.to_thread(node.start)
            await asyncio.to_thread(node.wait)
            await all_in_sync(cluster)
        return killed


async def all_in_sync(cluster: Cluster) -> None:
    """Return when every partition has its three replicas in sync: only then may the next node go."""
    admin = AIOKafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    await admin.start()
    try:

        async def in_sync() -> set[int]:
            return {len(p["isr"]) for topic in await admin.describe_topics() for p in topic["partitions"]}

        await shown(in_sync, lambda found: found == {3})
    finally:
        await admin.close()


@pytest.mark.parametrize(
    ("items", "kills", "pause"),
    [
        pytest.param(2_000, 2, 0.05, id="short", marks=pytest.mark.soak),
        pytest.param(20_000, None, 0.05, id="long", marks=[pytest.mark.soak, pytest.mark.timeout(900)]),
    ],
)
async def test_nodes_killed_in_turn_lose_and_double_nothing(
    three: Cluster, items: int, kills: int | None, pause: float, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = opened(three, f"t{items}"), opened(three, f"t{items}")
    await one.start()
    await two.start()
    try:
        outputs = numbered(items)
        for start in range(0, items, 1_000):
            await one.append(outputs[start : start + 1_000], writer="w")
        work, began = Work(pause), time.monotonic()
        working = [asyncio.create_task(work.pass_on(log)) for log in (one, two)]
        watching = asyncio.create_task(work.watch(two))
        killed = await work.kill_in_turn(three, kills)
        await asyncio.wait_for(asyncio.gather(watching, *working), 300)
        took = time.monotonic() - began
        found = values(await everything(two, "out"))
        doubled, missing = found - echoed(items), echoed(items) - found
        with capsys.disabled():
            print(
                f"\n{items} items in {took:.0f} s, {killed} nodes killed: {len(found)} distinct,"
                f" {sum(doubled.values())} twice, {sum(missing.values())} missing"
            )
        assert killed >= 2
        assert found == echoed(items)
    finally:
        await one.close()
        await two.close()


async def started(cluster: Cluster, namespace: str) -> KafkaLog:
    """A new controller may have to be elected first: on a busy machine that takes longer than one start waits."""
    for _ in range(8):
        log = opened(cluster, namespace)
        with suppress(UnreachableError):
            await log.start()
            return log
    raise AssertionError("the log does not open")


async def test_a_node_is_not_the_cluster(three: Cluster) -> None:
    """The log opens, writes and reads while one of three nodes is away."""
    node = three.brokers[0]
    await asyncio.to_thread(node.kill)
    try:
        log = await started(three, "t1node")
        await log.append(numbered(4), writer="w")
        await everything(log, "in", 4)  # a marker has to wait until its partition has a leader again
        await log.close()
    finally:
        await asyncio.to_thread(node.start)
        await asyncio.to_thread(node.wait)
        await all_in_sync(three)
