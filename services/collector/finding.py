"""Looking at many sources at once: the health of a list, the feeds of a site."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.collector.articles.pool import Pool
from services.collector.catalogue import configured, source_of
from services.collector.commands import PollReport, poll_source
from services.collector.discover import Candidate, candidates
from services.collector.poll import LiveWeb
from services.collector.web.fetch import ANY_HOST, MAX_PAGE_BYTES, PAGE_TYPES, Fetcher
from services.collector.web.gate import Gate
from tinsom.config import Config
from tinsom.errors import InputError, UnreachableError
from tinsom.messages import Source


@dataclass(frozen=True)
class Found:
    """A feed of a site, with the poll that showed that it is one."""

    candidate: Candidate
    report: PollReport


async def check_sources(
    config: Config, done: Callable[[PollReport], None] = lambda report: None
) -> list[tuple[Source, PollReport]]:
    """Poll every source of the configuration once, side by side; `done` after each, for a progress bar."""
    settings = config.collector
    sources = [source_of(source) for source in configured(config)]
    async with _web(settings.allow_private, settings.contact, settings.timeout, settings.concurrency) as web:
        for source in sources:
            web.fetcher.trust.put(source)

        async def one(source: Source) -> PollReport:
            report = await poll_source(source, web)
            done(report)
            return report

        return list(zip(sources, await asyncio.gather(*map(one, sources)), strict=True))


async def discover(
    url: str, allow_private: bool = False, *, timeout: float = 20.0, contact: str = ""
) -> list[Found]:
    """The feeds that the page at `url` leads to, each polled once; `url` itself where it is one.

    Raises InputError for what is no address, UnreachableError when the page does not come.
    """
    if not url.startswith(("http://", "https://")):
        raise InputError(f"{url} is not an http or https address")
    async with _web([ANY_HOST] if allow_private else [], contact, timeout, 4) as web:
        itself = await _poll(Candidate(url, "", "itself"), web)
        if itself.report.look.outcome == "ok":
            return [itself]
        page = await web.fetcher.get(url, accept=PAGE_TYPES, limit=MAX_PAGE_BYTES)
        if page.fault or page.status != 200:
            raise UnreachableError(f"{url}: {page.fault or f'status {page.status}'}")
        tried = await asyncio.gather(*(_poll(c, web) for c in candidates(page.body, page.content_type, page.url)))
        return _distinct([found for found in tried if found.report.look.outcome in ("ok", "no_entries")])


async def _poll(candidate: Candidate, web: LiveWeb) -> Found:
    source = Source(id=candidate.url, publisher=candidate.url, url=candidate.url)
    return Found(candidate, await poll_source(source, web))


def _distinct(found: Sequence[Found]) -> list[Found]:
    """One of several addresses that lead to the same document."""
    distinct: dict[str, Found] = {}
    for one in found:
        distinct.setdefault(one.report.look.response.url, one)
    return list(distinct.values())


@asynccontextmanager
async def _web(allow: Sequence[str], contact: str, timeout: float, concurrency: int) -> AsyncIterator[LiveWeb]:
    with ThreadPoolExecutor(2) as threads:
        async with Fetcher(
            contact=contact, timeout=timeout, concurrency=concurrency, allow_private=allow
        ) as fetcher:
            yield LiveWeb(fetcher, Pool(executor=threads), Gate(fetcher))
