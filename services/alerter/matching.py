"""One subscription against one tagged item: what matched, if all that it asks for did. Pure.

Within a field any entry suffices, every field that asks for something must be met, and a subscription that
asks for nothing gets nothing: a typing error in a file must not subscribe anybody to everything.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Literal, NamedTuple

from tinsom.messages import Item, Match, Place, Tag, Tags

Field = Literal["initiative", "agency", "place", "document", "keyword"]


class Hit(NamedTuple):
    field: Field
    id: str


def hits(match: Match, tags: Tags, item: Item) -> tuple[Hit, ...]:
    """Everything that met `match`; empty when one of its fields was not met, or when it has none.

    A tag on a child carries its parents as derived tags, so an initiative matches its children as it stands.
    With `role` primary a keyword must stand in the title or the lede; with any, the text counts too.
    """
    found: list[Hit] = []
    for field, wanted, find in _demands(match, tags, item):
        ids = find() if wanted else []
        if wanted and not ids:
            return ()
        found += [Hit(field, i) for i in ids]
    return tuple(found)


def unmet(match: Match, tags: Tags, item: Item) -> str:
    """The first demand that was not met, as `field: what was asked for`; '' when all were or none was made."""
    for field, wanted, find in _demands(match, tags, item):
        if wanted and not find():
            return f"{field}: {', '.join(wanted)}" + (" (primary)" if match.role == "primary" else "")
    return ""


def _demands(match: Match, tags: Tags, item: Item) -> tuple[tuple[Field, list[str], Callable[[], list[str]]], ...]:
    return (
        ("initiative", match.initiatives, lambda: _tagged(match.initiatives, tags.initiatives, match.role)),
        ("agency", match.agencies, lambda: _tagged(match.agencies, tags.agencies, match.role)),
        ("place", match.places, lambda: _tagged(match.places, tags.places, match.role)),
        ("document", match.documents, lambda: _documents(match.documents, tags)),
        ("keyword", match.keywords, lambda: _keywords(match.keywords, item, match.role)),
    )


def _tagged(wanted: list[str], tags: Iterable[Tag | Place], role: str) -> list[str]:
    present = {tag.id for tag in tags if role == "any" or tag.role == "primary"}
    return [i for i in wanted if i in present]


def _documents(wanted: list[str], tags: Tags) -> list[str]:
    present = {_document_key(document.key) for document in tags.documents}
    return [key for key in wanted if _document_key(key) in present]


def _document_key(key: str) -> str:
    return "".join(unicodedata.normalize("NFC", key).casefold().split())


def _keywords(wanted: list[str], item: Item, role: str) -> list[str]:
    text = _searchable(item.title, item.lede, item.text if role == "any" else "")
    return [word for word in wanted if _stands_in(_keyword(word), text)]


@lru_cache(maxsize=8)
def _searchable(*fields: str) -> str:
    """Folded once for an item, however many subscriptions look into it."""
    return _folded("\n".join(fields))


def _folded(text: str) -> str:
    """NFC, case and white space out of the way, so that a keyword is a plain substring."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


_keyword = lru_cache(maxsize=4096)(_folded)


def _stands_in(keyword: str, text: str) -> bool:
    """As whole words: `an ninh` does not stand in `an ninhx`. The substring test spares nearly every regex."""
    return bool(keyword) and keyword in text and _pattern(keyword).search(text) is not None


@lru_cache(maxsize=4096)
def _pattern(keyword: str) -> re.Pattern[str]:
    return re.compile(r"(?<!\w)" + re.escape(keyword) + r"(?!\w)")
