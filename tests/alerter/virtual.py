"""A sender without a network and without waiting: a partition in memory, the Bot API's mind, virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import pytest

from services.alerter.backfiller import Wishes
from services.alerter.book import Book
from services.alerter.channels import BeforeWrite, Channel, StaleIntentError
from services.alerter.channels.telegram import TelegramChannel
from services.alerter.deliver import DeliverStage
from services.alerter.ledger import Policy
from services.alerter.plan import Rules
from services.alerter.responses import Answer
from services.alerter.sender import Sender
from services.alerter.tables import Destinations, Subscriptions
from services.alerter.tools import Tools
from tests.alerter import builders as b
from tests.fakes.telegram.core import BotApi, Limits, Reply
from tinsom import codec
from tinsom.errors import FencedError
from tinsom.log import Log, Output, Record
from tinsom.messages import Alert, Delivery, Destination, Subscription, Version

REAL_LIMITS, POLICY = Limits(), Policy()
# Nothing comes from outside: the empty rounds in which looptime waits for it, 42 before each step, bring nothing.
VIRTUAL_TIME = pytest.mark.looptime(noop_cycles=0)


@dataclass
class LoopClock:
    """The event loop's time, which looptime makes virtual; `base` is when the loop began."""

    base: float = b.NOW_S

    def now(self) -> float:
        return self.base + asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


@dataclass
class MemoryLog:
    """Just enough of a log for one stage: topics as lists of outputs."""

    namespace: str = "tinsom"
    written: list[Output] = field(default_factory=list)

    def partitions_of(self, topic: str) -> int:
        return 1

    def tail(self, topics: Sequence[str]) -> _Tail:
        return _Tail(self, topics)

    async def read(self, topic: str, partition: int, start: int = 0, stop: int | None = None) -> Any:
        for record in self.records(topic)[start:stop]:
            yield record

    async def ends(self, topic: str) -> dict[int, tuple[int, int]]:
        return {0: (0, len(self.records(topic)))}

    async def offset_at(self, topic: str, partition: int, timestamp: int) -> int:
        return sum(record.timestamp < timestamp for record in self.records(topic))

    def records(self, topic: str) -> list[Record]:
        return [
            Record(o.topic, 0, n, o.timestamp, o.key, o.value, o.headers)
            for n, o in enumerate(self.written)
            if o.topic == topic
        ]

    def as_log(self) -> Log:
        """Itself, to whoever asks a whole log and uses just this much of it."""
        return cast(Log, self)

    def deliveries(self) -> dict[str, Delivery]:
        """Alert id → its newest record."""
        found = [codec.decode_as(r, Delivery) for r in self.records("deliveries")]
        return {d.alert_id: d for d in found}


@dataclass
class _Tail:
    log: MemoryLog
    topics: Sequence[str]
    seen: int = 0

    async def read(self) -> list[Record]:
        new, self.seen = self.log.written[self.seen :], len(self.log.written)
        wanted = [o for o in new if o.topic in self.topics]
        return [Record(o.topic, 0, n, o.timestamp, o.key, o.value, o.headers) for n, o in enumerate(wanted)]

    async def close(self) -> None:
        pass


@dataclass
class MemoryPartition:
    """`before_commit` may raise or wait: what a log can do to a sender."""

    log: MemoryLog
    topic: str = "alerts"
    number: int = 0
    position: int = 0
    owned: bool = True
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    before_commit: Callable[[Sequence[Output]], None] = lambda _: None
    commits: int = 0

    async def commit(self, outputs: Sequence[Output], offset: int | None = None) -> None:
        if not self.owned:
            raise FencedError("fenced")
        await asyncio.sleep(0)
        self.before_commit(outputs)
        self.commits += 1
        self.log.written.extend(outputs)

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    async def seek(self, offset: int) -> None: ...


class DirectTelegram(TelegramChannel):
    """The Telegram channel with the Bot API's mind on the other end of no wire."""

    def __init__(self, api: BotApi, clock: LoopClock, latency: float = 0.05, timeout: float = 15.0) -> None:
        super().__init__("42:secret", "http://unused", timeout)
        self._api, self._clock, self._latency, self._limit = api, clock, latency, timeout
        self.down = False
        self.calls = 0

    async def call(self, method: str, body: dict[str, Any], before_write: BeforeWrite) -> Answer:
        self.calls += 1
        if self.down:
            await asyncio.sleep(self._latency)
            return Answer("not_written", description="ClientConnectorError")
        try:
            before_write()
        except StaleIntentError:
            return Answer("refused")
        reply = self._api.handle(method, body)
        return await self._reply(reply)

    async def _reply(self, reply: Reply) -> Answer:
        if reply.fault in ("hang", "accept_hang"):
            await asyncio.sleep(self._limit)
            return Answer("written", description="TimeoutError")
        await asyncio.sleep(self._latency)
        if reply.fault in ("reset", "accept_reset"):
            return Answer("written", description="ServerDisconnectedError")
        import msgspec

        return self._answer(reply.status, msgspec.json.encode(reply.body))


