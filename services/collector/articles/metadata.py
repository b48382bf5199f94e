"""What an article page says of itself, in its head and its linked data. Pure."""

from __future__ import annotations

import json
from typing import Any

_MAX_META = 400
_JSON_LD_DEPTH = 4
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


def of(tree: Any) -> dict[str, str]:
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
