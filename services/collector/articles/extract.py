"""The bytes of an article page → a `Page`. The only module that knows trafilatura; run in a pool, it is slow."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, Literal

from services.collector.articles import attachments, metadata, selected
from services.collector.articles.lead import lead_of
from services.collector.articles.page import Page, drop_link_lists, page_of
from services.collector.reading import decode, markup
from tinsom.messages import PageSelectors


@dataclass(frozen=True, slots=True)
class Extract:
    """`layout`: the selectors of the source do not fit the page (any more)."""

    outcome: Literal["ok", "no_text", "layout"]
    page: Page | None = None


def extract(body: bytes, content_type: str = "", url: str = "") -> Page | None:
    """Read one page; None when there is nothing to read. Takes 13 to 250 ms."""
    tree = _load(body, content_type)
    return None if tree is None else _read(tree, url)


def extract_selected(
    body: bytes, content_type: str, url: str, selectors: PageSelectors | None, sampled: bool
) -> Extract:
    """As `extract`, by `selectors` where the source has any; with `sampled`, trafilatura is asked as well.

    A page in which they find no text is read by trafilatura, and its outcome says so.
    """
    if selectors is None:
        return _named(extract(body, content_type, url), "ok")
    tree = _load(body, content_type) if sampled else selected.parse(body, content_type)
    if tree is None:
        return Extract("no_text")
    ours = selected.read(copy.deepcopy(tree) if sampled else tree, selectors, url)
    if ours is None:
        return _named(extract(body, content_type, url), "layout")
    theirs = _read(tree, url) if sampled else None
    return Extract("ok" if theirs is None or selected.agree(ours, theirs) else "layout", ours)


def _named(page: Page | None, outcome: Literal["ok", "layout"]) -> Extract:
    return Extract(outcome if page is not None and page.text else "no_text", page)


def _load(body: bytes, content_type: str) -> Any:
    import trafilatura  # 60 MB and half a second, which only the workers of the pool need to spend

    return trafilatura.load_html(decode.decode(body, content_type).text)


def _read(tree: Any, url: str) -> Page:
    import trafilatura

    said = metadata.of(tree)
    links, lead = attachments.links_beside_furniture(tree, url), lead_of(tree)
    drop_link_lists(tree)
    # Fast: without asking a second and third extractor, which cost a quarter of the time and made no page better.
    found = trafilatura.bare_extraction(
        tree, url=url or None, fast=True, include_comments=False, include_tables=True, with_metadata=False
    )
    return page_of(said, markup.clean_lines(getattr(found, "text", None) or ""), links, lead)
