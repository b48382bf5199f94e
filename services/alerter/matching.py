"""One subscription against one tagged item: what matched, if all that it asks for did. Pure.

Within a field any entry suffices, every field that asks for something must be met, and a subscription that
asks for nothing gets nothing: a typing error in a file must not subscribe anybody to everything.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import date
from functools import lru_cache
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from tinsom.messages import Item, Match, Place, Signal, Tag, Tags
from tinsom.words import counted

Field = Literal[
    "initiative", "agency", "place", "document", "keyword", "source", "event", "deadline", "burst", "silence"
]


_LOCAL = ZoneInfo("Asia/Ho_Chi_Minh")


class Hit(NamedTuple):
    field: Field
    id: str


def hits(match: Match, tags: Tags, item: Item) -> tuple[Hit, ...]:
    """Everything that met `match`; empty when one of its fields was not met, or when it has none.

    A tag on a child carries its parents as derived tags, so an initiative matches its children as it stands.
    With `role` primary a keyword must stand in the title or the lede; with any, the text counts too. Who asks for
    signals asks for no single items.
    """
    if match.signals or (match.tier and item.tier > match.tier):
        return ()
    found: list[Hit] = []
    for field, wanted, find in _demands(match, tags, item):
        ids = find() if wanted else []
        if wanted and not ids:
            return ()
        found += [Hit(field, i) for i in ids]
    return tuple(found)


def unmet(match: Match, tags: Tags, item: Item) -> str:
    """The first demand that was not met, as `field: what was asked for`; '' when all were or none was made."""
    if match.signals:
        return f"signals: {', '.join(match.signals)}"
    if match.tier and item.tier > match.tier:
        return f"tier: at most {match.tier}"
    for field, wanted, find in _demands(match, tags, item):
        if wanted and not find():
            return f"{field}: {', '.join(wanted)}" + (" (primary)" if match.role == "primary" else "")
    return ""


def _demands(match: Match, tags: Tags, item: Item) -> tuple[tuple[Field, list[str], Callable[[], list[str]]], ...]:
    return (
        (
            "initiative",
            match.initiatives,
            lambda: _tagged(match.initiatives, _scored(tags.initiatives, match), match),
        ),
        ("agency", match.agencies, lambda: _tagged(match.agencies, _scored(tags.agencies, match), match)),
        ("place", match.places, lambda: _tagged(match.places, tags.places, match)),
        ("document", match.documents, lambda: _documents(match.documents, tags)),
        ("keyword", match.keywords, lambda: _keywords(match.keywords, item, match.role)),
        ("source", match.sources, lambda: [item.source] if item.source in match.sources else []),
        ("event", match.events, lambda: _events(match.events, tags)),
        ("deadline", _window(match), lambda: _deadlines(match.deadline_days, tags, item)),
    )


def about(match: Match, kind: Literal["burst", "silence"], signal: Signal, tags: Tags) -> tuple[Hit, ...]:
    """What met `match` of a burst or a silence: it must be asked for, and what it is about be among the subjects
    that are named, if any are. It has no words, places or dates of its own, so a wish for these is not met.
    """
    if kind not in match.signals or match.places or match.documents or match.keywords or match.events:
        return ()
    if match.deadline_days:
        return ()
    subjects = {*_prefixed("initiative", match.initiatives), *_prefixed("agency", match.agencies)}
    subjects |= {*_prefixed("source", match.sources)}
    if subjects and not subjects & {signal.about, *_parents(signal.about, tags)}:
        return ()
    return (Hit(kind, signal.about),)


def _prefixed(field: str, ids: Iterable[str]) -> Iterable[str]:
    return (f"{field}:{i}" for i in ids)


def _parents(subject: str, tags: Tags) -> Iterable[str]:
    """A follower of the programme hears of a burst in one of its parts."""
    child = subject.partition(":")[2]
    return (f"initiative:{tag.id}" for tag in tags.initiatives if tag.via == child)


def _scored(tags: Iterable[Tag], match: Match) -> Iterable[Tag]:
    return (tag for tag in tags if tag.score >= match.min_score) if match.min_score else tags


def _tagged(wanted: list[str], tags: Iterable[Tag | Place], match: Match) -> list[str]:
    present = {tag.id for tag in tags if match.role == "any" or tag.role == "primary"}
    return [i for i in wanted if i in present]


def _events(wanted: list[str], tags: Tags) -> list[str]:
    present = {event.type for event in tags.events}
    return [kind for kind in wanted if kind in present]


def _window(match: Match) -> list[str]:
    return [f"within {counted(match.deadline_days, 'day')}"] if match.deadline_days > 0 else []


def _deadlines(days: int, tags: Tags, item: Item) -> list[str]:
    """Dates that are due soon; what was due before the item came is no window."""
    today = item.fetched_at.astimezone(_LOCAL).date()
    found = (_date(task.deadline) for task in tags.tasks)
    return sorted({day.isoformat() for day in found if day is not None and 0 <= (day - today).days <= days})[:3]


def _date(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


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
