"""The one sender of a partition: commits an intent, sends, commits the result; several in flight.

Everything it decides is decided in `ledger`, `book`, `pacing` and `responses`. The partition's lock is held
for deciding and committing, never during a request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import structlog

from services.alerter import catalogue, gauges, ledger
from services.alerter.book import Book
from services.alerter.channels import Channel, Part, StaleIntentError
from services.alerter.ledger import Policy
from services.alerter.pacing import MARGIN, Pacer
from services.alerter.rendering import Letter
from services.alerter.responses import Answer, Verdict, label
from services.alerter.tables import Destinations, pause
from tinsom import codec, metrics
from tinsom.clock import Clock, millis
from tinsom.errors import FencedError, LogError
from tinsom.log import Output, Partition
from tinsom.messages import Alert, Delivery, Destination

logger = structlog.get_logger(__name__)

IN_FLIGHT = 8
GRACE = 10.0  # seconds for what is in flight when the partition goes or the process ends
IDLE = 5.0  # the longest sleep between two looks at what is due
RECOMMIT = 0.5  # seconds between attempts to write down a result that the log did not take


@dataclass
class Tools:
    """What every sender of this process shares. `clock`: the work's time; `wall`: real time (see ledger)."""

    channels: Mapping[str, Channel]
    destinations: Destinations
    clock: Clock
    wall: Clock
    policy: Policy = Policy()  # noqa: RUF009 - frozen
    language: str = "vi"
    recording: bool = False  # a replay: whatever a destination says, it is recorded
    pacers: dict[str, Pacer] = field(default_factory=dict)

    def channel_of(self, destination: Destination) -> Channel | None:
        return self.channels.get("recording" if self.recording else destination.channel)

    def pacer_of(self, channel: Channel) -> Pacer:
        return self.pacers.setdefault(channel.name, Pacer(channel.pace))


