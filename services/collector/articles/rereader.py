"""After a poll: the pages of its source that are to be looked at again, and the revisions that come of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import structlog

from services.collector import items
from services.collector.articles import rereading
from services.collector.articles.page import PageLook, PageWish
from services.collector.articles.rereading import Finding
from services.collector.decide import Decision
from services.collector.items import Pages
from services.collector.known import PageState, State
from services.collector.poll import Web
from services.collector.reading.entry import Document
from services.collector.share import Run, Share
from tinsom import metrics
from tinsom.clock import Clock, millis
from tinsom.log import Output
from tinsom.messages import Source

logger = structlog.get_logger(__name__)

_EVENTS = frozenset(("enriched", "revised", "withdrawn"))


@dataclass(frozen=True)
class Rereader:
    web: Web
    clock: Clock

    async def read_due(self, share: Share, run: Run) -> None:
        """Look at what is due, within the publisher's budget; each finding is a commit of its own.

        Raises FencedError and LogFullError, as a poll does.
        """
        known, now = share.memory.pages_of(run.source.publisher), self.clock.now()
        if not known:
            return
        ripe = rereading.due(known.values(), run.source.id, now, len(known))
        late = [page for page in ripe if not run.source.full_text or rereading.too_late(page, now)]
        if late:
            await self._end(share, late)
            ripe = [page for page in ripe if page not in late]
        room = min(rereading.AT_ONCE, share.room_for_looks(run.source.publisher, now))
        wanted = ripe[: max(0, room)]
        if not wanted:
            return
        share.count_looks(run.source.publisher, len(wanted), now)
        looks = await asyncio.gather(*(self._look(share, run.source, page) for page in wanted))
        for page, look in zip(wanted, looks, strict=True):
            await self._conclude(share, run.source, page, look)

    async def _look(self, share: Share, source: Source, page: PageState) -> PageLook:
        wanted = rereading.wants_attachments(page, source.tier)
        wish = PageWish(source.page, attachments=wanted, files=tuple(page.files))
        return await self.web.page(rereading.item_in(page).url, wish)

    async def _conclude(self, share: Share, source: Source, page: PageState, look: PageLook) -> None:
        """One commit: the revision, if it is one, the item's state with it, and what remains to be looked at."""
        now = self.clock.now()
        known = share.memory.known(page.publisher).get(page.item)
        found = rereading.judge(page, look, source.tier, now) if known is not None else Finding("given_up")
        published: list[Output] = []
        pages = [] if found.state is None else [found.state]
        states: list[State] = [*pages]
        if known is not None and found.outcome in _EVENTS:
            item = items.revision_of(page, known, found, source, now)
            published = [items.output_of(item, millis(now))]
            states = [items.revised_state(known, item, found), *(rereading.repacked(one, item) for one in pages)]
        ended = [] if pages else [page]
        await share.commit(now, published, states, ended)
        _count(page, found)

    async def _end(self, share: Share, late: list[PageState]) -> None:
        await share.commit(self.clock.now(), gone=late)
        metrics.REREADS.labels("too_late").inc(len(late))


def _count(page: PageState, found: Finding) -> None:
    metrics.REREADS.labels(found.outcome).inc()
    if found.outcome in _EVENTS:
        metrics.ITEMS.labels("collector", found.outcome).inc()
        logger.info("page", item=page.item, source=page.source, outcome=found.outcome)


def watch(
    share: Share,
    source: Source,
    document: Document,
    chunk: Iterable[Decision],
    looks: Mapping[int, PageLook],
    pages: Pages,
    now: float,
) -> tuple[list[PageState], list[PageState]]:
    """The pages of a chunk that are to be looked at again, and those that are not any more."""
    known = share.memory.pages_of(source.publisher)
    watched: list[PageState] = []
    ended: list[PageState] = []
    for decision in chunk:
        seen = looks.get(decision.entry.position)
        if seen is None or decision.item is None:
            continue
        before = known.get(decision.item.id)
        item = items.item_of(decision, source, document, pages.get(decision.entry.position), now)
        page = rereading.watched(item, seen, source, now, before, decision.entry)
        if page is not None and before is None and len(known) + len(watched) >= rereading.MOST:
            metrics.REREADS.labels("left_out").inc()
        elif page is not None:
            watched.append(page)
        elif before is not None:
            ended.append(before)
    return watched, ended


def read_before(share: Share, source: Source, chunk: Iterable[Decision], looks: Mapping[int, PageLook]) -> Pages:
    """The pages that came, and where one of an edited item did not, what it said before: no text is no edit."""
    pages = {position: seen.page for position, seen in looks.items() if seen.page is not None}
    known = share.memory.pages_of(source.publisher)
    for decision in chunk:
        before = known.get(decision.item.id) if decision.item is not None else None
        if before is not None and before.came and decision.entry.position in looks:
            pages.setdefault(decision.entry.position, rereading.page_in(before))
    return pages
