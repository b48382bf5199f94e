"""Decisions → the items that are published, and what is remembered of them. Same input, same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from services.collector import identity
from services.collector.articles import rereading
from services.collector.articles.attachments import with_attached
from services.collector.articles.comparing import retitled
from services.collector.articles.page import Page, joined
from services.collector.articles.rereading import Finding
from services.collector.decide import PUBLISHED, Decision, Reading
from services.collector.known import ItemState, PageState
from services.collector.reading import dates
from services.collector.reading.dates import Dated
from services.collector.reading.entry import Document, Entry
from tinsom import codec
from tinsom.clock import millis
from tinsom.log import Output
from tinsom.messages import Item, Source
from tinsom.topics import TOPICS

TOPIC = "items"
CHUNK = 25  # entries per commit: the first are on the log while the pages of the last are still read

Pages = Mapping[int, Page]
"""Position of an entry in its document → its page."""


def item_of(decision: Decision, source: Source, document: Document, page: Page | None, now: float) -> Item:
    """The item that `decision` publishes, as fetched at `now`."""
    entry, known = decision.entry, decision.item
    assert known is not None
    dated = decision.dated
    if dated.at is None and page and page.published:
        dated = dates.read(page.published, now=now, timezone=source.timezone, month_first=source.month_first)
    text = page.text if page and page.text else joined(entry.lede, entry.text) if entry.text else ""
    attached = page.attached if page else ()
    return Item(
        id=known.id,
        publisher=source.publisher,
        source=source.id,
        url=identity.tidy(entry.link) or document.link or source.url,
        title=_title(entry, page),
        fetched_at=datetime.fromtimestamp(now, UTC),
        revision=known.revision,
        change="revised" if decision.outcome == "changed" else "new",
        baseline=decision.outcome == "baseline",
        source_name=source.name,
        tier=source.tier,
        lede=entry.lede or (page.description if page else ""),
        text=with_attached(text, attached),
        author=entry.author or (page.author if page else ""),
        language=(page.language if page else "") or document.language,
        published_at=dated.at,
        published_raw=dated.raw,
        date_quality=dated.quality,
        changed=list(decision.fields),
        attachments=[one.attachment for one in attached],
    )


def _title(entry: Entry, page: Page | None) -> str:
    if page is not None and page.title and (entry.guessed or not entry.title):
        return page.title
    return entry.title


def revision_of(page: PageState, known: ItemState, found: Finding, source: Source, now: float) -> Item:
    """The item again, after another look at its page, as `found`."""
    before = rereading.item_in(page)
    item = msgspec.structs.replace(
        before,
        fetched_at=datetime.fromtimestamp(now, UTC),
        revision=known.revision + 1,
        change=found.outcome,
        changed=list(found.fields),
        baseline=False,
    )
    if found.page is None:
        return item
    item = msgspec.structs.replace(
        item,
        text=with_attached(found.page.text, found.page.attached),
        attachments=[one.attachment for one in found.page.attached],
        title=_title_again(page, before, found),
    )
    return _completed(item, found.page, source, now) if found.outcome == "enriched" else item


def _title_again(page: PageState, before: Item, found: Finding) -> str:
    assert found.page is not None
    if page.guessed and not page.came:
        return found.page.title or before.title
    return retitled(before.title, page.title, found.page.title) if "title" in found.fields else before.title


def _completed(item: Item, page: Page, source: Source, now: float) -> Item:
    """With what else the feed did not say."""
    dated = Dated(item.published_at, item.date_quality, item.published_raw)
    if dated.at is None and page.published:
        dated = dates.read(page.published, now=now, timezone=source.timezone, month_first=source.month_first)
    return msgspec.structs.replace(
        item,
        lede=item.lede or page.description,
        author=item.author or page.author,
        language=page.language or item.language,
        published_at=dated.at,
        published_raw=dated.raw,
        date_quality=dated.quality,
    )


def revised_state(known: ItemState, item: Item, found: Finding) -> ItemState:
    """A title that the page shows first and the feed later is one edit."""
    digest = known.digest
    if "title" in found.fields and digest:
        digest = identity.digest(Entry(title=item.title))[:8] + digest[8:]
        return msgspec.structs.replace(known, revision=item.revision, published=digest)
    return msgspec.structs.replace(known, revision=item.revision)


def output_of(item: Item, timestamp: int) -> Output:
    """The record of `item`; a text too long for the topic is cut, and the item says so."""
    out = codec.output(TOPIC, item.id, item, timestamp, source="collector")
    limit = TOPICS[TOPIC].max_bytes
    while (size := out.size) > limit:
        keep = max(0, int(len(item.text) * limit / size * 0.95) - 1)
        item = msgspec.structs.replace(item, text=item.text[:keep], text_cut=True)
        out = codec.output(TOPIC, item.id, item, timestamp, source="collector")
    return out


def chunks(reading: Reading) -> Iterator[Sequence[Decision]]:
    """The decisions in commits, in order; one empty chunk when there are none, to hold the feed's own state."""
    for start in range(0, max(1, len(reading.decisions)), CHUNK):
        yield reading.decisions[start : start + CHUNK]


def published(
    decisions: Iterable[Decision], source: Source, document: Document, pages: Pages, now: float
) -> list[Output]:
    """The records of what is news among `decisions`."""
    at = millis(now)
    return [
        output_of(item_of(d, source, document, pages.get(d.entry.position), now), at)
        for d in decisions
        if d.outcome in PUBLISHED
    ]


def states(decisions: Iterable[Decision]) -> list[ItemState]:
    """What is to be remembered of their items, where that differs from before."""
    return [d.item for d in decisions if d.item is not None and d.write]
