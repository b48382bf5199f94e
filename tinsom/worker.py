"""The loop every service uses: read → decode → handle → outcome → commit outputs with the offset.

It ends where the stages begin: a stage says what a record means (`Stage.handle`), the worker sees to it that
each record ends in exactly one counted outcome, that poison is parked byte for byte in the same transaction,
and that a partition which would empty itself into dead letters stops instead.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import structlog

from tinsom import deadletters, metrics
from tinsom.clock import Clock, millis
from tinsom.errors import DecodeError, FencedError, StoppedError
from tinsom.health import Health
from tinsom.log import Batch, Log, Output, Owner, Partition, Record
from tinsom.topics import TOPICS

logger = structlog.get_logger(__name__)

ATTEMPTS = 3
BEAT_SECONDS = 1.0
REST_SECONDS = 0.05
IN_A_ROW = 20
WINDOW, SHARE = 1_000, 0.05


class Handled(NamedTuple):
    """What a stage decided about one record; `outcome` is a word of the stage's closed list."""

    outputs: Sequence[Output]
    outcome: str


class Stage:
    """One queue's meaning. `handle` and `tick` decide without I/O; state is the fold of committed outputs.

    A stage may update its memory while it decides: whatever goes wrong afterwards, the worker gives the
    partition back and `gained` restores it from the log.
    """

    name: str
    topic: str
    outcomes: tuple[str, ...] = ()

    async def gained(self, partition: Partition) -> None:
        """Restore this partition's state; the former owner is fenced already."""

    async def lost(self, partition: Partition) -> None:
        """Forget this partition's state."""

    def handle(self, partition: Partition, record: Record, now: float) -> Handled:
        """Decide about one record. DecodeError parks it at once, any other error after 3 attempts."""
        raise NotImplementedError

    def tick(self, partition: Partition, now: float) -> Sequence[Output]:
        """What is due by the clock; called between batches."""
        return ()


@dataclass
class DeadLetterLimit:
    """20 in a row, or more than 5 % of the last 1,000, stop a partition (arroyo's rule, decision 0006)."""

    in_a_row: int = 0
    recent: deque[bool] = field(default_factory=lambda: deque(maxlen=WINDOW))

    def admits(self) -> bool:
        """May one more record be parked?"""
        full_window = len(self.recent) == WINDOW
        return self.in_a_row < IN_A_ROW and not (full_window and sum(self.recent) >= SHARE * WINDOW)

    def saw(self, dead: bool) -> None:
        self.in_a_row = self.in_a_row + 1 if dead else 0
        self.recent.append(dead)