@dataclass(frozen=True, slots=True)
class Route:
    to: Destination
    channel: Channel


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request, decided and committed."""

    delivery: Delivery
    alert: Alert
    route: Route
    parts: Sequence[Part]


@dataclass
class Sender:
    partition: Partition
    book: Book
    tools: Tools
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _busy: dict[str, asyncio.Task[None]] = field(default_factory=dict)  # by destination: order in a chat is kept
    _served: dict[str, float] = field(default_factory=dict)  # destination → when last
    _in_flight: set[str] = field(default_factory=set)  # alert ids between intent and result
    _shown: float = 0.0
    _ending: bool = False
    _loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._loop = asyncio.create_task(self._run())

    def wake(self) -> None:
        """Something may be due."""
        self._wake.set()

    async def stop(self, grace: float = GRACE) -> None:
        """No new sends; results of those in flight are written if they come within `grace` real seconds."""
        self._ending = True
        self._wake.set()
        if self._loop is not None:
            await asyncio.gather(self._loop, return_exceptions=True)
        if self._busy:
            await asyncio.wait(list(self._busy.values()), timeout=grace)
        left = list(self._busy.values())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _run(self) -> None:
        while not self._ending:
            self._wake.clear()
            try:
                self._show_gauges()
                await self._settle_overdue()
                due_in = self._start_due()
            except FencedError:
                self._fenced()
                return
            except LogError as error:
                logger.error("the log takes no intents", reason=str(error))
                due_in = IDLE
            await pause(self._wake, self.tools.wall, due_in)

    def _show_gauges(self) -> None:
        """Counted anew, but not oftener than anybody looks."""
        wall = self.tools.wall.now()
        if wall - self._shown >= IDLE:
            self._shown = wall
            gauges.show(self.book, self.tools.destinations.all)

    def _fenced(self) -> None:
        """Another process sends now; what is in flight ends, its results cannot be written and need not be."""
        self._ending = True
        metrics.FENCED.labels("deliver").inc()
        logger.info("fenced", stage="deliver", partition=self.partition.number)

    # --- what is due ------------------------------------------------------------------------------------

    async def _settle_overdue(self) -> None:
        """Intents of a former owner that can no longer reach a socket are in doubt."""
        if self.book.count("sending") == len(self._in_flight):
            return
        wall, policy = self.tools.wall.now(), self.tools.policy
        for delivery in self.book.in_state("sending"):
            if delivery.alert_id not in self._in_flight and ledger.overdue(delivery, wall, policy):
                async with self.partition.lock:
                    await self._commit(ledger.doubted(delivery, "owner_lost", self.tools.clock.now(), policy))

    def _start_due(self) -> float:
        """Start what may be sent now; seconds until something else may be."""
        wall, due_in = self.tools.wall.now(), IDLE
        for delivery in sorted(self.book.heads(), key=self._turn):
            if len(self._busy) >= IN_FLIGHT:
                break
            if delivery.destination in self._busy:
                continue
            route = self._route(delivery)
            wait = self._wait(delivery, route, wall)
            if wait > 0:
                due_in = min(due_in, wait)
            else:
                self._begin(delivery, route, wall)
        return due_in

    def _turn(self, delivery: Delivery) -> tuple[int, float]:
        """Urgent first, then whoever was served longest ago: a flood to some must not starve the others."""
        urgent = delivery.alert is not None and delivery.alert.priority == "urgent"
        return (0 if urgent else 1, self._served.get(delivery.destination, 0.0))

    def _route(self, delivery: Delivery) -> Route | None:
        """Where and through what it would be sent; None for what ends without a request, which needs no pace."""
        to = self.tools.destinations.all.get(delivery.destination)
        channel = self.tools.channel_of(to) if to is not None else None
        if to is None or channel is None or to.state == "suspended":
            return None
        return Route(to, channel)

    def _wait(self, delivery: Delivery, route: Route | None, wall: float) -> float:
        if route is None or ledger.expired(delivery, self.tools.clock.now(), self.tools.policy):
            return 0.0
        pacer = self.tools.pacer_of(route.channel)
        free = pacer.free_at(_chat(route.to), route.channel.is_group(route.to), wall)
        return max(free, ledger.seconds(delivery.not_before)) - wall

    def _begin(self, delivery: Delivery, route: Route | None, wall: float) -> None:
        if route is not None:
            pacer = self.tools.pacer_of(route.channel)
            pacer.take(_chat(route.to), route.channel.is_group(route.to), wall)
        self._served[delivery.destination] = wall
        task = asyncio.create_task(self._attempt(delivery.alert_id))
        self._busy[delivery.destination] = task
        task.add_done_callback(lambda _: self._done(delivery.destination))

    def _done(self, destination: str) -> None:
        self._busy.pop(destination, None)
        self._wake.set()

    # --- one attempt ------------------------------------------------------------------------------------

    async def _attempt(self, alert_id: str) -> None:
        try:
            async with self.partition.lock:
                attempt = await self._intend(alert_id)
            if attempt is not None:
                self._in_flight.add(alert_id)
                await self._record(attempt, await self._send(attempt))
        except FencedError:
            self._fenced()
        except LogError as error:
            logger.error("the log takes no delivery", reason=str(error))
            await self.tools.wall.sleep(RECOMMIT)
        finally:
            self._in_flight.discard(alert_id)

    async def _intend(self, alert_id: str) -> Attempt | None:
        """Decide once more under the lock, and commit the intent; None when there is nothing to send."""
        delivery = self.book.open.get(alert_id)
        if delivery is None or delivery.alert is None or delivery.state != "pending" or self._ending:
            return None
        if delivery.destination not in self.tools.destinations.all:
            await self.tools.destinations.refresh()
        route, now = self._route(delivery), self.tools.clock.now()
        if route is None or ledger.expired(delivery, now, self.tools.policy):
            await self._commit(self._ended(delivery, now))
            return None
        parts = self._render(delivery, delivery.alert, route)
        if not parts:
            await self._commit(ledger.closed(delivery, "failed", "rendering", now))
            return None
        intent = ledger.begun(delivery, now, self.tools.wall.now(), self.tools.policy, route.channel.slack)
        await self._commit(intent)
        return Attempt(intent, delivery.alert, route, parts)

    def _ended(self, delivery: Delivery, now: float) -> Delivery:
        """What ends without a request, and why."""
        if ledger.expired(delivery, now, self.tools.policy):
            return ledger.closed(delivery, "expired", "too_old", now)
        known = delivery.destination in self.tools.destinations.all
        return ledger.closed(delivery, "suppressed", "suspended" if known else "unknown_destination", now)

    def _render(self, delivery: Delivery, alert: Alert, route: Route) -> Sequence[Part]:
        letter = Letter(
            alert=alert,
            timezone=route.to.timezone,
            language=self.tools.language,
            decided_at=delivery.history[0].at,
            repeat=ledger.has(delivery, ledger.RESEND),
            plain=ledger.has(delivery, ledger.PLAIN),
        )
        try:
            return route.channel.render(letter, route.to)
        except Exception:
            # A template that fails on one alert must hold up neither its chat nor the others.
            logger.exception("rendering failed", alert=alert.id)
            return ()

    async def _send(self, attempt: Attempt) -> Answer:
        channel, delivery = attempt.route.channel, attempt.delivery
        part = attempt.parts[min(ledger.part(delivery), len(attempt.parts)) - 1]
        to = attempt.route.to
        if ledger.has(delivery, ledger.TOPIC):
            to = msgspec.structs.replace(to, thread=None)
        until = ledger.seconds(delivery.not_after) - channel.slack
        with metrics.DELIVERY_SECONDS.labels(channel.name).time():
            answer = await channel.send(to, part, before_write=lambda: self._check(until))
        metrics.DELIVERY_REQUESTS.labels(channel.name, label(answer)).inc()
        return answer

    def _check(self, until: float) -> None:
        """The last look before the socket: a process that was stopped and woken must not send any more."""
        if self.tools.wall.now() >= until or not self.partition.owned:
            raise StaleIntentError

    async def _record(self, attempt: Attempt, answer: Answer) -> None:
        """Write down what came of it. What was sent must be known: the result waits for a log that is full."""
        verdict = attempt.route.channel.judge(answer)
        self._pace_by(attempt, verdict)
        now, wall = self.tools.clock.now(), self.tools.wall.now()
        result = ledger.concluded(attempt.delivery, verdict, len(attempt.parts), now, wall, self.tools.policy)
        learned = self._learned(attempt.route.to, verdict)
        while not await self._written(result, learned):
            await self.tools.wall.sleep(RECOMMIT)
        _observe(attempt, result, verdict, now)

    async def _written(self, result: Delivery, learned: Destination | None) -> bool:
        try:
            async with self.partition.lock:
                await self._commit(result, learned)
        except FencedError:
            raise
        except LogError as error:
            logger.error("the log takes no result", reason=str(error))
            return False
        return True

    # --- what answers teach ------------------------------------------------------------------------------

    def _pace_by(self, attempt: Attempt, verdict: Verdict) -> None:
        channel, wall = attempt.route.channel, self.tools.wall.now()
        pacer = self.tools.pacer_of(channel)
        if verdict.kind == "throttled" and verdict.retry_after is not None:
            pacer.pause_chat(_chat(attempt.route.to), wall + verdict.retry_after * (1 + MARGIN))
        elif verdict.kind in ("unreachable", "fatal"):
            # The whole channel waits, so that one delivery probes and the others make no history.
            pacer.pause_channel(wall + ledger.backoff(attempt.delivery, self.tools.policy))
        if verdict.kind == "fatal":
            logger.critical("the channel refuses us", channel=channel.name, reason=verdict.reason)

    def _learned(self, to: Destination, verdict: Verdict) -> Destination | None:
        """What the answer says about the destination: moved, suspended, one bounce."""
        if verdict.kind == "moved":
            return msgspec.structs.replace(to, address=verdict.moved_to)
        if verdict.kind == "gone" or (verdict.kind == "bounced" and to.reason == verdict.reason):
            return msgspec.structs.replace(to, state="suspended", reason=verdict.reason)
        if verdict.kind == "bounced":
            return msgspec.structs.replace(to, reason=verdict.reason)
        return None

    async def _commit(self, delivery: Delivery, learned: Destination | None = None) -> None:
        """Write, then remember: memory never runs ahead of the log. The partition's lock is held."""
        now = millis(self.tools.clock.now())
        key = catalogue.BOT + delivery.destination
        outputs = [delivery_output(delivery, now)]
        if learned is not None:
            configured = self.tools.destinations.configured(learned.alias)
            learned = msgspec.structs.replace(learned, configured=configured)
            outputs.append(
                codec.output("destinations", key, learned, now, source="deliver", partition_by=learned.alias)
            )
        await self.partition.commit(outputs)
        self.book.put(delivery)
        if learned is not None:
            self.tools.destinations.learn(key, learned)
        if delivery.state in ("suppressed", "expired"):
            _count_end(delivery, self.tools.destinations.all.get(delivery.destination))


