"""The one sender of a partition: commits an intent, sends, commits the result; several in flight.

What it decides is decided in `ledger`, `lanes`, `digests`, `pacing` and `responses`. The partition's lock is
held for deciding and committing, never during a request.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field

import msgspec
import structlog

from services.alerter import digests, edits, gauges, lanes, ledger, sweeper
from services.alerter.book import Book
from services.alerter.channels import Part, StaleIntentError
from services.alerter.clerk import Clerk
from services.alerter.pacing import MARGIN
from services.alerter.rendering import Digest, Letter
from services.alerter.responses import Answer, Verdict, label
from services.alerter.tools import Route, Tools
from tinsom import metrics
from tinsom.errors import FencedError, LogError
from tinsom.follower import pause
from tinsom.log import Partition
from tinsom.messages import Alert, Delivery, Destination

logger = structlog.get_logger(__name__)

IN_FLIGHT = 8
GRACE = 10.0  # seconds for what is in flight when the partition goes or the process ends
IDLE = 5.0  # the longest sleep between two looks at what is due
SHOWN = 5  # ids in a log line
RECOMMIT = 0.5  # seconds between attempts to write down a result that the log did not take


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request, decided and committed."""

    delivery: Delivery
    route: Route
    parts: Sequence[Part]
    alert: Alert | None


