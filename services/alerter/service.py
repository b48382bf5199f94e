"""The alerter: both its stages in one process, until `context.stop` is set."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from services.alerter import gauges, ledger, unsubscribing, wiring
from services.alerter.backfiller import Wishes
from services.alerter.deliver import DeliverStage
from services.alerter.door import UnsubscribeDoor
from services.alerter.plan_stage import PlanStage, rules_of
from services.alerter.tables import Destinations, Names, Subscriptions
from services.alerter.tools import Tools
from tinsom.clock import ScaledClock, SystemClock
from tinsom.screen import Screen
from tinsom.service import Context
from tinsom.worker import Worker

logger = structlog.get_logger(__name__)


async def run(context: Context) -> None:
    """Plan and deliver.

    Raises ConfigError for a channel that cannot be set up, LogError when the log cannot go on.
    """
    await run_on(context, None)


async def run_on(context: Context, console: Screen | None) -> None:
    """As `run`, and the terminal channel prints on `console`, so that a progress line can live beside it.

    Raises ConfigError for a channel that cannot be set up, LogError when the log cannot go on.
    """
    log, clock, stop = context.log, context.clock, context.stop
    gauges.prepare()
    subscriptions = Subscriptions(log, clock, stop)
    destinations = Destinations(log, clock, stop)
    names = Names(log, clock, stop, language=context.config.alerter.language)
    tools = tools_of(context, destinations, console)
    listening = wiring.listening(context, subscriptions, names)
    plan = Worker(log, PlanStage(subscriptions, rules_of(context.config.alerter)), clock, context.health)
    wishes = Wishes(subscriptions, rules_of(context.config.alerter))
    stage = DeliverStage(log, tools, listening=listening, wishes=wishes)
    deliver = Worker(log, stage, clock, context.health)
    if wiring.is_live(context) and (key := wiring.unsubscribe_key(context.config)):
        door = UnsubscribeDoor(key, stage.senders, tools, log.partitions_of("alerts"))
        context.doors.open[unsubscribing.PATH] = door
    try:
        async with _followed(subscriptions, destinations, names):
            await _both(plan, deliver, stop)
    finally:
        context.doors.open.pop(unsubscribing.PATH, None)
        for channel in tools.channels.values():
            await channel.close()


@asynccontextmanager
async def _followed(*tables: Subscriptions | Destinations | Names) -> AsyncIterator[None]:
    """Read on while the block runs, then close them."""
    followers = [asyncio.create_task(table.follow()) for table in tables]
    try:
        yield
    finally:
        for task in followers:
            task.cancel()
        await asyncio.gather(*followers, return_exceptions=True)
        for table in tables:
            await table.close()


def tools_of(context: Context, destinations: Destinations, console: Screen | None = None) -> Tools:
    """What the senders need. Real time for sockets and pacing, even when the work's clock is played fast."""
    clock = context.clock
    wall = SystemClock() if isinstance(clock, ScaledClock) else clock
    live = wiring.is_live(context)
    return Tools(
        channels=wiring.channels(context.config, live=live, console=console),
        destinations=destinations,
        clock=clock,
        wall=wall,
        policy=ledger.policy_for(clock.speed if isinstance(clock, ScaledClock) else 1.0),
        language=context.config.alerter.language,
        recording=not live,
        health=context.health,
    )


async def _both(plan: Worker, deliver: Worker, stop: asyncio.Event) -> None:
    """Half an alerter is none: the end of one worker, by a fault or by `stop`, ends the other."""
    tasks = [asyncio.create_task(worker.run(stop)) for worker in (plan, deliver)]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stop.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