def _observe(attempt: Attempt, result: Delivery, verdict: Verdict, now: float) -> None:
    """Count what came of an attempt."""
    channel = attempt.route.channel.name
    if result.state in ("sent", "failed"):
        metrics.DELIVERIES.labels(channel, result.state).inc()
    elif verdict.kind == "throttled":
        metrics.DELIVERIES.labels(channel, "throttled").inc()
    if result.state == "ambiguous" or ledger.resend_decided(result):
        metrics.DELIVERIES.labels(channel, "ambiguous").inc()
    if result.state == "sent":
        took = now - attempt.alert.notice.fetched_at.timestamp()
        metrics.END_TO_END.labels(channel, attempt.alert.priority).observe(max(0.0, took))


def delivery_output(delivery: Delivery, now: int) -> Output:
    return codec.output(
        "deliveries", delivery.alert_id, delivery, now, source="deliver", partition_by=delivery.destination
    )


def _count_end(delivery: Delivery, to: Destination | None) -> None:
    metrics.DELIVERIES.labels(to.channel if to is not None else "unknown", delivery.state).inc()
    if delivery.state == "suppressed":
        metrics.SUPPRESSIONS.labels(delivery.history[-1].reason).inc()


def _chat(to: Destination) -> str:
    """What a channel's limits are counted by: two aliases of one chat share them."""
    return to.address or to.alias
