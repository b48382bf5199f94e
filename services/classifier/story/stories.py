"""What happened to a story: decided from a tagged item and the stories that are known. Pure.

An item joins the story that it is most alike to, within seven days of that story's beginning, whoever published
it; else it begins one. Later revisions of an item stay in its story.
"""

from __future__ import annotations

from functools import reduce
from typing import NamedTuple

from msgspec.structs import replace

from services.classifier.story.facts import details_of, differences, facts_of, is_whole
from services.classifier.story.shelf import Match, Shelf, agree
from services.classifier.story.traces import trace
from tinsom import messages as m

KEPT_TRACES = 8
# An item that is alike to two stories makes them one only when there is little doubt about either.
SURE = 1.0


class Decision(NamedTuple):
    """`story` as it is now, first of `changed`; none leaves the state as it is, no `kind` is told to nobody."""

    outcome: str
    changed: tuple[m.Story, ...] = ()
    kind: m.StoryKind | None = None
    official: bool = False
    differences: tuple[m.Difference, ...] = ()

    @property
    def story(self) -> m.Story | None:
        return self.changed[0] if self.changed else None


OUTCOMES = ("new", "source", "fact", "enriched", "minor", "withdrawn", "duplicate", "orphan")


def decide(shelf: Shelf, item: m.Item, tags: m.Tags) -> Decision:
    """Which change this revision of an item makes; a revision that finds no story tells nobody."""
    known = shelf.of(item.id)
    if known is not None:
        return _revised(known, item, tags)
    if item.change not in ("new", "enriched") and item.revision > 1:
        return Decision("orphan")
    words = trace(item, tags)
    matches = shelf.matches(words)
    return _joined(matches, item, tags, words) if matches else Decision("new", (_begun(item, tags, words),), "new")


def _begun(item: m.Item, tags: m.Tags, words: m.Trace) -> m.Story:
    return m.Story(
        id=item.id,
        revision=1,
        began_at=item.fetched_at,
        items={item.id: item.revision},
        sources=[item.source],
        baseline=item.baseline,
        facts=facts_of(item, tags),
        publishers=[item.publisher],
        tier=item.tier,
        traces={item.id: words},
        details={item.id: details_of(item, tags)},
    )


def _joined(matches: list[Match], item: m.Item, tags: m.Tags, words: m.Trace) -> Decision:
    """One more source; the first that is not of a baseline is the news that nobody was told."""
    parts = [matches[0].story]
    for match in matches[1:]:
        if min(match.score, matches[0].score) >= SURE and all(agree(match.story, part) for part in parts):
            parts.append(match.story)
    parts.sort(key=lambda story: (story.began_at, story.id))
    before = reduce(_merged, parts)
    news = before.baseline and not item.baseline
    after = replace(
        _with(before, item, facts_of(item, tags)),
        revision=before.revision + 1,
        baseline=before.baseline and item.baseline,
    )
    if len(before.traces) < KEPT_TRACES:
        traces, details = {**before.traces, item.id: words}, {**before.details, item.id: details_of(item, tags)}
        after = replace(after, traces=traces, details=details)
    gone = tuple(_ended(part, after.id) for part in parts[1:])
    return Decision("source", (after, *gone), "new" if news else "source", item.tier == 1 < before.tier)


def _ended(story: m.Story, into: str) -> m.Story:
    return replace(story, merged_into=into, items={}, traces={}, item_facts={}, details={})


def _merged(first: m.Story, second: m.Story) -> m.Story:
    """The older story with all that the other had; its running number is past both."""
    traces = dict(list({**first.traces, **second.traces}.items())[:KEPT_TRACES])
    details = {**first.details, **second.details}
    new = [p for p in second.publishers if p not in first.publishers]
    added = [s for s, p in zip(second.sources, second.publishers, strict=False) if p in new]
    return replace(
        first,
        revision=max(first.revision, second.revision),
        items={**first.items, **second.items},
        item_facts={**first.item_facts, second.id: second.facts, **second.item_facts},
        sources=[*first.sources, *added],
        publishers=[*first.publishers, *new],
        baseline=first.baseline and second.baseline,
        tier=min(first.tier, second.tier),
        traces=traces,
        details={identity: details[identity] for identity in traces if identity in details},
        merged=[*first.merged, second.id, *second.merged],
    )


def _revised(known: m.Story, item: m.Item, tags: m.Tags) -> Decision:
    if item.revision <= known.items.get(item.id, 0):
        return Decision("duplicate")
    before = known.facts if item.id == known.id else known.item_facts.get(item.id, "")
    if item.change == "withdrawn":
        return _withdrawn(known, item, before)
    facts = facts_of(item, tags)
    after = _retraced(_with(known, item, facts), item, tags)
    if item.change == "enriched":
        # The text came late: nothing happened, but whoever it concerns could not be told before.
        return Decision("enriched", (replace(after, revision=known.revision + 1),), "enriched")
    old, new = known.details.get(item.id, ()), after.details.get(item.id, ())
    differs = differences(old, new) if old and new else ()
    # Where the list is not whole, the hash alone says that something changed.
    if facts == before or (is_whole(old) and is_whole(new) and not differs):
        return Decision("minor", (after,))
    return Decision("fact", (replace(after, revision=known.revision + 1),), "fact", differences=differs)


def _withdrawn(known: m.Story, item: m.Item, facts: str) -> Decision:
    """Told when it is the item that the story was told with; a copy less among others is no news."""
    after = _with(known, item, facts)
    if item.id != known.id and len(known.items) > 1:
        return Decision("minor", (after,))
    return Decision("withdrawn", (replace(after, revision=known.revision + 1),), "withdrawn")


def _with(story: m.Story, item: m.Item, facts: str) -> m.Story:
    """The item's revision in its story, which moves its running number only when somebody is to be told."""
    own = item.id == story.id
    known = item.publisher in story.publishers or item.source in story.sources
    return replace(
        story,
        items={**story.items, item.id: item.revision},
        facts=facts if own else story.facts,
        item_facts=story.item_facts if own else {**story.item_facts, item.id: facts},
        sources=story.sources if known else [*story.sources, item.source],
        publishers=story.publishers if known else [*story.publishers, item.publisher],
        tier=min(story.tier, item.tier),
    )


def _retraced(story: m.Story, item: m.Item, tags: m.Tags) -> m.Story:
    """Compared from now on by its new words, and still by its first hour."""
    before = story.traces.get(item.id)
    if before is None:
        return story
    words = replace(trace(item, tags), at=before.at, baseline=before.baseline)
    details = {**story.details, item.id: details_of(item, tags)}
    return replace(story, traces={**story.traces, item.id: words}, details=details)