@dataclass
class Worker:
    log: Log
    stage: Stage
    clock: Clock
    health: Health
    max_records: int = 500
    timeout: float = 0.5
    _limits: dict[tuple[str, int], DeadLetterLimit] = field(default_factory=dict)
    _owner: Owner | None = None
    _working: bool = False

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then finish the batch in hand and let the partitions go."""
        metrics.prepare_stage(self.stage.name, self.stage.topic, self.stage.outcomes)
        self.health.expect(self.stage.name)
        async with self.log.own(
            self.stage.name, [self.stage.topic], gained=self._gained, lost=self._lost
        ) as owner:
            self._owner = owner
            self.health.ready(self.stage.name)
            beside = [asyncio.create_task(work) for work in (self._stop_on(stop, owner), self._beat())]
            try:
                async for batch in owner.batches(self.max_records, self.timeout):
                    await self._work(batch)
            finally:
                for task in beside:
                    task.cancel()
                self.health.done(self.stage.name)

    async def _stop_on(self, stop: asyncio.Event, owner: Owner) -> None:
        await stop.wait()
        owner.stop()

    async def _beat(self) -> None:
        """Waiting is no standstill: a standby owns nothing, and nothing comes before `tinsom apply`."""
        while True:
            if not self._working:
                self.health.progress(self.stage.name)
            await asyncio.sleep(BEAT_SECONDS)

    async def _gained(self, partition: Partition) -> None:
        with metrics.RESTORE_SECONDS.labels(self.stage.name).time():
            await self.stage.gained(partition)
        metrics.OWNED_PARTITIONS.labels(self.stage.name).inc()
        self.health.gained(self.stage.name, partition.number)

    async def _lost(self, partition: Partition) -> None:
        metrics.OWNED_PARTITIONS.labels(self.stage.name).dec()
        self.health.lost(self.stage.name, partition.number)
        self._limits.pop((partition.topic, partition.number), None)
        await self.stage.lost(partition)

    async def _work(self, batch: Batch) -> None:
        """One batch, all or nothing; being fenced is a hand-over, not a fault."""
        self._working = True
        self.health.progress(self.stage.name)
        try:
            async with batch.partition.lock:
                await self._decide_and_commit(batch)
        except FencedError:
            metrics.FENCED.labels(self.stage.name).inc()
            logger.info("fenced", stage=self.stage.name, partition=batch.partition.number)
        except StoppedError as error:
            self._alarm(batch.partition, error)
        finally:
            self._working = False

    async def _decide_and_commit(self, batch: Batch) -> None:
        partition, now = batch.partition, self.clock.now()
        decided: list[tuple[Record, Handled]] = []
        stopped: StoppedError | None = None
        rested = time.monotonic()
        for record in batch.records:
            try:
                decided.append((record, self._decide(partition, record, now)))
            except StoppedError as error:
                stopped = error
                break
            if time.monotonic() - rested > REST_SECONDS:
                # Heartbeats share this loop: a batch longer than the session would be lost, again and again.
                await asyncio.sleep(0)
                self.health.progress(self.stage.name)
                rested = time.monotonic()
        due = self.stage.tick(partition, now)
        await self._commit(batch, decided, due, whole=stopped is None)
        self._count(decided, now)
        if stopped is not None:
            raise stopped

    async def _commit(
        self, batch: Batch, decided: list[tuple[Record, Handled]], due: Sequence[Output], *, whole: bool
    ) -> None:
        outputs = [output for _, handled in decided for output in handled.outputs] + list(due)
        if not outputs and not decided:
            return
        with metrics.COMMIT_SECONDS.labels(self.stage.name).time():
            if whole and batch.records:
                await batch.commit(outputs)
            else:
                await batch.partition.commit(outputs, decided[-1][0].offset + 1 if decided else None)

    def _decide(self, partition: Partition, record: Record, now: float) -> Handled:
        limit = self._limits.setdefault((partition.topic, partition.number), DeadLetterLimit())
        try:
            handled = self._attempt(partition, record, now)
        except DecodeError as error:
            handled = self._park(limit, record, error.reason, str(error), 1, now)
        except Exception as error:
            handled = self._park(limit, record, "handler", f"{type(error).__name__}: {error}", ATTEMPTS, now)
        limit.saw(handled.outcome == "dead-letter")
        return handled

    def _attempt(self, partition: Partition, record: Record, now: float) -> Handled:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                handled = self.stage.handle(partition, record, now)
                self._check_size(handled.outputs)
                return handled
            except DecodeError:
                raise
            except Exception:
                metrics.RETRIES.labels(self.stage.name).inc()
                if attempt == ATTEMPTS:
                    raise
        raise AssertionError("unreachable")

    def _check_size(self, outputs: Sequence[Output]) -> None:
        """Too large for its topic is decided here, before a transaction that could only be retried for ever."""
        for output in outputs:
            output.must_fit(TOPICS[output.topic].max_bytes)

    def _park(
        self, limit: DeadLetterLimit, record: Record, reason: str, detail: str, attempts: int, now: float
    ) -> Handled:
        if not limit.admits():
            raise StoppedError(f"{self.stage.name}: {limit.in_a_row} records in a row could not be processed")
        logger.warning("dead letter", stage=self.stage.name, reason=reason, offset=record.offset)
        letter = deadletters.letter(
            record, stage=self.stage.name, reason=reason, detail=detail, attempts=attempts, now=millis(now)
        )
        metrics.DEAD_LETTERS.labels(record.topic, reason).inc()
        return Handled([letter], "dead-letter")

    def _count(self, decided: list[tuple[Record, Handled]], now: float) -> None:
        for record, handled in decided:
            metrics.ITEMS.labels(self.stage.name, handled.outcome).inc()
            metrics.STAGE_LATENCY.labels(self.stage.name).observe(max(0.0, now - record.timestamp / 1000))
        if decided:
            metrics.WATERMARK.labels(self.stage.name).set(decided[-1][0].timestamp / 1000)

    def _alarm(self, partition: Partition, error: StoppedError) -> None:
        """Stop reading this partition; others go on. A person looks at the dead letters and restarts."""
        partition.pause()
        self.health.lost(self.stage.name, partition.number)  # it does not move, and that is meant
        metrics.STOPPED_PARTITIONS.labels(self.stage.name).inc()
        logger.error("partition stopped", stage=self.stage.name, partition=partition.number, reason=str(error))