@dataclass
class World:
    """One deliver stage with its sender on a memory log."""

    api: BotApi
    log: MemoryLog
    clock: LoopClock
    stage: DeliverStage
    partition: MemoryPartition
    channel: DirectTelegram

    @property
    def sender(self) -> Sender:
        return self.stage.senders[0]

    @property
    def book(self) -> Book:
        return self.sender.book

    async def arrive(self, *alerts: Alert) -> None:
        """As the worker does: decide under the lock, commit outputs."""
        async with self.partition.lock:
            outputs: list[Output] = []
            for n, alert in enumerate(alerts):
                o = b.alert_output(alert)
                record = Record("alerts", 0, n, o.timestamp, o.key, o.value, o.headers)
                outputs += self.stage.handle(self.partition, record, self.clock.now()).outputs
            await self.partition.commit(outputs)

    def states(self) -> dict[str, int]:
        counted: dict[str, int] = {}
        for delivery in self.log.deliveries().values():
            counted[delivery.state] = counted.get(delivery.state, 0) + 1
        return counted

    async def settle(self, limit: float = 3600.0) -> None:
        """Until nothing is pending or in flight."""
        began = self.clock.now()
        while (waited := self.clock.now() - began) < limit:
            # Long waits take long steps: each looks at everything.
            await asyncio.sleep(0.1 + waited / 20)
            if not self.book.count("pending") and not self.book.count("sending"):
                return
        raise AssertionError(f"still open after {limit} s: {self.states()}")

    async def kill(self) -> None:
        """As SIGKILL: every task ends where it stands."""
        sender = self.stage.senders.pop(0)
        self.partition.owned = False
        beside = [backfiller._task for backfiller in self.stage.backfillers.values()]
        tasks = [task for task in (*sender._busy.values(), sender._loop, *beside) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def dies_at(world: World, commits: int, moment: Literal["before", "after"]) -> asyncio.Event:
    """The process dies before or after its n-th commit: whatever waits for one waits for ever. The event tells."""
    died, inner = asyncio.Event(), world.partition.commit

    async def die() -> None:
        died.set()
        await asyncio.sleep(1e9)

    async def commit(outputs: Sequence[Output], offset: int | None = None) -> None:
        if died.is_set() or world.partition.commits >= commits:
            await die()
        await inner(outputs, offset)
        if moment == "after" and world.partition.commits >= commits:
            await die()

    world.partition.commit = commit
    return died


def chats(*aliases: str, **changes: Any) -> list[Destination]:
    return [
        b.destination(**{"alias": alias, "channel": "telegram", "address": str(1000 + n)} | changes)
        for n, alias in enumerate(aliases)
    ]


async def start(
    destinations: Sequence[Destination],
    *,
    log: MemoryLog | None = None,
    api: BotApi | None = None,
    limits: Limits = REAL_LIMITS,
    policy: Policy = POLICY,
    latency: float = 0.05,
    more: dict[str, Channel] | None = None,
    base: float = b.NOW_S,
    subscriptions: Sequence[Subscription] | None = None,
) -> World:
    """A running stage; a second one on the same `log` and `api` is the successor. It looks back for
    `subscriptions`, unless they are None.
    """
    clock = LoopClock(base)
    log = log or MemoryLog()
    if not log.records("destinations"):
        log.written += [
            codec.output("destinations", f"file/{d.alias}", d, 0, source="apply", partition_by=d.alias)
            for d in destinations
        ]
        log.written.append(_version("destinations"))
    api = api or BotApi(clock.now, limits)
    channel = DirectTelegram(api, clock, latency)
    table = Destinations(log.as_log(), clock, asyncio.Event())
    tools = Tools({"telegram": channel, **(more or {})}, table, clock, clock, policy)
    wishes = await _wishes(log, clock, subscriptions) if subscriptions is not None else None
    stage = DeliverStage(log.as_log(), tools, wishes=wishes)
    partition = MemoryPartition(log)
    await stage.gained(partition)
    return World(api, log, clock, stage, partition, channel)


async def _wishes(log: MemoryLog, clock: LoopClock, subscriptions: Sequence[Subscription]) -> Wishes:
    log.written += [
        codec.output("subscriptions", f"file/{s.id}", s, 0, source="apply", partition_by=s.id)
        for s in subscriptions
    ]
    log.written.append(_version("subscriptions"))
    table = Subscriptions(log.as_log(), clock, asyncio.Event())
    await table.refresh()
    return Wishes(table, Rules())


def _version(topic: str) -> Output:
    return codec.output(topic, "version", Version(version="1", entries=1), 0, source="apply")
