"""Article pages, at the edge: may one be read, what came, and, in the pool, what is in it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import structlog

from services.collector.extract import extract_selected
from services.collector.fetch import MAX_PAGE_BYTES, PAGE_TYPES, Fetcher
from services.collector.gate import Gate
from services.collector.page import PageLook, PageOutcome
from services.collector.pool import Pool, WorkError
from services.collector.response import Response, is_challenge, judge
from tinsom.messages import PageSelectors

logger = structlog.get_logger(__name__)

# An item whose page does not come in this time goes out with what the feed says.
PAGE_SECONDS = 30.0
# A page that says less than this may be a challenge that its status does not tell.
_SHORT_TEXT = 500


@dataclass(frozen=True)
class PageReader:
    fetcher: Fetcher
    pool: Pool
    gate: Gate

    async def read(self, url: str, selectors: PageSelectors | None, sampled: bool) -> PageLook:
        """The page at `url`. Never raises: whatever happens has a name."""
        try:
            async with asyncio.timeout(PAGE_SECONDS):
                return await self._read(url, selectors, sampled)
        except (TimeoutError, WorkError):
            return PageLook("timeout")
        except Exception as error:  # lxml and trafilatura raise whatever a page makes them
            logger.warning("page could not be read", error=type(error).__name__)
            return PageLook("fault")

    async def _read(self, url: str, selectors: PageSelectors | None, sampled: bool) -> PageLook:
        if not await self.gate.admits(url):
            return PageLook("robots")
        response = await self.fetcher.get(url, accept=PAGE_TYPES, limit=MAX_PAGE_BYTES)
        outcome = outcome_of(response)
        if outcome != "ok":
            return PageLook(outcome)
        given = response.body, response.content_type, response.url, selectors, sampled
        found = await self.pool.run(extract_selected, *given, timeout=PAGE_SECONDS)
        text = found.page.text if found.page else ""
        if len(text) < _SHORT_TEXT and is_challenge(response.body):
            return PageLook("challenge")
        return PageLook(found.outcome, found.page if text else None)


def outcome_of(response: Response) -> PageOutcome:
    """What the answer means, before its text is looked at."""
    if response.status == 404 and not response.fault:
        return "missing"
    outcome = judge(response, asked_conditionally=False, known_body="", page=True)
    if outcome == "ok" and "html" not in (response.content_type or "html"):
        return "not_html"
    return outcome
