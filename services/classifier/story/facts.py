"""What makes an edit of an item material: who, which documents, which deadlines, figures of the headline. Pure.

A hash tells that they changed, for every item; a short list tells what did, for the first items of a story.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import get_args

from tinsom import messages as m

# An hour of the day is one figure: "8 giờ 30" is neither 8 nor 30 of anything. One digit first, whatever follows:
# so the search passes over a text without figures twice as fast.
# What is part of a name (H1, C06, U23) is none.
_NUMBERS = re.compile(r"\d(?<!\w\d)(?:\d? ?(?:giờ|h)(?: ?[0-5]\d)?(?!\w)|[\d.,/:-]*\d|)")
# Other rules find other bodies in the same words: between two taxonomies these prove nothing.
_BY_TAXONOMY = ("initiative", "agency")
_TAXONOMY = "taxonomy"
# Figures of lede and text, kept beside those of the headline: what moves up into it is no news.
_SAID = "said"
MOST, MOST_SAID = 40, 100  # facts and such figures that are kept of one item


def facts_of(item: m.Item, tags: m.Tags) -> str:
    """A hash of them all."""
    parts: Iterable[str] = (
        *sorted(tag.id for tag in (*tags.initiatives, *tags.agencies) if tag.role == "primary"),
        *sorted(document.key for document in tags.documents),
        *sorted(f"{','.join(task.lead)}@{task.deadline}" for task in tags.tasks if task.deadline),
        *_figures(item.title),
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def details_of(item: m.Item, tags: m.Tags) -> list[str]:
    """The same as `field:id=what a person reads`, and the taxonomy that found them."""
    found = [
        *(f"initiative:{tag.id}={_name(tag)}" for tag in tags.initiatives if tag.role == "primary"),
        *(f"agency:{tag.id}={_name(tag)}" for tag in tags.agencies if tag.role == "primary"),
        *(f"document:{document.key}" for document in tags.documents),
        *(f"deadline:{','.join(task.lead)}@{task.deadline}" for task in tags.tasks if task.deadline),
        *(f"number:{number}" for number in _figures(item.title)),
    ]
    said = list(dict.fromkeys(_figures(f"{item.lede}\n{item.text}")))[:MOST_SAID]
    return [f"{_TAXONOMY}:{tags.taxonomy}", f"{_SAID}:{' '.join(said)}", *sorted(set(found))[:MOST]]


def _figures(words: str) -> list[str]:
    return [number.replace("giờ", "h").replace(" ", "") for number in _NUMBERS.findall(words)]


def is_whole(details: Sequence[str]) -> bool:
    """Is no fact left out?"""
    return bool(details) and sum(not detail.startswith((_TAXONOMY, _SAID)) for detail in details) < MOST


def _name(tag: m.Tag) -> str:
    return tag.name if isinstance(tag.name, str) else tag.id


def differences(before: Sequence[str], after: Sequence[str]) -> tuple[m.Difference, ...]:
    """What is gone and what is new, by field; nothing that only another taxonomy sees."""
    same_rules = _of(before, _TAXONOMY) == _of(after, _TAXONOMY)
    found = []
    for field in get_args(m.Fact):
        if not same_rules and field in _BY_TAXONOMY:
            continue
        old, new = _of(before, field), _of(after, field)
        if not same_rules:
            old, new = _without_leads(old), _without_leads(new)
        gone, come = _shown(old, new, field), _shown(new, old, field)
        if field == "number":
            gone, come = _unsaid(gone, after), _unsaid(come, before)
        # A headline that only leaves a figure out says nothing new.
        if gone != come and (come or field != "number"):
            found.append(m.Difference(field=field, before=gone, after=come))
    return tuple(found)


def _unsaid(figures: list[str], details: Sequence[str]) -> list[str]:
    """Those that lede and text do not name: only there a headline with another figure tells something new."""
    said = set(next((d for d in details if d.startswith(_SAID)), "").removeprefix(f"{_SAID}:").split())
    return [figure for figure in figures if figure not in said]


def _of(details: Sequence[str], field: str) -> dict[str, str]:
    """Id → what a person reads."""
    prefix = field + ":"
    pairs = (detail.removeprefix(prefix).partition("=") for detail in details if detail.startswith(prefix))
    return {identity: name or identity for identity, _, name in pairs}


def _without_leads(deadlines: dict[str, str]) -> dict[str, str]:
    return {identity.rpartition("@")[2]: name.rpartition("@")[2] for identity, name in deadlines.items()}


def _shown(some: dict[str, str], others: dict[str, str], field: str) -> list[str]:
    names = [name for identity, name in some.items() if identity not in others]
    return list(dict.fromkeys(n.rpartition("@")[2] if field == "deadline" else n for n in names))
