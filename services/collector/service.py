"""The collector: owns partitions of `sources`, polls what is due in them, puts items on the log.

Where it ends: what an entry means is decided in `decide`, what a response means in `response`, when to poll
in `schedule`, what a poll leads to in `polling`; here is who polls what, and what happens when it goes wrong.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any, get_args

import structlog

from services.collector import schedule, state
from services.collector.agenda import Agenda
from services.collector.articles.pool import Pool
from services.collector.articles.rereading import OUTCOMES as REREAD_OUTCOMES
from services.collector.decide import OUTCOMES as ENTRY_OUTCOMES
from services.collector.poll import LiveWeb, Web
from services.collector.polling import Poller
from services.collector.share import Run, Share
from services.collector.state import PartitionState
from services.collector.web import manners
from services.collector.web.fetch import Fetcher
from services.collector.web.gate import Gate
from services.collector.web.trust import VERIFY, Trust, exception_of
from tinsom import codec, metrics
from tinsom.errors import DecodeError, FencedError, LogFullError
from tinsom.log import Partition, Table
from tinsom.messages import AttachmentOutcome, Source
from tinsom.service import Context

logger = structlog.get_logger(__name__)

STAGE = "collector"
TIERS = ("1", "2", "3")
REFRESH_SECONDS = 2.0  # how soon `tinsom apply` takes effect
HEARTBEAT_SECONDS = 5.0
LOST_PATIENCE, STOP_PATIENCE = 2.0, 5.0
PAUSE_AFTER_ERROR = 60.0


async def run(context: Context) -> None:
    """Collect until `context.stop` is set."""
    settings = context.config.collector
    fetcher = Fetcher(
        contact=settings.contact,
        timeout=settings.timeout,
        concurrency=settings.concurrency,
        allow_private=settings.allow_private,
    )
    pool = Pool()
    try:
        async with fetcher:
            await Collector(context, LiveWeb(fetcher, pool, Gate(fetcher)), fetcher.trust).run()
    finally:
        pool.close()


class Collector:
    """All partitions of this process. One loop starts polls; each poll is a task of its partition's share."""

    def __init__(self, context: Context, web: Web, trust: Trust | None = None) -> None:
        self._context, self._log, self._clock = context, context.log, context.clock
        self._room = context.config.collector.concurrency
        self._poller = Poller(web, context.clock)
        self._trust = trust or Trust()
        self._agenda = Agenda()
        self._shares: dict[int, Share] = {}
        self._share_of: dict[str, Share] = {}  # source → share
        self._sources = Sources(Table(self._log.tail(["sources"])))
        self._wake = asyncio.Event()
        self._failure: BaseException | None = None

    async def run(self) -> None:
        self._context.health.expect(STAGE)
        for outcome in ENTRY_OUTCOMES:
            metrics.ENTRIES.labels(outcome)
        for tier in TIERS:
            metrics.ROLLOVERS.labels(tier)
            metrics.FETCHES.labels("layout", tier)
        metrics.PAGES.labels("layout")
        for outcome in REREAD_OUTCOMES:
            metrics.REREADS.labels(outcome)
        for outcome in get_args(AttachmentOutcome):
            metrics.ATTACHMENTS.labels(outcome)
        follower = asyncio.create_task(self._follow_sources())
        try:
            async with self._log.own(STAGE, ["sources"], gained=self._gained, lost=self._lost, queue=False):
                self._context.health.ready(STAGE)
                await self._loop()
                await asyncio.gather(*(self._leave(share, STOP_PATIENCE) for share in self._shares.values()))
        finally:
            follower.cancel()
            await asyncio.gather(follower, return_exceptions=True)
            await self._sources.close()
            self._context.health.done(STAGE)

    # --- the loop ---------------------------------------------------------------------------------------

    async def _loop(self) -> None:
        stopping = asyncio.create_task(self._context.stop.wait())
        try:
            while not self._context.stop.is_set():
                if self._failure is not None:
                    raise self._failure
                self._context.health.progress(STAGE)
                self._wake.clear()
                self._start_due()
                await self._rest(stopping)
        finally:
            stopping.cancel()

    def _start_due(self) -> None:
        """Start what is due, as far as there is room; a poll that ends makes room and wakes the loop."""
        while self._room > 0:
            source = self._agenda.start(self._clock.now())
            if source is None:
                return
            share = self._share_of.get(source)
            if share is None or share.closing:
                continue
            self._room -= 1
            self._spawn(share, self._poll(share, share.runs[source]))

    async def _rest(self, stopping: asyncio.Task[Any]) -> None:
        """Until the next source is due, something ends, or a heartbeat's time passed."""
        waits: list[asyncio.Task[Any]] = [asyncio.create_task(self._wake.wait())]
        due = self._agenda.next_due()
        if due is not None and self._room > 0:
            waits.append(asyncio.create_task(self._clock.sleep(due - self._clock.now())))
        try:
            await asyncio.wait([*waits, stopping], timeout=HEARTBEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    def _spawn(self, share: Share, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        share.tasks.add(task)
        task.add_done_callback(share.tasks.discard)

    async def _poll(self, share: Share, run: Run) -> None:
        """One poll with its place in the agenda; whatever happens, the publisher is free again afterwards."""
        source, due = run.source, self._clock.now() + PAUSE_AFTER_ERROR
        try:
            due = await self._poller.poll(share, run)
        except FencedError:
            metrics.FENCED.labels(STAGE).inc()
            share.closing = True
        except LogFullError as error:
            logger.error("the log is full, nothing was written", source=source.id, reason=str(error))
        except Exception:
            metrics.FETCHES.labels("error", str(source.tier)).inc()
            logger.exception("poll failed", source=source.id)
        finally:
            self._room += 1
            if share.runs.get(source.id) is run and not share.closing:
                self._agenda.put_unless_sooner(source.id, source.publisher, due)
            self._agenda.finish(source.id, source.publisher)
            self._wake.set()

    # --- partitions -------------------------------------------------------------------------------------

    async def _gained(self, partition: Partition) -> None:
        """Restore, then poll; whatever fails here ends the service, since nobody else would poll these."""
        memory = PartitionState()
        try:
            with metrics.RESTORE_SECONDS.labels(STAGE).time():
                async for record in self._log.read(state.TOPIC, partition.number):
                    memory.apply(record)
                await self._sources.refresh()
        except Exception as error:
            self._failure = error
            self._wake.set()
            raise
        if memory.unreadable:
            logger.error("unreadable state", partition=partition.number, records=memory.unreadable)
        share = self._shares[partition.number] = Share(partition, memory)
        metrics.OWNED_PARTITIONS.labels(STAGE).inc()
        self._sync(share)

    async def _lost(self, partition: Partition) -> None:
        share = self._shares.pop(partition.number, None)
        if share is None:
            return
        await self._leave(share, LOST_PATIENCE)
        for source in list(share.runs):
            self._drop(share, source)
        metrics.OWNED_PARTITIONS.labels(STAGE).dec()

    async def _leave(self, share: Share, patience: float) -> None:
        """End the polls; then whoever comes next learns what no poll has written. Without it he asks once more."""
        await share.close(patience)
        try:
            async with asyncio.timeout(patience):
                await self._write_last(share)
        except Exception as error:
            logger.info("last states were not written", partition=share.partition.number, reason=repr(error)[:100])

    async def _write_last(self, share: Share) -> None:
        now = self._clock.now()
        async with share.partition.lock:  # a commit that outlived its poll brings newer states than memory holds
            feeds = share.unwritten(now)
        await share.commit(now, states=feeds)
        for run in share.runs.values():
            run.unwritten = False

    # --- sources ----------------------------------------------------------------------------------------

    async def _follow_sources(self) -> None:
        """`tinsom apply` takes effect without a restart."""
        try:
            while True:
                await asyncio.sleep(REFRESH_SECONDS)
                if await self._sources.refresh():
                    for share in list(self._shares.values()):
                        self._sync(share)
        except Exception as error:
            self._failure = error
            self._wake.set()

    def _sync(self, share: Share) -> None:
        """Make the share's sources those of the table. Nothing is believed before the table is whole."""
        if not self._sources.complete or share.closing:
            return
        listed = {source.id: source for source in self._sources.of(share.partition.number)}
        wanted = {id_: source for id_, source in listed.items() if source.enabled}
        for gone in [source for source in share.runs if source not in wanted]:
            self._drop(share, gone)
        for source in wanted.values():
            self._take(share, source, len(wanted))
        if share.memory.feeds.keys() - listed.keys():
            self._spawn(share, self._forget_removed(share, set(listed)))
        self._wake.set()

    def _take(self, share: Share, source: Source, count: int) -> None:
        run = share.runs.get(source.id)
        if run is not None and run.source == source:
            return
        if run is not None:
            self._drop(share, source.id)
        share.runs[source.id] = Run(source, audited_at=self._clock.now())
        self._share_of[source.id] = share
        self._trust.put(source)
        if exception_of(source) != VERIFY:
            logger.warning("tls exception", source=source.id, kind=exception_of(source))
        metrics.SOURCES.labels("new", str(source.tier)).inc()
        feed, now = share.feed(source), self._clock.now()
        planned = feed.next_at if feed.url in ("", source.url) else 0.0
        due = schedule.first_poll(source.id, now, source.interval, count, planned)
        due = manners.outside_skipped(due, feed.wishes)
        self._agenda.put(source.id, source.publisher, due)

    def _drop(self, share: Share, source: str) -> None:
        run = share.runs.pop(source)
        self._share_of.pop(source, None)
        self._agenda.remove(source)
        self._trust.remove(run.source)
        metrics.SOURCES.labels(run.state, str(run.source.tier)).dec()

    async def _forget_removed(self, share: Share, listed: set[str]) -> None:
        """A removed source leaves its items behind; added again, it begins with a baseline."""
        feeds = [feed for feed in share.memory.feeds.values() if feed.source not in listed]
        try:
            await share.commit(self._clock.now(), gone=[*feeds, *share.memory.pages_without(listed)])
        except (FencedError, LogFullError) as error:
            logger.info("a removed source is kept for now", partition=share.partition.number, reason=str(error))


class Sources:
    """The table of sources, read by several tasks of this process."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._reading = asyncio.Lock()

    @property
    def complete(self) -> bool:
        return self._table.complete

    async def refresh(self) -> bool:
        async with self._reading:
            return await self._table.refresh()

    async def close(self) -> None:
        await self._table.tail.close()

    def of(self, partition: int) -> Iterator[Source]:
        """The sources of one partition; one that cannot be read is reported and left out."""
        for record in self._table.records.values():
            if record.partition != partition:
                continue
            try:
                yield codec.decode_as(record, Source)
            except DecodeError as error:
                logger.error("unreadable source", partition=partition, offset=record.offset, reason=error.reason)
