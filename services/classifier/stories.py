"""What happened to a story: decided from a tagged item and what is known of its story. Pure.

Every item is a story of its own for now, in the place where stories will be joined: the state, the running
revision number and the changes are those that later stages rely on.
"""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

from tinsom import messages as m

_NUMBERS = re.compile(r"\d[\d.,/:-]*\d|\d")


class Decision(NamedTuple):
    """`kind` None changes nothing that anyone is told; `story` None leaves the state as it is."""

    outcome: str
    story: m.Story | None = None
    kind: m.StoryKind | None = None


OUTCOMES = ("new", "fact", "minor", "withdrawn", "duplicate", "orphan")


def decide(known: m.Story | None, item: m.Item, tags: m.Tags) -> Decision:
    """Which change this revision of an item makes; a revision that finds no story tells nobody."""
    if known is None:
        if item.change in ("new", "enriched") or item.revision == 1:
            return Decision("new", _begun(item, tags), "new")
        return Decision("orphan")
    if item.revision <= known.items.get(item.id, 0):
        return Decision("duplicate")
    if item.change == "withdrawn":
        return Decision("withdrawn", _continued(known, item, known.facts), "withdrawn")
    facts = facts_of(item, tags)
    if facts == known.facts:
        return Decision("minor", _seen(known, item))
    return Decision("fact", _continued(known, item, facts), "fact")


def _begun(item: m.Item, tags: m.Tags) -> m.Story:
    return m.Story(
        id=item.id,
        revision=1,
        began_at=item.fetched_at,
        items={item.id: item.revision},
        sources=[item.source],
        baseline=item.baseline,
        facts=facts_of(item, tags),
    )


def _continued(known: m.Story, item: m.Item, facts: str) -> m.Story:
    return m.Story(
        id=known.id,
        revision=known.revision + 1,
        began_at=known.began_at,
        items={**known.items, item.id: item.revision},
        sources=known.sources if item.source in known.sources else [*known.sources, item.source],
        baseline=known.baseline,
        facts=facts,
    )


def _seen(known: m.Story, item: m.Item) -> m.Story:
    """A minor edit moves the item's revision, not the story's: nobody is told, and it is not decided twice."""
    return m.Story(
        id=known.id,
        revision=known.revision,
        began_at=known.began_at,
        items={**known.items, item.id: item.revision},
        sources=known.sources,
        baseline=known.baseline,
        facts=known.facts,
    )


def facts_of(item: m.Item, tags: m.Tags) -> str:
    """A hash of what makes an edit material: who, which documents, which deadlines, numbers of the headline."""
    parts = [
        *sorted(tag.id for tag in (*tags.initiatives, *tags.agencies) if tag.role == "primary"),
        *sorted(document.key for document in tags.documents),
        *sorted(f"{','.join(task.lead)}@{task.deadline}" for task in tags.tasks if task.deadline),
        *_NUMBERS.findall(item.title),
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
