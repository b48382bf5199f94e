"""What the command line shows of the collector: one poll, one page, without a log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from services.collector.articles import office
from services.collector.articles.extract import Extract, extract_selected
from services.collector.articles.page import Page
from services.collector.articles.pool import Pool
from services.collector.catalogue import configured, source_of
from services.collector.decide import Decision, Reading, decide
from services.collector.feedstate import Look
from services.collector.known import FeedState, Known
from services.collector.poll import LiveWeb, Web, look
from services.collector.reading import dates
from services.collector.schedule import retry_after
from services.collector.web.fetch import ANY_HOST, MAX_PAGE_BYTES, PAGE_TYPES, Fetcher
from services.collector.web.gate import Gate
from tinsom.config import Config
from tinsom.errors import InputError, UnreachableError
from tinsom.messages import PageSelectors, Source

_VIETNAM = "Asia/Ho_Chi_Minh"


@dataclass(frozen=True)
class PollReport:
    """One poll of one address: what came, what was read, what would be kept and why."""

    url: str
    look: Look
    reading: Reading
    retry_after: float = 0.0  # seconds the server asked for

    @property
    def decisions(self) -> list[Decision]:
        """In the order of the document."""
        return sorted(self.reading.decisions, key=lambda d: d.entry.position)


@dataclass(frozen=True)
class ExtractReport:
    input: str
    page: Page | None
    published_at: datetime | None = None
    fits: bool = True  # the selectors that it was read by find what is there


async def poll_urls(
    urls: Sequence[str], allow_private: bool = False, *, timeout: float = 20.0, contact: str = ""
) -> list[PollReport]:
    """Poll each address once, side by side, as a source never seen before; reports in the order of `urls`."""
    allowed = [ANY_HOST] if allow_private else []
    with ThreadPoolExecutor(2) as threads:
        async with Fetcher(contact=contact, timeout=timeout, allow_private=allowed) as fetcher:
            web = LiveWeb(fetcher, Pool(executor=threads), Gate(fetcher))
            sources = [Source(id=url, publisher=url, url=url) for url in urls]
            return list(await asyncio.gather(*(poll_source(source, web) for source in sources)))


async def poll_source(source: Source, web: Web) -> PollReport:
    feed = FeedState(source=source.id, publisher=source.publisher)
    now = time.time()
    seen = await look(source, feed, web, now)
    reading = decide(seen.document.entries, Known(), feed, source, now)
    return PollReport(source.url, seen, reading, retry_after(seen.response.headers.get("retry-after", ""), now))


def report_json(report: PollReport) -> dict[str, Any]:
    """The line of `tinsom poll --json` (docs/commands.md)."""
    return {
        "url": report.url,
        "outcome": report.look.outcome,
        "entries": [_entry_json(d) for d in report.decisions],
    }


def _entry_json(decision: Decision) -> dict[str, Any]:
    entry, dated = decision.entry, decision.dated
    return {
        "id": entry.guid or entry.link,
        "link": entry.link,
        "title": entry.title,
        "published_at": dated.at.isoformat() if dated.at else None,
        "date_quality": dated.quality,
        "summary": entry.lede,
    }


async def extract_inputs(
    inputs: Sequence[str],
    allow_private: bool = False,
    *,
    timeout: float = 20.0,
    contact: str = "",
    selectors: PageSelectors | None = None,
) -> list[ExtractReport]:
    """Read each page, a file or an address; reports in the order of `inputs`.

    Raises InputError for a file that is not there, UnreachableError for an address that gives no page.
    """
    allowed = [ANY_HOST] if allow_private else []
    async with Fetcher(contact=contact, timeout=timeout, allow_private=allowed) as fetcher:
        return [await _extract_one(one, fetcher, selectors) for one in inputs]


def page_selectors(config: Config, id_: str) -> PageSelectors:
    """How a configured source says that its article pages are read; raises InputError where it does not."""
    source = next((source_of(one) for one in configured(config) if one.id == id_), None)
    if source is None:
        raise InputError(f"there is no source {id_!r}; `tinsom sources list` names them")
    if source.page is None:
        raise InputError(f"source {id_!r} has no `page` selectors")
    return source.page


def extract_json(report: ExtractReport) -> dict[str, Any]:
    """The line of `tinsom extract --json` (docs/commands.md)."""
    page = report.page or Page()
    return {
        "input": report.input,
        "title": page.title,
        "text": page.text,
        "description": page.description,
        "published_at": report.published_at.isoformat() if report.published_at else None,
        "author": page.author,
        "language": page.language,
        "canonical": page.canonical,
    }


async def _extract_one(given: str, fetcher: Fetcher, selectors: PageSelectors | None) -> ExtractReport:
    if given.startswith(("http://", "https://")):
        response = await fetcher.get(given, accept=PAGE_TYPES, limit=MAX_PAGE_BYTES)
        if response.fault or response.status != 200:
            raise UnreachableError(f"{given}: {response.fault or f'status {response.status}'}")
        read = response.body, response.content_type, response.url
    else:
        read = _file(given), "", ""
    found = await asyncio.to_thread(_page, *read, selectors)
    page = found.page
    dated = dates.read(page.published if page else "", now=time.time(), timezone=_VIETNAM)
    return ExtractReport(given, page, dated.at, found.outcome != "layout")


def _page(body: bytes, content_type: str, url: str, selectors: PageSelectors | None) -> Extract:
    """An article page, or a document that stands for one."""
    if office.kind_of(body):
        return Extract("ok", Page(text=office.read(body).text))
    return extract_selected(body, content_type, url, selectors, sampled=True)


def _file(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {name}: {error.strerror or type(error).__name__}") from None
