"""What a poll leads to: decisions, pages, commits, figures, and the time of the next one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import msgspec
import structlog

from services.collector import items, rhythm, schedule
from services.collector.articles import rereader
from services.collector.articles.rereader import Rereader
from services.collector.decide import Decision, Reading, decide, forgettable
from services.collector.feedstate import LIAR, Look, after_look
from services.collector.known import FeedState, ItemState
from services.collector.poll import Web, look, read_pages
from services.collector.reading import dates
from services.collector.reading.entry import Document
from services.collector.share import Run, Share
from services.collector.web import manners
from services.collector.web.response import GOOD, Outcome
from tinsom import metrics
from tinsom.clock import Clock
from tinsom.messages import Source

logger = structlog.get_logger(__name__)

# A state that says nothing new (the validators of a document with nothing new) is written this often at most.
LAZY_SECONDS = 3_600.0
SWEEP_SECONDS = 86_400.0
AUDIT_SECONDS = 86_400.0


@dataclass(frozen=True)
class Poller:
    web: Web
    clock: Clock

    async def poll(self, share: Share, run: Run) -> float:
        """Poll once and put on the log what is new; returns when to poll again.

        Raises FencedError and LogFullError: then nothing of the last commit happened, in memory or on the log.
        """
        source = run.source
        audit = self._wants_audit(share.feed(source), run)
        now = self.clock.now()
        seen = await look(source, share.feed(source), self.web, now, partial(run.memo.memo, now), audit=audit)
        now = self.clock.now()
        if audit:
            run.audited_at = now
        if seen.outcome == "ok":
            after = await self._publish(share, run, seen, now)
        else:
            after = after_look(share.feed(source), source, seen, now)
        run.asked_until = now + _asked_to_wait(run, after, seen, now)
        due = _due(run, after, seen, now)
        await self._remember(share, run, after, seen.outcome, due, now)
        _count(run, seen, after, now)
        if seen.outcome in GOOD and "retry-after" not in seen.response.headers:
            await Rereader(self.web, self.clock).read_due(share, run)
        return due

    async def _publish(self, share: Share, run: Run, seen: Look, now: float) -> FeedState:
        """Commit the document in chunks. The last one carries the feed's state, so that a crash polls it again."""
        source, feed = run.source, share.feed(run.source)
        seen, reading = await self._read(share, source, seen, now)
        after = after_look(feed, source, seen, now, reading)
        forgotten = self._forgotten(share, source, after, reading, now)
        *first, last = items.chunks(reading)
        for chunk in first:
            await self._commit(share, source, seen.document, chunk, now)
        written = [after] if _is_worth_writing(reading, feed, run, now) else []
        await self._commit(share, source, seen.document, last, now, written, forgotten)
        share.memory.put(after)
        _learn(run, reading, feed, now, written=bool(written))
        _count_document(source, seen, reading)
        return after

    async def _commit(
        self,
        share: Share,
        source: Source,
        document: Document,
        chunk: Sequence[Decision],
        now: float,
        feed: Sequence[FeedState] = (),
        forgotten: Sequence[ItemState] = (),
    ) -> None:
        """One chunk with its pages, and all that follows from it, as one."""
        looks = await read_pages(chunk, source, self.web) if source.full_text else {}
        pages = rereader.read_before(share, source, chunk, looks)
        watched, ended = rereader.watch(share, source, document, chunk, looks, pages, now)
        published = items.published(chunk, source, document, pages, now)
        await share.commit(now, published, [*items.states(chunk), *watched, *feed], [*forgotten, *ended])
        _count_entries(chunk)

    async def _read(self, share: Share, source: Source, seen: Look, now: float) -> tuple[Look, Reading]:
        """What the document means; where names are ambiguous, with all of its entries read."""
        known, feed = share.memory.known(source.publisher), share.feed(source)
        reading = decide(seen.document.entries, known, feed, source, now, seen.document.unchanged)
        if not reading.ambiguous:
            return seen, reading
        seen = replace(seen, document=await self.web.document(seen.response, {}))
        return seen, decide(seen.document.entries, known, feed, source, now)

    def _wants_audit(self, feed: FeedState, run: Run) -> bool:
        """Once a day, at each source's own hour, whoever says "not modified" is asked for the whole document."""
        if not (feed.etag or feed.last_modified) or LIAR in feed.distrust:
            return False
        wait = AUDIT_SECONDS * (0.75 + 0.5 * schedule.fraction(run.source.id, "audit"))
        return self.clock.now() - max(run.audited_at, feed.document_at) > wait

    def _forgotten(
        self, share: Share, source: Source, after: FeedState, reading: Reading, now: float
    ) -> list[ItemState]:
        """Old items, once a day. What this document shows is not, however long the feed was silent before it."""
        if now - share.swept.get(source.publisher, 0.0) < SWEEP_SECONDS:
            return []
        share.swept[source.publisher] = now
        documents = {
            feed.source: feed.document_at
            for feed in (*share.memory.feeds.values(), after)
            if feed.publisher == source.publisher
        }
        shown = {decision.item.id for decision in reading.decisions if decision.item is not None}
        old = forgettable(share.memory.known(source.publisher), documents)
        return [item for item in old if item.id not in shown]

    async def _remember(
        self, share: Share, run: Run, after: FeedState, outcome: Outcome, due: float, now: float
    ) -> None:
        """Keep the feed's state; write it where a restart would do harm without it: a long silence."""
        long_wait = due - now > 2 * max(run.source.interval, schedule.SHORTEST)
        if long_wait:
            after = msgspec.structs.replace(after, next_at=due)
            await share.commit(now, states=[after])
            run.written_at, run.unwritten = now, False
        else:
            run.unwritten |= after != share.feed(run.source)
            share.memory.put(after)


