"""The stage `deliver`: reads `alerts`, keeps `deliveries`, and runs the sender of each partition it owns."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import structlog

from services.alerter import arrival, edits, ledger
from services.alerter.backfiller import Backfiller, Wishes
from services.alerter.book import Book
from services.alerter.bot.listener import Bot, Listening
from services.alerter.channels.telegram import TelegramChannel
from services.alerter.clerk import delivery_output
from services.alerter.sender import Sender
from services.alerter.tools import Tools
from tinsom import codec, metrics
from tinsom.clock import millis
from tinsom.errors import ConfigError, DecodeError
from tinsom.log import Log, Partition, Record
from tinsom.messages import Alert, Delivery, Suppression
from tinsom.worker import Handled, Stage

logger = structlog.get_logger(__name__)

PACE_SECONDS = 65.0  # the longest window of any channel's limits


@dataclass
class DeliverStage(Stage):
    """Outcome of a record of `alerts`: what this stage did with it when it read it; results come later."""

    log: Log
    tools: Tools
    senders: dict[int, Sender] = field(default_factory=dict)
    listening: Listening | None = None  # to readers of the Telegram channel
    bots: dict[int, Bot] = field(default_factory=dict)
    wishes: Wishes | None = None  # of readers who may ask for the time before
    backfillers: dict[int, Backfiller] = field(default_factory=dict)
    name = "deliver"
    topic = "alerts"
    outcomes = ("accepted", "postponed", "duplicate", "suppressed", "suppressed-by-plan")

    async def gained(self, partition: Partition) -> None:
        """Destinations, then the fold of `deliveries`; then sending may begin."""
        if self.log.partitions_of("deliveries") != self.log.partitions_of("alerts"):
            raise ConfigError("topics alerts and deliveries must have the same number of partitions")
        await self.tools.destinations.load()
        book = await restore(self.log, partition.number, self.tools.clock.now())
        self.tools.remember_pace(book.last_requests(self.tools.clock.now() - PACE_SECONDS))
        self.senders[partition.number] = sender = Sender(partition, book, self.tools)
        sender.start()
        self._look_back(partition, sender)
        await self._listen(partition, sender)

    def _look_back(self, partition: Partition, sender: Sender) -> None:
        """A replay, which nobody reads, looks at nothing but what it replays."""
        if self.wishes is not None and not self.tools.recording:
            self.backfillers[partition.number] = backfiller = Backfiller(self.log, sender, self.wishes)
            backfiller.start()

    async def _listen(self, partition: Partition, sender: Sender) -> None:
        """Only the owner of partition 0 reads updates: two readers of one bot would fight over them."""
        channel = self.tools.channels.get("telegram")
        if partition.number == 0 and self.listening is not None and isinstance(channel, TelegramChannel):
            self.bots[0] = bot = Bot(self.log, sender.clerk, self.tools, channel, self.listening)
            await bot.start()

    async def lost(self, partition: Partition) -> None:
        if (bot := self.bots.pop(partition.number, None)) is not None:
            await bot.stop()
        if (backfiller := self.backfillers.pop(partition.number, None)) is not None:
            await backfiller.stop()
        sender = self.senders.pop(partition.number, None)
        if sender is not None:
            await sender.stop()
        self.tools.destinations.forget()

    def handle(self, partition: Partition, record: Record, now: float) -> Handled:
        message = codec.decode(record)
        if isinstance(message, Suppression):
            return Handled([], "suppressed-by-plan")
        if not isinstance(message, Alert):
            raise DecodeError("unexpected-type", type(message).__name__)
        return self._arrived(self.senders[partition.number], message, now)

    def _arrived(self, sender: Sender, alert: Alert, now: float) -> Handled:
        if sender.book.knows(alert.id):
            return Handled([], "duplicate")
        delivery = arrival.decide(alert, sender.book, self.tools.destinations.all.get(alert.destination), now)
        # What is replaced ends before what replaces it begins.
        records = [*edits.beside(delivery, alert, sender.book, now), delivery]
        for record in records:
            sender.book.put(record)
        sender.wake()
        outputs = [delivery_output(record, millis(now)) for record in records]
        if delivery.state == "suppressed":
            metrics.SUPPRESSIONS.labels(delivery.history[-1].reason).inc()
            return Handled(outputs, "suppressed")
        if delivery.lane == "digest":
            metrics.POSTPONED.labels(delivery.history[-1].reason).inc()
            return Handled(outputs, "postponed")
        return Handled(outputs, "accepted")


async def restore(log: Log, partition: int, now: float) -> Book:
    """The book as of the last stable record of `deliveries`."""
    book, count, began = Book(), 0, time.monotonic()
    newest: dict[str, Delivery] = {}
    async for record in log.read("deliveries", partition):
        if record.value is not None:
            delivery = edits.faded(codec.decode_as(record, Delivery), now)
            newest[delivery.alert_id] = delivery
            count += 1
    # Compaction keeps the newest record of each in its own place; the order of decisions is in the history.
    for delivery in sorted(newest.values(), key=lambda d: ledger.seconds(d.history[0].at)):
        book.put(delivery)
    logger.info("deliveries restored", records=count, open=len(book.open), seconds=time.monotonic() - began)
    return book
