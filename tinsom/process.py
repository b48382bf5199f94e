"""A running process: signals, draining, watchdog, upkeep of the log, lag. Services know none of it."""

from __future__ import annotations

import asyncio
import dataclasses
import faulthandler
import os
import platform
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import structlog

from tinsom import http, metrics
from tinsom.clock import millis
from tinsom.config import Config
from tinsom.log import Log
from tinsom.log.sqlite import SqliteLog
from tinsom.service import Context, Service
from tinsom.topics import QUEUES, TOPICS, Topic

logger = structlog.get_logger(__name__)

DRAIN_SECONDS = 15.0
UPKEEP_SECONDS = 3600.0
LAG_SECONDS = 5.0
# Owned, unread records, and the offset has not moved for so long: the consumer is stuck (aiokafka #1154).
STANDSTILL_SECONDS = 180.0


def open_log(config: Config, namespace: str | None = None) -> Log:
    """The log that the configuration names, for its namespace or a scratch one. Not yet started."""
    namespace = namespace or config.namespace
    topics = TOPICS if namespace == config.namespace else scratch_topics()
    if config.kafka is None:
        return SqliteLog(Path(config.log.path), namespace, session=config.log.session, topics=topics)
    # Imported here: the embedded log must not pay for aiokafka.
    from tinsom.log.kafka import KafkaLog

    return KafkaLog(
        config.kafka.bootstrap_servers,
        namespace,
        replication=config.kafka.replication,
        session_timeout=config.kafka.session_timeout,
        transaction_timeout=config.kafka.transaction_timeout,
        topics=topics,
    )


def scratch_topics() -> dict[str, Topic]:
    """A replay's records are old: retention by time would delete them at once (facts: openmeter #5005)."""
    return {name: dataclasses.replace(topic, retention_ms=None) for name, topic in TOPICS.items()}


async def run(services: Sequence[Service], context: Context) -> None:
    """Run services until a signal or the end of one; raises what a service raised."""
    metrics.BUILD.info({"version": version("tinsom"), "python": platform.python_version()})
    _handle_signals(context.stop)
    async with http.serve(context.config.http, context.health):
        supporters = [asyncio.create_task(work) for work in _supporting(context)]
        try:
            await _run_until_stopped(services, context)
        finally:
            for task in supporters:
                task.cancel()
            await asyncio.gather(*supporters, return_exceptions=True)


async def _run_until_stopped(services: Sequence[Service], context: Context) -> None:
    """The end of one service is the end of all: half a pipeline looks alive and is not."""
    tasks = [asyncio.ensure_future(service(context)) for service in services]
    stopped = asyncio.create_task(context.stop.wait())
    await asyncio.wait([*tasks, stopped], return_when=asyncio.FIRST_COMPLETED)
    context.stop.set()
    await stopped
    _, late = await asyncio.wait(tasks, timeout=DRAIN_SECONDS)
    for task in late:
        logger.warning("cut off after the time to drain", seconds=DRAIN_SECONDS)
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    failures = [r for r in results if isinstance(r, Exception)]
    if failures:
        raise failures[0]


def _handle_signals(stop: asyncio.Event) -> None:
    """The first signal drains, the second leaves at once."""
    loop = asyncio.get_running_loop()

    def on_signal(number: int) -> None:
        if stop.is_set():
            os._exit(128 + number)
        logger.info("draining", signal=signal.Signals(number).name)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)


def _supporting(context: Context) -> list[asyncio._CoroutineLike[None]]:
    return [_watch(context), _report_lag(context), _maintain(context), _measure_loop()]


async def _watch(context: Context) -> None:
    """A stuck loop cannot mend itself; the supervisor starts the process again."""
    while True:
        await asyncio.sleep(5)
        if stuck := context.health.stuck():
            logger.critical("stuck, leaving", parts=stuck)
            faulthandler.dump_traceback(sys.stderr)
            os._exit(1)


async def _maintain(context: Context) -> None:
    while True:
        await asyncio.sleep(UPKEEP_SECONDS)
        try:
            await context.log.maintain(millis(context.clock.now()))
        except Exception as error:
            logger.warning("upkeep of the log failed", error=str(error))


async def _measure_loop() -> None:
    """The worst of each 15 s: how late a timer of a tenth of a second fires."""
    loop = asyncio.get_running_loop()
    while True:
        worst = 0.0
        for _ in range(150):
            before = loop.time()
            await asyncio.sleep(0.1)
            worst = max(worst, loop.time() - before - 0.1)
        metrics.EVENT_LOOP_LAG.set(worst)


@dataclass
class Standstill:
    """Notices unread records whose offset does not move; pure, times in seconds."""

    limit: float = STANDSTILL_SECONDS
    _seen: dict[str, tuple[int, float]] = field(default_factory=dict)

    def stuck(self, stage: str, unread: int, committed: int, now: float) -> bool:
        """True when `stage` has had unread records at the same offsets for `limit` seconds."""
        before = self._seen.get(stage)
        if unread == 0 or before is None or before[0] != committed:
            self._seen[stage] = (committed, now)
            return False
        return now - before[1] > self.limit


async def _report_lag(context: Context) -> None:
    """Lag in seconds is what an operator can judge; in records it means nothing at a few items an hour."""
    watch, loop = Standstill(), asyncio.get_running_loop()
    while True:
        await asyncio.sleep(LAG_SECONDS)
        for stage, topic in QUEUES.items():
            try:
                unread, committed = await _lag(context, stage, topic)
            except Exception as error:
                logger.debug("lag unknown", stage=stage, error=str(error))
                continue
            owned = metrics.value(metrics.OWNED_PARTITIONS, stage)
            stopped = metrics.value(metrics.STOPPED_PARTITIONS, stage)
            if owned and not stopped and watch.stuck(stage, unread, committed, loop.time()):
                logger.critical("unread records and no progress, leaving", stage=stage)
                os._exit(1)


async def _lag(context: Context, stage: str, topic: str) -> tuple[int, int]:
    lags = await context.log.lag(stage, topic)
    oldest = min((lag.oldest for lag in lags if lag.oldest is not None), default=None)
    seconds = 0.0 if oldest is None else max(0.0, context.clock.now() - oldest / 1000)
    unread = sum(lag.records for lag in lags)
    metrics.LAG_RECORDS.labels(stage).set(unread)
    metrics.LAG_SECONDS.labels(stage).set(seconds)
    committed = await context.log.committed(stage, topic)
    return unread, sum(committed.values())