def _learn(run: Run, reading: Reading, before: FeedState, now: float, *, written: bool) -> None:
    """What the next look goes by."""
    run.written_at = now if written else run.written_at
    run.unwritten = not written
    run.memo.keep(reading, now)
    if not reading.baseline:
        new = sum(d.outcome == "new" for d in reading.decisions)
        run.longest = schedule.roll_off(run.longest, new, reading.shown, now - before.document_at)


def _is_worth_writing(reading: Reading, feed: FeedState, run: Run, now: float) -> bool:
    """Validators of a document in which everything was known may wait: older ones only cost one more look."""
    news = any(decision.write for decision in reading.decisions)
    stale = now - max(run.written_at, feed.document_at if run.written_at == 0.0 else 0.0) > LAZY_SECONDS
    return news or not feed.baseline_done or stale or tuple(feed.distrust) != reading.distrust


def _due(run: Run, after: FeedState, seen: Look, now: float) -> float:
    """When to look again: by the source's rhythm, never so late that entries roll off, never sooner than asked."""
    source, interval, asked = run.source, run.source.interval, run.asked_until - now
    if seen.outcome in GOOD:
        wished = rhythm.interval(after.rhythm, interval, source.tier, now, dates.zone(source.timezone))
        interval = min(wished, run.longest)
    due = schedule.next_poll(source.id, interval, seen.outcome, after.failures, now, asked_to_wait=asked)
    return manners.outside_skipped(due, after.wishes)


def _asked_to_wait(run: Run, after: FeedState, seen: Look, now: float) -> float:
    """Seconds for which the publisher wants peace, whatever it answered; what made it fail is no good answer."""
    headers = seen.response.headers
    fresh = manners.wait(headers, after.wishes, run.source.tier, now) if seen.outcome in GOOD else 0.0
    return max(fresh, schedule.retry_after(headers.get("retry-after", ""), now))


def _count_entries(decisions: Sequence[Decision]) -> None:
    for outcome, count in Counter(d.outcome for d in decisions).items():
        metrics.ENTRIES.labels(outcome).inc(count)
        metrics.ITEMS.labels("collector", outcome).inc(count)


def _count_document(source: Source, seen: Look, reading: Reading) -> None:
    if reading.unchanged:
        metrics.ENTRIES.labels("same").inc(len(reading.unchanged))
        metrics.ITEMS.labels("collector", "same").inc(len(reading.unchanged))
    if seen.document.surplus:
        metrics.ENTRIES.labels("dropped-surplus").inc(seen.document.surplus)
    if reading.rollover:
        metrics.ROLLOVERS.labels(str(source.tier)).inc()
        logger.warning("whole document was new", source=source.id, entries=len(reading.decisions))


def _count(run: Run, seen: Look, after: FeedState, now: float) -> None:
    tier = str(run.source.tier)
    metrics.FETCHES.labels(seen.outcome, tier).inc()
    metrics.FETCH_SECONDS.labels(tier).observe(seen.response.elapsed)
    if seen.outcome in GOOD:
        metrics.SOURCE_LAST_SUCCESS.labels(run.source.id).set(now)
    if seen.outcome == "layout" and run.outcome != "layout":
        logger.warning("selectors find no entries: the page's layout changed", source=run.source.id)
    before, run.state = run.state, schedule.state_of(seen.outcome, after.failures)
    if before != run.state:
        metrics.SOURCES.labels(before, tier).dec()
        metrics.SOURCES.labels(run.state, tier).inc()
        _tell(run, seen.outcome)
    run.outcome = seen.outcome


def _tell(run: Run, outcome: Outcome) -> None:
    """Once for each change of its state, not at each poll."""
    if run.state == "ok":
        logger.info("source answers", source=run.source.id)
    else:
        logger.warning("source fails", source=run.source.id, state=run.state, outcome=outcome)
