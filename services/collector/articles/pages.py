"""Article pages, at the edge: may one be read, what came, and, in the pool, what is in it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

import structlog

from services.collector.articles import office
from services.collector.articles.attachments import Attached
from services.collector.articles.extract import extract_selected
from services.collector.articles.office import Paper
from services.collector.articles.page import Page, PageLook, PageOutcome, PageWish, files_of
from services.collector.articles.pool import Pool, WorkError
from services.collector.reading.raw import is_document
from services.collector.web.fetch import MAX_PAGE_BYTES, PAGE_TYPES, Fetcher
from services.collector.web.gate import Gate
from services.collector.web.response import Response, is_challenge, judge
from tinsom.messages import Attachment, AttachmentOutcome

logger = structlog.get_logger(__name__)

# An item whose page does not come in this time goes out with what the feed says.
PAGE_SECONDS = 30.0
# Beside that for its attachments, all together.
ATTACHMENT_SECONDS = 30.0
MAX_ATTACHMENT_BYTES = 20 * 1024 * 1024
OFFICE_TYPES = (
    "application/pdf, application/vnd.openxmlformats-officedocument.wordprocessingml.document;q=0.9, */*;q=0.5"
)
# A page that says less than this may be a challenge that its status does not tell.
_SHORT_TEXT = 500
_AS_ATTACHMENT: dict[str, AttachmentOutcome] = {"too_big": "too_big", "timeout": "too_slow"}


@dataclass(frozen=True)
class PageReader:
    fetcher: Fetcher
    pool: Pool
    gate: Gate

    async def read(self, url: str, wish: PageWish) -> PageLook:
        """The page at `url`. Never raises: whatever happens has a name."""
        try:
            async with asyncio.timeout(PAGE_SECONDS):
                seen = await self._read(url, wish)
        except (TimeoutError, WorkError):
            return PageLook("timeout")
        except Exception as error:  # lxml and trafilatura raise whatever a page makes them
            logger.warning("page could not be read", error=type(error).__name__)
            return PageLook("fault")
        if seen.page is None or not wish.attachments:
            return seen
        links = files_of(seen.page, wish.files)
        attached = await asyncio.gather(*map(self._attached, links))
        return replace(seen, page=replace(seen.page, attached=(*seen.page.attached, *attached)))

    async def _read(self, url: str, wish: PageWish) -> PageLook:
        if not await self.gate.admits(url):
            return PageLook("robots")
        limit = MAX_ATTACHMENT_BYTES if is_document(url) else MAX_PAGE_BYTES
        response = await self.fetcher.get(url, accept=PAGE_TYPES, limit=limit)
        outcome = outcome_of(response)
        if outcome in ("ok", "not_html") and office.kind_of(response.body):
            return await self._document(url, response)
        if outcome != "ok":
            return PageLook(outcome)
        given = response.body, response.content_type, response.url, wish.selectors, wish.sampled
        found = await self.pool.run(extract_selected, *given, timeout=PAGE_SECONDS)
        text = found.page.text if found.page else ""
        if len(text) < _SHORT_TEXT and is_challenge(response.body):
            return PageLook("challenge")
        return PageLook(found.outcome, found.page if text else None)

    async def _document(self, url: str, response: Response) -> PageLook:
        """An entry may lead to a document instead of a page; what is no text of it is still told of."""
        paper = await self.pool.run(office.read, response.body, timeout=PAGE_SECONDS)
        if paper.outcome == "other_format":
            return PageLook("not_html")
        return PageLook("ok", Page(text=paper.text, attached=(Attached(_attachment(url, paper)),), itself=True))

    async def _attached(self, url: str) -> Attached:
        try:
            async with asyncio.timeout(ATTACHMENT_SECONDS):
                paper = await self._paper(url)
        except (TimeoutError, WorkError):
            paper = Paper("too_slow")
        except Exception as error:  # what one document does must not keep its item, and the feed, from coming
            logger.warning("attachment could not be read", error=type(error).__name__)
            paper = Paper("broken")
        return Attached(_attachment(url, paper), paper.text)

    async def _paper(self, url: str) -> Paper:
        if not await self.gate.admits(url):
            return Paper("forbidden")
        response = await self.fetcher.get(url, accept=OFFICE_TYPES, limit=MAX_ATTACHMENT_BYTES)
        if response.fault or response.status != 200:
            return Paper(_AS_ATTACHMENT.get(response.fault or "", "unreached"))
        return await self.pool.run(office.read, response.body, timeout=ATTACHMENT_SECONDS)


def _attachment(url: str, paper: Paper) -> Attachment:
    return Attachment(url=url, kind=paper.kind, outcome=paper.outcome, pages=paper.pages, cut=paper.cut)


def outcome_of(response: Response) -> PageOutcome:
    """What the answer means, before its text is looked at."""
    if response.status == 404 and not response.fault:
        return "missing"
    outcome = judge(response, asked_conditionally=False, known_body="", page=True)
    if outcome == "ok" and "html" not in (response.content_type or "html"):
        return "not_html"
    return outcome
