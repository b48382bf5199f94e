"""Tells new subscriptions of the time before them, beside the sender whose ledger remembers that it was done.

What is told is decided in `backfill`; this reads the past and commits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from services.alerter import backfill, lanes
from services.alerter.backfill import Telling
from services.alerter.bot import past
from services.alerter.bot.pastlog import PastLog
from services.alerter.plan import Rules
from services.alerter.sender import Sender
from services.alerter.tables import Subscriptions
from tinsom import codec, metrics
from tinsom.clock import millis
from tinsom.errors import FencedError, LogError
from tinsom.follower import pause
from tinsom.log import Log, Output
from tinsom.messages import Alert, Destination, Match, Subscription
from tinsom.topics import partition_for

logger = structlog.get_logger(__name__)

LOOK_SECONDS = 2.0
RETRY_SECONDS = 60.0  # after a fault: a look reads 30 days


@dataclass(frozen=True, slots=True)
class Wishes:
    """Who wants what, and the rules of plan: beside the sender's own, all that a look at the past needs."""

    subscriptions: Subscriptions
    rules: Rules


@dataclass
class Backfiller:
    log: Log
    sender: Sender
    wishes: Wishes
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _committing: bool = False
    _task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Reading is broken off, a commit is not."""
        self._stop.set()
        if self._task is not None:
            if not self._committing:
                self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while not self._stop.is_set():
            wait = RETRY_SECONDS
            try:
                if await self.look():
                    wait = LOOK_SECONDS
            except FencedError:
                return
            except LogError as error:
                logger.error("the time before a subscription is not told yet", reason=str(error))
            except Exception:
                # What nobody can read today must not end it for those to come.
                logger.exception("the look at the past stumbled")
            await pause(self._stop, self.sender.tools.wall, wait)

    async def look(self) -> bool:
        """Tell whoever still waits for it; False if one could not be told.

        Raises FencedError, LogError. What is not told yet is tried again.
        """
        subscriptions, now = self.wishes.subscriptions, self.sender.tools.clock.now()
        if not subscriptions.table.complete:
            return True
        awaited = backfill.awaited(subscriptions.all, self.sender.book, now)
        reached = {alias: to for alias in awaited if (to := self._reached(alias, now)) is not None}
        if not reached:
            return True
        known = PastLog(self.log, self.sender.tools.clock, self.wishes.rules)
        await known.read_on()
        return await self._tell_each([(to, awaited[alias]) for alias, to in reached.items()], known)

    async def _tell_each(
        self, waiting: Sequence[tuple[Destination, Sequence[Subscription]]], known: PastLog
    ) -> bool:
        well = True
        for to, asked in waiting:
            if self._stop.is_set():
                break
            try:
                await self._tell(to, asked, known)
            except (FencedError, LogError):
                raise
            except Exception:
                # One chat that cannot be told must not hold up the others.
                logger.exception("the time before a subscription could not be told", destination=to.alias)
                well = False
        return well

    def _reached(self, alias: str, now: float) -> Destination | None:
        """One that this sender sends to, and that takes a digest now."""
        to, number = self.sender.tools.destinations.all.get(alias), self.sender.partition.number
        ours = partition_for(alias.encode(), self.log.partitions_of("alerts")) == number
        if to is None or not ours or self.sender.tools.dead_end(alias) or lanes.is_quiet(to, now):
            return None
        return to

    async def _tell(self, to: Destination, asked: Sequence[Subscription], known: PastLog) -> None:
        now = self.sender.tools.clock.now()
        telling = Telling(asked, self.wishes.rules, self.wishes.subscriptions.mutes_at(now), now)
        for chunk in past.chunks(known.past.matching(Match())):
            for entry in chunk:
                telling.take(entry)
            await asyncio.sleep(0)
        async with self.sender.partition.lock:
            self._committing = True
            try:
                await self._commit(to, asked, telling.chosen(self.sender.book), now)
            finally:
                self._committing = False
        self.sender.wake()

    async def _commit(
        self, to: Destination, asked: Sequence[Subscription], alerts: Sequence[Alert], now: float
    ) -> None:
        """The alerts go to their topic too: there `why` reads who was told and for what reason."""
        records = backfill.records(asked, alerts, to, now)
        await self.sender.clerk.write(records, more=[_output(alert, now) for alert in alerts])
        metrics.POSTPONED.labels("backfill").inc(len(alerts))
        logger.info("the time before a subscription", subscriptions=[s.id for s in asked], told=len(alerts))


def _output(alert: Alert, now: float) -> Output:
    """With the time of the telling: behind newer records a broker finds no older time."""
    return codec.output("alerts", alert.id, alert, millis(now), source="deliver", partition_by=alert.destination)
