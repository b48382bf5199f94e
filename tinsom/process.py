"""A running process: signals, draining, watchdog, upkeep of the log, lag. Services know none of it."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import platform
import signal
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import structlog

from tinsom import metrics, watchdog
from tinsom.clock import millis
from tinsom.config import Config
from tinsom.errors import TinsomError
from tinsom.log import Lag, Log
from tinsom.log.sqlite import SqliteLog
from tinsom.service import Context, Service
from tinsom.topics import QUEUES, TOPICS, Topic

logger = structlog.get_logger(__name__)

# 15 s from the signal to the end: services drain, then are cut off, then the process leaves as it is.
DRAIN_SECONDS, CUT_SECONDS, LEAVE_SECONDS = 12.0, 1.5, 14.5
UPKEEP_SECONDS = 3600.0
LAG_SECONDS = 5.0
HIDDEN_SECONDS = 15.0
LOOP = "event-loop"


def open_log(config: Config, namespace: str | None = None) -> Log:
    """The log that the configuration names, for its namespace or a scratch one. Not yet started.

    Raises ConfigError for a file of `kafka: security` that cannot be used.
    """
    namespace = namespace or config.namespace
    topics = TOPICS if namespace == config.namespace else scratch_topics()
    if config.kafka is None:
        return SqliteLog(
            Path(config.log.path), namespace, session=config.log.session, live=config.namespace, topics=topics
        )
    # Imported here: the embedded log must not pay for aiokafka.
    from tinsom.log.kafka import KafkaLog, security

    return KafkaLog(
        config.kafka.bootstrap_servers,
        namespace,
        replication=config.kafka.replication,
        session_timeout=config.kafka.session_timeout,
        transaction_timeout=config.kafka.transaction_timeout,
        topics=topics,
        security=security.of(config.kafka.security),
    )


def scratch_topics() -> dict[str, Topic]:
    """A replay's records are old: retention by time would delete them at once (facts: openmeter #5005)."""
    return {name: dataclasses.replace(topic, retention_ms=None) for name, topic in TOPICS.items()}


async def run(services: Sequence[Service], context: Context) -> None:
    """Run services until a signal or the end of one; raises what a service raised.

    Raises UnreachableError when the port of /metrics cannot be had.
    """
    # Imported here: a command that runs nothing must not pay for a web server.
    from tinsom import http

    metrics.BUILD.info({"version": version("tinsom"), "python": platform.python_version()})
    metrics.configuration_taken(context.clock.now())
    _handle_signals(context.stop)
    async with http.serve(context.config.http, context.health, context.doors):
        with watchdog.watching(context.health):
            supporters = [asyncio.create_task(work(context)) for work in SUPPORTING]
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
    await _drained(tasks)
    failures = [error for task in tasks if (error := _failure(task)) is not None]
    if failures:
        # What a person can mend comes first; it is often the cause of the rest.
        raise next((error for error in failures if isinstance(error, TinsomError)), failures[0])


async def _drained(tasks: Sequence[asyncio.Future[None]]) -> None:
    _, late = await asyncio.wait(tasks, timeout=DRAIN_SECONDS)
    if not late:
        return
    logger.warning("cut off after the time to drain", seconds=DRAIN_SECONDS)
    for task in late:
        task.cancel()
    _, deaf = await asyncio.wait(late, timeout=CUT_SECONDS)
    if deaf:
        logger.critical("a service does not end, leaving", services=len(deaf))
        watchdog.leave(1)


def _failure(task: asyncio.Future[None]) -> Exception | None:
    """What ended a service, out of the groups that tasks wrap it in."""
    error = None if task.cancelled() else task.exception()
    while isinstance(error, BaseExceptionGroup):
        inner = error.exceptions
        error = next((one for one in inner if isinstance(one, TinsomError)), inner[0])
    if error is not None and not isinstance(error, TinsomError):
        logger.error("a service failed", exc_info=error)
    return error if isinstance(error, Exception) else None


def _handle_signals(stop: asyncio.Event) -> None:
    """The first signal drains, the second leaves at once."""
    loop = asyncio.get_running_loop()
    signalled: list[int] = []

    def on_signal(number: int) -> None:
        if signalled:
            os._exit(128 + number)
        signalled.append(number)
        logger.info("draining", signal=signal.Signals(number).name)
        # Also for what comes after the services: closing the log, threads that wait for a name server.
        watchdog.leave_after(LEAVE_SECONDS)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)


async def _maintain(context: Context) -> None:
    while True:
        await asyncio.sleep(UPKEEP_SECONDS)
        try:
            await context.log.maintain(millis(context.clock.now()))
        except Exception as error:
            logger.warning("upkeep of the log failed", error=str(error))


async def _measure_loop(context: Context) -> None:
    """The worst of each 15 s: how late a timer of a tenth of a second fires."""
    loop = asyncio.get_running_loop()
    try:
        while True:
            worst = 0.0
            for _ in range(150):
                before = loop.time()
                await asyncio.sleep(0.1)
                worst = max(worst, loop.time() - before - 0.1)
                context.health.progress(LOOP)
            metrics.EVENT_LOOP_LAG.set(worst)
    finally:
        context.health.done(LOOP)


async def _report_lag(context: Context) -> None:
    """Lag in seconds is what an operator can judge; in records it means nothing at a few items an hour."""
    standstill = watchdog.Standstill()
    while True:
        await asyncio.sleep(LAG_SECONDS)
        for stage, topic in QUEUES.items():
            try:
                lags = await context.log.lag(stage, topic)
                committed = await context.log.committed(stage, topic)
            except Exception as error:
                logger.debug("lag unknown", stage=stage, error=str(error))
                continue
            _show_lag(stage, lags, context.clock.now())
            if stuck := _standing_still(context, standstill, stage, lags, committed):
                logger.critical("unread records and no progress, leaving", stage=stage, partitions=stuck)
                watchdog.leave(1)


def _standing_still(
    context: Context, standstill: watchdog.Standstill, stage: str, lags: Sequence[Lag], committed: dict[int, int]
) -> list[int]:
    """Partitions of this process that do not move; another process's are its own business."""
    owned, now = context.health.owned(stage), asyncio.get_running_loop().time()
    return [
        lag.partition
        for lag in lags
        if standstill.stuck(
            stage,
            lag.partition,
            lag.records if lag.partition in owned else 0,
            committed.get(lag.partition, 0),
            now,
        )
    ]


def _show_lag(stage: str, lags: Sequence[Lag], now: float) -> None:
    oldest = min((lag.oldest for lag in lags if lag.oldest is not None), default=None)
    metrics.LAG_RECORDS.labels(stage).set(sum(lag.records for lag in lags))
    metrics.LAG_SECONDS.labels(stage).set(0.0 if oldest is None else max(0.0, now - oldest / 1000))


async def _report_hidden(context: Context) -> None:
    """Lag ends where readers do: what a transaction hides that nobody ends is behind it, and in no lag."""
    watch = watchdog.Hidden()
    while True:
        await asyncio.sleep(HIDDEN_SECONDS)
        try:
            hidden = await context.log.hidden()
        except Exception as error:
            logger.debug("unknown what is hidden", error=str(error))
            continue
        seconds = watch.seconds(hidden, asyncio.get_running_loop().time())
        for topic in TOPICS:
            metrics.HIDDEN_SECONDS.labels(topic).set(seconds.get(topic, 0.0))


SUPPORTING: tuple[Callable[[Context], asyncio._CoroutineLike[None]], ...] = (
    _report_lag,
    _report_hidden,
    _maintain,
    _measure_loop,
)
