"""The bytes of an article page → a `Page`. The only module that knows trafilatura; run in a pool, it is slow."""

from __future__ import annotations

import json
import re
from typing import Any

from services.collector import decode, markup
from services.collector.entry import MAX_LEDE, MAX_TEXT, MAX_TITLE
from services.collector.page import Page, joined, without_furniture

_MAX_META = 400
_JSON_LD_DEPTH = 4
_LEAST_LINKS, _LINK_SHARE = 2, 0.85
_VIETNAMESE = re.compile("[ăđơưạ-ỹ]", re.IGNORECASE)


def extract(body: bytes, content_type: str = "", url: str = "") -> Page | None:
    """Read one page; None when there is nothing to read. Takes 13 to 250 ms."""
    import trafilatura  # 60 MB and half a second, which only the workers of the pool need to spend

    tree = trafilatura.load_html(decode.decode(body, content_type).text)
    if tree is None:
        return None
    meta = _meta(tree)
    _drop_link_lists(tree)
    found = trafilatura.bare_extraction(
        tree, url=url or None, include_comments=False, include_tables=True, with_metadata=False
    )
    title = markup.cut(markup.text_of(meta.get("title", "")), MAX_TITLE)
    text = without_furniture(markup.clean_lines(getattr(found, "text", None) or ""), title)
    description = markup.cut(markup.text_of(meta.get("description", "")), MAX_LEDE)
    return Page(
        title=title,
        text=markup.cut(joined(description, text) if _is_lead(description, meta["language"]) else text, MAX_TEXT),
        description=description,
        published=markup.clean(meta.get("published", ""))[:100],
        author=_person(markup.text_of(meta.get("author", ""))),
        language=meta.get("language", "")[:35],
        canonical=meta.get("canonical", "")[:2_000],
    )


def _drop_link_lists(tree: Any) -> None:
    """Lists of nothing but links are related articles: other stories, with other stories' agencies and places."""
    for block in list(tree.iter("ul", "ol")):
        links = list(block.iter("a"))
        whole = _signs(block)
        mostly = len(links) >= _LEAST_LINKS and sum(map(_signs, links)) >= _LINK_SHARE * whole
        if whole and mostly and block.getparent() is not None:
            block.drop_tree()


def _signs(element: Any) -> int:
    """How much text an element holds, spaces not counted."""
    return sum(len("".join(part.split())) for part in element.itertext())


def _person(author: str) -> str:
    """An author's name; many pages give the address of their Facebook page instead."""
    return "" if "://" in author else author[:200]


def _is_lead(description: str, language: str) -> bool:
    """Is the description the article's lead? Vietnamese papers make it so; English ones rarely show it."""
    return language == "vi" or (not language and bool(_VIETNAMESE.search(description)))


_NAMES = {
    "title": ("og:title", "twitter:title", "title"),
    "description": ("og:description", "description", "twitter:description"),
    "published": (
        "article:published_time",
        "datePublished",
        "pubdate",
        "publishdate",
        "dc.date",
        "ld:datePublished",
    ),
    "author": ("article:author", "author", "dc.creator", "ld:author"),
    "canonical": ("canonical", "og:url"),
    "language": ("language", "og:locale", "content-language"),
}


def _meta(tree: Any) -> dict[str, str]:
    """What the page says of itself, by our names; the first of several sources that says anything counts."""
    said = _said(tree)
    found = {
        name: next((said[s.lower()] for s in keys if said.get(s.lower())), "") for name, keys in _NAMES.items()
    }
    found["language"] = found["language"].replace("_", "-").partition("-")[0].lower()
    return found


def _said(tree: Any) -> dict[str, str]:
    said: dict[str, str] = {}
    for element in list(tree.iter("meta"))[:_MAX_META]:
        name = (
            element.get("property") or element.get("name") or element.get("itemprop") or element.get("http-equiv")
        )
        if name and element.get("content"):
            said.setdefault(name.strip().lower(), element.get("content"))
    title = next(tree.iter("title"), None)
    said["title"] = (title.text or "") if title is not None else ""
    said["language"] = tree.get("lang") or ""
    for link in tree.iter("link"):
        if (link.get("rel") or "").lower() == "canonical":
            said.setdefault("canonical", link.get("href") or "")
    for script in tree.iter("script"):
        if (script.get("type") or "").lower() == "application/ld+json":
            _linked_data(script.text or "", said)
    return said


def _linked_data(text: str, said: dict[str, str]) -> None:
    try:
        data = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return
    for node in _nodes(data, _JSON_LD_DEPTH):
        for name in ("datePublished", "author"):
            value = node.get(name)
            value = value[0] if isinstance(value, list) and value else value
            value = value.get("name") if isinstance(value, dict) else value
            if isinstance(value, str) and value.strip():
                said.setdefault(f"ld:{name}".lower(), value)


def _nodes(data: Any, depth: int) -> list[dict[str, Any]]:
    if depth and isinstance(data, list):
        return [node for one in data[:50] for node in _nodes(one, depth - 1)]
    if depth and isinstance(data, dict):
        return [data, *_nodes(data.get("@graph"), depth - 1)]
    return []
