"""Writes the ledger: every change is committed, then remembered, under the partition's lock.

What is decided here is decided in `ledger`, `lanes` and `digests`; this is where it meets the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import structlog

from services.alerter import catalogue, digests, lanes, ledger, notices
from services.alerter.book import Book
from services.alerter.tools import Tools
from tinsom import codec, metrics
from tinsom.clock import millis
from tinsom.log import Output, Partition
from tinsom.messages import Delivery, Destination

logger = structlog.get_logger(__name__)

CHUNK = 200  # deliveries in one transaction


@dataclass
class Clerk:
    partition: Partition
    book: Book
    tools: Tools

    async def write(
        self, deliveries: Sequence[Delivery], learned: Destination | None = None, more: Sequence[Output] = ()
    ) -> None:
        """One transaction; the partition's lock is held. Raises FencedError, LogError: nothing was written."""
        if not (deliveries or learned or more):
            return
        now = millis(self.tools.clock.now())
        outputs = [*(delivery_output(d, now) for d in deliveries), *more]
        key = ""
        if learned is not None:
            key = catalogue.BOT + learned.alias
            configured = self.tools.destinations.configured(learned.alias)
            learned = msgspec.structs.replace(learned, configured=configured)
            outputs.append(_destination_output(key, learned, now))
        await self.partition.commit(outputs)
        for delivery in deliveries:
            self.book.put(delivery)
            self._count(delivery)
        if learned is not None:
            self.tools.destinations.learn(key, learned)

    async def conclude(self, result: Delivery, learned: Destination | None = None) -> None:
        """The result of an attempt, with everything that follows from it."""
        now = self.tools.clock.now()
        to = self.tools.destinations.all.get(result.destination)
        after = [digests.timed(result, to, now), *digests.consequences(result, self.book, to, now)]
        if learned is not None and learned.state == "suspended":
            after += self._told_to_owner(learned, now)
        await self.write(after, learned)

    def _told_to_owner(self, suspended: Destination, now: float) -> list[Delivery]:
        """One word to whoever looks after a destination that takes nothing any more."""
        alert = notices.suspended(suspended, now, self.tools.language)
        if alert is None or self.book.knows(alert.id):
            logger.error(
                "destination suspended, and nobody to tell", alias=suspended.alias, reason=suspended.reason
            )
            return []
        return [ledger.accepted(alert, now)]

    # --- called by the loop, each takes the lock itself ------------------------------------------------------

    async def settle_overdue(self, in_flight: set[str]) -> None:
        """Intents of a former owner that can no longer reach a socket are in doubt."""
        if self.book.count("sending") == len(in_flight):
            return
        wall, policy = self.tools.wall.now(), self.tools.policy
        for delivery in self.book.in_state("sending"):
            if delivery.alert_id not in in_flight and ledger.overdue(delivery, wall, policy):
                async with self.partition.lock:
                    await self.conclude(ledger.doubted(delivery, "owner_lost", self.tools.clock.now(), policy))

    async def freeze_digests(self) -> None:
        """Make the digests that are due; what waits for one that can never come ends here."""
        now = self.tools.clock.now()
        for alias in self.book.ripe(now):
            async with self.partition.lock:
                to = self.tools.destinations.all.get(alias)
                if to is None or self.tools.dead_end(alias):
                    await self.write(self._ended(self.book.waiting(alias), now))
                elif not lanes.is_quiet(to, now):
                    digest = digests.frozen(alias, self.book, now)
                    await self.write([digest] if digest is not None else [])

    async def end_line(self, alias: str) -> None:
        """Whatever was to be sent to a destination that takes nothing ends, with the reason."""
        async with self.partition.lock:
            if alias not in self.tools.destinations.all:
                await self.tools.destinations.refresh()
            if self.tools.dead_end(alias):
                await self.write(self._ended(self.book.line(alias), self.tools.clock.now()))

    def _ended(self, deliveries: Sequence[Delivery], now: float) -> list[Delivery]:
        return [
            ledger.closed(delivery, "suppressed", self.tools.dead_end(delivery.destination), now)
            for delivery in deliveries[:CHUNK]
        ]

    async def postpone(self, alias: str, because: lanes.Reason | None = None) -> None:
        """Move to the digest what is not to be sent now: all of the line, or what `lanes` says."""
        async with self.partition.lock:
            now, to = self.tools.clock.now(), self.tools.destinations.all.get(alias)
            if to is None:
                return
            moved = []
            for delivery in self.book.line(alias):
                reason = because or lanes.at_sending(delivery, to, now, self.tools.policy.late_after)
                if reason is not None and not (delivery.digest or delivery.edits or delivery.message_ids):
                    moved.append(lanes.postponed(delivery, reason, to, now))
            for delivery in moved[:CHUNK]:
                metrics.POSTPONED.labels(delivery.history[-1].reason).inc()
            await self.write(moved[:CHUNK])

    def _count(self, delivery: Delivery) -> None:
        """Ends that no request brought about; those of requests are counted with their answers."""
        if delivery.state not in ("suppressed", "expired", "digested"):
            return
        to = self.tools.destinations.all.get(delivery.destination)
        metrics.DELIVERIES.labels(to.channel if to is not None else "unknown", delivery.state).inc()
        if delivery.state == "suppressed":
            metrics.SUPPRESSIONS.labels(delivery.history[-1].reason).inc()


def delivery_output(delivery: Delivery, now: int) -> Output:
    return codec.output(
        "deliveries", delivery.alert_id, delivery, now, source="deliver", partition_by=delivery.destination
    )


def _destination_output(key: str, learned: Destination, now: int) -> Output:
    return codec.output("destinations", key, learned, now, source="deliver", partition_by=learned.alias)