@dataclass
class Sender:
    partition: Partition
    book: Book
    tools: Tools
    clerk: Clerk = field(init=False)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _busy: dict[str, asyncio.Task[None]] = field(default_factory=dict)  # by destination: order in a chat is kept
    _served: dict[str, float] = field(default_factory=dict)  # destination → when last
    _in_flight: set[str] = field(default_factory=set)  # alert ids between intent and result
    _sweeper: sweeper.Sweeper = field(default_factory=sweeper.Sweeper)
    _looked: float = 0.0
    _ending: bool = False
    _loop: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self.clerk = Clerk(self.partition, self.book, self.tools)

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
        self.tools.health.done("sender")

    async def _run(self) -> None:
        while not self._ending:
            self._wake.clear()
            self.tools.health.progress("sender")
            await pause(self._wake, self.tools.wall, await self._round())

    async def _round(self) -> float:
        """One look at everything; seconds until the next."""
        try:
            await self._look()
            return self._start_due()
        except FencedError:
            self._fenced()
        except LogError as error:
            logger.error("the log takes nothing", reason=str(error))
        except Exception:
            # A sender that is dead and silent is the worst that can happen to an alert.
            logger.exception("the sender stumbled")
            metrics.RETRIES.labels("deliver").inc()
        return IDLE

    async def _look(self) -> None:
        """What needs no more than a look now and then."""
        wall = self.tools.wall.now()
        if 0 <= wall - self._looked < IDLE:
            return
        self._looked = wall
        self._sweep()
        await self.clerk.settle_overdue(self._in_flight)
        if not self.tools.destinations.paused:
            await self.clerk.freeze_digests()

    def _sweep(self) -> None:
        """Say what stayed behind, and why: once each in the log, all of it as a gauge."""
        table = self.tools.destinations
        found = sweeper.sweep(
            self.book,
            self.tools.clock.now(),
            self.tools.policy.behind_after,
            paused=table.paused,
            routed=lambda alias: self.tools.route(alias) is not None,
        )
        gauges.show(self.book, table.all, found)
        if new := self._sweeper.news(found):
            reasons = dict(Counter(finding.reason for finding in new))
            first = [finding.delivery.alert_id for finding in new[:SHOWN]]
            logger.warning("not sent for five minutes", alerts=len(new), reasons=reasons, first=first)

    def _fenced(self) -> None:
        """Another process sends now; what is in flight ends, its results cannot be written and need not be."""
        if not self._ending:
            metrics.FENCED.labels("deliver").inc()
            logger.info("fenced", stage="deliver", partition=self.partition.number)
        self._ending = True

    # --- what is due ------------------------------------------------------------------------------------

    def _start_due(self) -> float:
        """Start what may be sent now; seconds until something else may be."""
        wall, due_in = self.tools.wall.now(), IDLE
        if self.tools.destinations.paused:
            return due_in
        for delivery in sorted(self.book.heads(), key=self._turn):
            if len(self._busy) >= IN_FLIGHT:
                break
            if delivery.destination not in self._busy:
                due_in = min(due_in, self._start(delivery, wall))
        return due_in

    def _turn(self, delivery: Delivery) -> tuple[int, float]:
        """Urgent first, edits last, then whoever was served longest ago: a flood must not starve the others."""
        return (
            0 if _is_urgent(delivery) else 2 if delivery.edits else 1,
            self._served.get(delivery.destination, 0.0),
        )

    def _start(self, delivery: Delivery, wall: float) -> float:
        """Begin what this delivery needs now; else the seconds until it may be sent."""
        alias, now = delivery.destination, self.tools.clock.now()
        route = self.tools.route(alias)
        if self.tools.dead_end(alias):
            self._spawn(alias, self.clerk.end_line(alias))
        elif route is None:
            return IDLE  # a channel without settings here: it waits, and shows among what is overdue
        elif lanes.at_sending(
            delivery, route.to, now, self.tools.policy.late_after
        ) is not None and not self._expired(delivery, now):
            self._spawn(alias, self.clerk.postpone(alias))
        elif delivery.digest and lanes.is_quiet(route.to, now):
            return IDLE
        else:
            return self._start_paced(delivery, route, wall)
        return IDLE

    def _start_paced(self, delivery: Delivery, route: Route, wall: float) -> float:
        pacer = self.tools.pacer_of(route.channel)
        free = pacer.free_at(route.chat, route.is_group, wall, _is_urgent(delivery))
        wait = max(free, ledger.seconds(delivery.not_before)) - wall
        wait = max(wait, self.book.originals.due(delivery) - self.tools.clock.now())
        if wait > 0 and not self._expired(delivery, self.tools.clock.now()):
            return wait
        pacer.take(route.chat, route.is_group, wall)
        self._served[delivery.destination] = wall
        pacer.begin(route.chat)
        self._spawn(delivery.destination, self._attempt(delivery.alert_id))
        self._busy[delivery.destination].add_done_callback(lambda _: pacer.end(route.chat))
        return IDLE

    def _expired(self, delivery: Delivery, now: float) -> bool:
        return ledger.expired(delivery, now, self.tools.policy)

    def _spawn(self, alias: str, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(self._guarded(work))
        self._busy[alias] = task
        task.add_done_callback(lambda _: self._done(alias))

    def _done(self, alias: str) -> None:
        self._busy.pop(alias, None)
        self._wake.set()

    async def _guarded(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except FencedError:
            self._fenced()
        except LogError as error:
            logger.error("the log takes no delivery", reason=str(error))
            await self.tools.wall.sleep(RECOMMIT)
        except Exception:
            # An intent without a result is settled as any other: in doubt, when it is overdue.
            logger.exception("an attempt stumbled")
            await self.tools.wall.sleep(IDLE)

    # --- one attempt ------------------------------------------------------------------------------------

    async def _attempt(self, alert_id: str) -> None:
        try:
            async with self.partition.lock:
                attempt = await self._intend(alert_id)
            if attempt is not None:
                await self._record(attempt, await self._send(attempt))
        finally:
            self._in_flight.discard(alert_id)

    async def _intend(self, alert_id: str) -> Attempt | None:
        """Decide once more under the lock, and commit the intent; None when there is nothing to send."""
        delivery = self.book.open.get(alert_id)
        if delivery is None or delivery.state != "pending" or delivery.lane != "now" or self._ending:
            return None
        route, now = self.tools.route(delivery.destination), self.tools.clock.now()
        if route is None:
            return None
        if self._expired(delivery, now):
            await self.clerk.write([ledger.closed(delivery, "expired", "too_old", now)])
            return None
        why_not = edits.obstacle(delivery, self.book, now) if delivery.edits else None
        parts = self._render(delivery, route) if why_not is None else ()
        if not parts:
            await self.clerk.conclude(_unsaid(delivery, why_not, now))
            return None
        intent = ledger.begun(delivery, now, self.tools.wall.now(), self.tools.policy, route.channel.slack)
        await self.clerk.write([intent])
        self._in_flight.add(alert_id)
        return Attempt(intent, route, parts, delivery.alert)

    def _render(self, delivery: Delivery, route: Route) -> Sequence[Part]:
        """A template that fails on one alert must hold up neither its chat nor the others."""
        try:
            if delivery.digest:
                return route.channel.render_digest(self._digest(delivery, route.to), route.to)
            if delivery.alert is not None:
                return route.channel.render(self._letter(delivery, delivery.alert, route.to), route.to)
        except Exception:
            logger.exception("rendering failed", alert=delivery.alert_id)
        return ()

    def _letter(self, delivery: Delivery, alert: Alert, to: Destination) -> Letter:
        stories = (alert.story, *alert.merged)
        told = next(filter(None, (self.book.messages(to.alias, story) for story in stories)), ())
        follows = bool(told) and not delivery.message_ids and not ledger.has(delivery, ledger.ORIGINAL)
        original = self.book.originals.original(delivery.edits)
        if original is not None:
            # The buttons under it still speak of the alert that it was.
            alert, follows = msgspec.structs.replace(alert, id=original.alert_id), False
        return Letter(
            alert=alert,
            timezone=to.timezone,
            language=self.tools.language,
            decided_at=delivery.history[0].at,
            repeat=ledger.has(delivery, ledger.RESEND),
            plain=ledger.has(delivery, ledger.PLAIN),
            reply_to=told[0] if follows else "",
            edits=original.message_id if original is not None else "",
            thread=next((story for story in stories if self.book.told(to.alias, story)), alert.story),
        )

    def _digest(self, delivery: Delivery, to: Destination) -> Digest:
        return Digest(
            id=delivery.alert_id,
            destination=to.alias,
            entries=digests.entries(delivery, self.book),
            timezone=to.timezone,
            language=self.tools.language,
            decided_at=delivery.history[0].at,
            plain=ledger.has(delivery, ledger.PLAIN),
            backfill=bool(delivery.backfills),
        )

    async def _send(self, attempt: Attempt) -> Answer:
        channel, delivery, to = attempt.route.channel, attempt.delivery, attempt.route.to
        part = attempt.parts[min(ledger.part(delivery), len(attempt.parts)) - 1]
        if ledger.has(delivery, ledger.TOPIC):
            to = msgspec.structs.replace(to, thread=None)
        until = ledger.seconds(delivery.not_after)
        with metrics.DELIVERY_SECONDS.labels(channel.name).time():
            answer = await channel.send(to, part, before_write=lambda: self._check(until, attempt.route))
        metrics.DELIVERY_REQUESTS.labels(channel.name, label(answer)).inc()
        return answer

    def _check(self, until: float, route: Route) -> None:
        """The last look before the socket: a process that was stopped and woken must not send any more."""
        if self.tools.wall.now() >= until or not self.partition.owned:
            raise StaleIntentError
        self.tools.pacer_of(route.channel).written(route.chat, route.is_group, self.tools.wall.now())

    async def _record(self, attempt: Attempt, answer: Answer) -> None:
        """Write down what came of it. What was sent must be known: the result waits for a log that is full."""
        verdict = attempt.route.channel.judge(answer)
        self._pace_by(attempt, verdict)
        now, wall = self.tools.clock.now(), self.tools.wall.now()
        result = ledger.concluded(attempt.delivery, verdict, len(attempt.parts), now, wall, self.tools.policy)
        result = edits.kept(result, attempt.alert, attempt.route.to, len(attempt.parts))
        while not await self._written(result, verdict, attempt.route.to):
            await self.tools.wall.sleep(RECOMMIT)
        _observe(attempt, result, verdict, now)
        if verdict.kind == "throttled" and (verdict.retry_after or 0.0) > lanes.LONG_PAUSE:
            logger.error("a chat must wait long, its alerts go to a digest", seconds=verdict.retry_after)
            await self.clerk.postpone(attempt.delivery.destination, "throttled")

    async def _written(self, result: Delivery, verdict: Verdict, to: Destination) -> bool:
        try:
            async with self.partition.lock:
                await self.clerk.conclude(result, self._learned(verdict, to))
        except FencedError:
            raise
        except LogError as error:
            logger.error("the log takes no result", reason=str(error))
            return False
        return True

    def _learned(self, verdict: Verdict, to: Destination) -> Destination | None:
        """What an answer says of `to` as it is by now: meanwhile its reader may have left or chosen anew."""
        now = self.tools.destinations.all.get(to.alias)
        return learned_from(verdict, now) if now is not None and now.address == to.address else None

    def _pace_by(self, attempt: Attempt, verdict: Verdict) -> None:
        channel, wall = attempt.route.channel, self.tools.wall.now()
        pacer = self.tools.pacer_of(channel)
        if verdict.kind == "throttled" and verdict.retry_after is not None:
            pacer.pause_chat(attempt.route.chat, wall + verdict.retry_after * (1 + MARGIN))
        elif verdict.kind in ("unreachable", "fatal"):
            # The whole channel waits, so that one delivery probes and the others make no history.
            pacer.pause_channel(wall + ledger.backoff(attempt.delivery, self.tools.policy))
        if verdict.kind == "fatal":
            logger.critical("the channel refuses us", channel=channel.name, reason=verdict.reason)


def _is_urgent(delivery: Delivery) -> bool:
    return delivery.alert is not None and delivery.alert.priority == "urgent" and not delivery.edits


def _unsaid(delivery: Delivery, why_not: edits.Obstacle | None, now: float) -> Delivery:
    """The end of what has no words: an edit that is not to be made, or a template that failed."""
    if delivery.edits:
        return ledger.closed(delivery, "suppressed", why_not or "not_editable", now)
    return ledger.closed(delivery, "failed", "rendering", now)


def learned_from(verdict: Verdict, to: Destination) -> Destination | None:
    """What an answer says about a destination: moved, suspended, one bounce, well again."""
    if verdict.kind == "moved":
        return msgspec.structs.replace(to, address=verdict.moved_to)
    if verdict.kind == "gone" or (verdict.kind == "bounced" and to.reason == verdict.reason):
        return msgspec.structs.replace(to, state="suspended", reason=verdict.reason)
    if to.state == "suspended":
        return None  # while the request was under way: why it ended holds
    if verdict.kind == "bounced":
        return msgspec.structs.replace(to, reason=verdict.reason)
    if verdict.kind == "delivered" and to.reason:
        return msgspec.structs.replace(to, reason="")
    return None


def _observe(attempt: Attempt, result: Delivery, verdict: Verdict, now: float) -> None:
    """Count what came of an attempt."""
    channel = attempt.route.channel.name
    if result.state in ("sent", "failed"):
        metrics.DELIVERIES.labels(channel, "edited" if _is_edited(result) else result.state).inc()
    elif verdict.kind == "throttled":
        metrics.DELIVERIES.labels(channel, "throttled").inc()
    if result.state == "ambiguous" or ledger.resend_decided(result):
        metrics.DELIVERIES.labels(channel, "ambiguous").inc()
    if result.state == "sent" and attempt.alert is not None and not result.edits:
        took = now - attempt.alert.notice.fetched_at.timestamp()
        metrics.END_TO_END.labels(channel, attempt.alert.priority).observe(max(0.0, took))


def _is_edited(result: Delivery) -> bool:
    return bool(result.edits) and result.state == "sent"
