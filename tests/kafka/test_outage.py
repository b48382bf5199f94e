"""What needs a broker of its own: one that goes away and comes back, or says nothing at all."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter

import pytest

from tests.kafka.broker import Broker
from tests.kafka.opening import BATCH, finish, opened
from tests.log.echo import TOPICS, commit_echo, echo, nothing
from tests.log.test_conformance import START, echoed, everything, next_batch, numbered, values
from tests.waiting import shown, until
from tinsom.errors import FencedError, LogError, UnreachableError
from tinsom.log import Output, Owner
from tinsom.log.kafka import KafkaLog
from tinsom.topics import Topic

RECORDS = 800

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("quiet")]


# --- broker faults -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["stop", "kill"])
async def test_a_broker_that_comes_back_loses_and_doubles_nothing(
    broker: Broker, namespace: str, fault: str
) -> None:
    async with opened(f"127.0.0.1:{broker.port}", namespace) as log:
        await log.append(numbered(RECORDS), writer="w")
        done, gone = [0], asyncio.Event()

        async def work(owner: Owner) -> None:
            async for batch in owner.batches(BATCH, 0.1):
                done.append(await commit_echo(batch))
                if sum(done) >= RECORDS // 2:  # the other half is for the broker that comes back
                    await gone.wait()

        async with log.own("g", ["in"], gained=nothing, lost=nothing) as owner:
            working = asyncio.create_task(work(owner))
            await until(lambda: any(done))
            await asyncio.to_thread(getattr(broker, fault))
            gone.set()
            await asyncio.sleep(0.5)
            await asyncio.to_thread(broker.start)
            await asyncio.to_thread(broker.wait)
            # What a kill left open hides what follows until it is ended.
            found = await shown(lambda: outs(log), lambda found: not echoed(RECORDS) - found)
            owner.stop()
            await working
    assert found == echoed(RECORDS)


async def test_a_commit_outlives_a_kill_the_moment_after(broker: Broker, namespace: str) -> None:
    """The broker has answered and has 200 markers to write still: its next start must do it (decision 0052)."""
    topics = {"wide": Topic("wide", 200, "delete", 3_600_000)}
    async with opened(f"127.0.0.1:{broker.port}", namespace, topics=topics) as log:
        written = [Output("wide", b"k", b"%d" % n, START, partition=n) for n in range(200)]
        await log.append(written, writer="w")
        broker.kill()
        broker.start()
        await asyncio.to_thread(broker.wait)
        assert await shown(log.hidden, lambda hidden: not hidden) == {}
        tail = log.tail(["wide"])
        assert values(await tail.read()) == Counter(b"%d" % n for n in range(200))
        await tail.close()


async def outs(log: KafkaLog) -> Counter[bytes]:
    try:
        return values(await everything(log, "out"))
    except UnreachableError:  # it answers, and has not found all that it has yet
        return Counter()


@pytest.mark.soak
async def test_a_silent_broker_bounds_every_wait(broker: Broker, namespace: str) -> None:
    """SIGSTOP: connections stay open, nothing answers. Commits, hand-over and closing end all the same."""
    async with opened(f"127.0.0.1:{broker.port}", namespace, transaction_timeout=2.0) as log:
        await log.append(numbered(8), writer="w")
        try:
            async with log.own("g", ["in"], gained=nothing, lost=nothing) as owner:
                batch = await next_batch(owner.batches(10, 0.1))
                broker.signal(signal.SIGSTOP)
                began = time.monotonic()
                with pytest.raises(FencedError, match="no commit within 2 s"):
                    await batch.commit([echo(record) for record in batch.records])
                assert time.monotonic() - began < 20
            assert time.monotonic() - began < 60
        finally:
            broker.signal(signal.SIGCONT)
        await finish(log, "g", until=8)
        assert values(await everything(log, "out", 8)) == echoed(8)


async def test_more_replicas_than_brokers_are_refused(broker: Broker, namespace: str) -> None:
    log = KafkaLog(f"127.0.0.1:{broker.port}", namespace, replication=3, topics=TOPICS)
    with pytest.raises(LogError, match="replication factor"):
        await log.start()
