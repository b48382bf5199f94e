"""A document × what is known of its publisher → a decision per entry: new, changed, same, baseline, dropped.

Pure. A revision is a difference from what the *same* feed showed before. The first sight of a feed is a
baseline. Entries that come again under other names (guids regenerated, a site moved, an archive published
again) are recognised, so that nobody is flooded; a name that stops being unique or stable is no longer used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import msgspec

from services.collector import identity
from services.collector.identity import Aliases
from services.collector.known import FeedState, ItemState, Known, id_name
from services.collector.reading import dates
from services.collector.reading.dates import Dated
from services.collector.reading.entry import Entry
from tinsom.messages import Source

Outcome = Literal["new", "changed", "same", "baseline", "dropped-no-identity", "dropped-duplicate"]
OUTCOMES: tuple[str, ...] = (*get_args(Outcome), "dropped-surplus")
PUBLISHED = frozenset(("new", "changed", "baseline"))

DAY = 86_400.0
# From this many on, entries that look like old ones are a site's doing, not news.
BULK = 5
ARCHIVE_AGE = 7 * DAY
# A guid that means other articles than before, in this share of a document, is a running number.
UNSTABLE_SHARE, UNSTABLE_LEAST = 0.2, 2
SEEN_EVERY = 7 * DAY
# Longer than any topic keeps items, so that an id made a second time meets no older self.
FORGET_AFTER = 120 * DAY
MAX_ALIASES = 16


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one entry. `item` is its state afterwards; `write` if that differs from before."""

    outcome: Outcome
    entry: Entry
    dated: Dated
    item: ItemState | None = None
    write: bool = False
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """All decisions about one document, oldest entry first, and what they say about its feed."""

    decisions: tuple[Decision, ...]
    distrust: tuple[str, ...] = ()
    rollover: bool = False  # every entry was new: some may have come and gone between two polls
    baseline: bool = False
    unchanged: tuple[int, ...] = ()  # names of items whose entries are as they were: `same`, and not looked at
    ambiguous: bool = False  # a name of what was not looked at occurs again: nothing is decided

    @property
    def shown(self) -> int:
        """Entries in the document."""
        return len(self.decisions) + len(self.unchanged)


@dataclass(frozen=True, slots=True)
class _Candidate:
    entry: Entry
    dated: Dated
    names: Aliases
    digest: str
    specific: bool  # the link leads to one article
    match: ItemState | None = None  # the known item that its strong names mean

    @property
    def title(self) -> str:
        """Stands for the title when two are compared."""
        return self.digest[:8]


def decide(
    entries: Sequence[Entry],
    known: Known,
    feed: FeedState,
    source: Source,
    now: float,
    unchanged: tuple[int, ...] = (),
) -> Reading:
    """Decide about all entries of one document; `known` is not touched.

    `unchanged` names the items of the document's other entries, which are as they were when all was decided about.
    Where one of their names occurs again, the reading is `ambiguous`: only the whole document shows what it names.
    """
    candidates = [_candidate(entry, source, now) for entry in entries]
    if unchanged and _occurs_again(candidates, known, set(unchanged)):
        return Reading((), ambiguous=True)
    candidates = _usable(candidates)
    distrust = _distrust(candidates, known, feed, source.id, len(unchanged))
    candidates = [_matched(_trusting(c, distrust), known) for c in candidates]
    winners, losers = _unique(candidates)
    fold = _Fold(source, now, known.layer(), titles=_bulk_titles(winners, known, len(entries) + len(unchanged)))
    fold.claimed = {id_name(c.match.id) for c in winners if c.match is not None} | set(unchanged)
    baseline = _is_baseline(feed, source, bool(fold.claimed))
    archive = _archive(winners, now)
    decided = [fold.decide(c, baseline or (archive and _is_old(c, now))) for c in winners]
    decisions = tuple(sorted((*decided, *losers), key=lambda d: _age(d.entry, d.dated, now)))
    rollover = _is_rollover(decided, baseline) and not unchanged
    return Reading(decisions, tuple(sorted(distrust)), rollover, baseline, unchanged)


def forgettable(known: Known, documents: Mapping[str, float], limit: int = 100) -> list[ItemState]:
    """Items that no feed has shown for `FORGET_AFTER`, oldest first, at most `limit`.

    `documents`: source → time of its newest document. Time counts by the feed's documents, not by the clock: what
    lies in a feed that answers 304 for a year is still shown.
    """
    old = [
        item
        for item in known.items()
        if all(documents[s] - item.seen_at > FORGET_AFTER for s in item.shown if s in documents)
        and any(s in documents for s in item.shown)
    ]
    return sorted(old, key=lambda item: (item.seen_at, item.id))[:limit]


def _candidate(entry: Entry, source: Source, now: float) -> _Candidate:
    dated = dates.read(entry.date, now=now, timezone=source.timezone, month_first=source.month_first)
    trusted = dated.at if dated.quality in ("exact", "date_only") else None
    names = identity.aliases(entry, source.id, trusted, exact=dated.quality == "exact")
    if dated.at is None and entry.link:
        dated = replace(dates.from_address(entry.link, now=now, timezone=source.timezone), raw=dated.raw)
    return _Candidate(entry, dated, names, identity.digest(entry), identity.is_specific(entry.link))


# --- names that do not name ---------------------------------------------------------------------------------


def _occurs_again(candidates: list[_Candidate], known: Known, unchanged: set[int]) -> bool:
    owners = (known.owner(name) for c in candidates for name in c.names.strong)
    return any(owner is not None and id_name(owner.id) in unchanged for owner in owners)


def _usable(candidates: list[_Candidate]) -> list[_Candidate]:
    """Without guids and links that stand for several articles in this very document."""
    guids = _shared([(c.names.guid, c.names.link, c.title) for c in candidates])
    links = _shared([(c.names.link, c.names.guid, c.title) for c in candidates if c.names.guid or not c.specific])
    return [_without(c, guid=c.names.guid in guids, link=c.names.link in links) for c in candidates]


def _shared(names: list[tuple[int, int, str]]) -> set[int]:
    """Names that occur with different titles and, where the other strong name is there, with different ones."""
    titles: dict[int, set[str]] = {}
    others: dict[int, set[int]] = {}
    for name, other, title in names:
        titles.setdefault(name, set()).add(title)
        others.setdefault(name, set()).add(other)
    return {n for n in titles if n and len(titles[n]) > 1 and (len(others[n]) > 1 or others[n] == {0})}


def _distrust(candidates: list[_Candidate], known: Known, feed: FeedState, source: str, others: int) -> set[str]:
    """`guid` once it was seen to mean other articles than before, or to change while the links stay.

    `others`: how many entries are as they were.
    """
    with_guid = [c for c in candidates if c.names.guid]
    recycled = sum(_is_recycled(c, known, source) for c in with_guid)
    churned = sum(_is_churned(c, known) for c in with_guid)
    found = set(feed.distrust)
    if recycled >= max(UNSTABLE_LEAST, UNSTABLE_SHARE * (len(with_guid) + others)):
        found.add("guid")
    if churned >= max(BULK, (len(with_guid) + others) / 2):
        found.add("guid")
    return found


def _is_recycled(c: _Candidate, known: Known, source: str) -> bool:
    """Its guid is known, and both title and link were another's when this feed showed it."""
    item = known.owner(c.names.guid)
    if item is None or not c.names.link or c.names.link in item.aliases:
        return False
    shown = item.shown.get(source, "")
    return bool(shown) and "title" in identity.changed_fields(shown, c.digest)


def _is_churned(c: _Candidate, known: Known) -> bool:
    owner = known.owner(c.names.link) if c.names.link else None
    return owner is not None and known.owner(c.names.guid) is None


def _trusting(c: _Candidate, distrust: set[str]) -> _Candidate:
    return _without(c, guid="guid" in distrust and bool(c.names.link), link=False)


def _without(c: _Candidate, *, guid: bool, link: bool) -> _Candidate:
    if not guid and not link:
        return c
    names = replace(c.names, guid=0 if guid else c.names.guid, link=0 if link else c.names.link)
    return replace(c, names=names)


# --- who is who ---------------------------------------------------------------------------------------------


def _unique(candidates: list[_Candidate]) -> tuple[list[_Candidate], list[Decision]]:
    """Entries to decide about, oldest first; of several with one identity the document's first one counts."""
    winners, losers = [], []
    seen: set[int | str] = set()
    for c in sorted(candidates, key=lambda c: c.entry.position):
        names: set[int | str] = set(_identity(c))
        if c.match is not None:
            names.add(c.match.id)
        if not names:
            losers.append(Decision("dropped-no-identity", c.entry, c.dated))
        elif names & seen:
            losers.append(Decision("dropped-duplicate", c.entry, c.dated))
        else:
            winners.append(c)
        seen |= names
    return winners, losers


def _identity(c: _Candidate) -> tuple[int, ...]:
    """What an entry is told apart by: strong names, or the first weak one it has."""
    return c.names.strong or c.names.weak[:1] or ((c.names.title,) if c.names.title else ())


def _matched(c: _Candidate, known: Known) -> _Candidate:
    match = _strong_match(c, known)
    return c if match is None else replace(c, match=match)


def _strong_match(c: _Candidate, known: Known) -> ItemState | None:
    """The item that guid or link name. A link that may be a whole section's counts only with the same title."""
    item = known.owner(c.names.guid) if c.names.guid else None
    if item is not None or not c.names.link:
        return item
    item = known.owner(c.names.link)
    if item is None or not c.names.guid or c.specific or c.title == item.digest[:8]:
        return item
    return None


def _bulk_titles(winners: list[_Candidate], known: Known, shown: int) -> dict[str, str]:
    """Title → item id, if so many unknown entries bear known titles that somebody published an archive again.

    `shown`: entries in the document; only where half of them are unknown is every title of the publisher read.
    """
    unmatched = [c for c in winners if c.match is None and known.find(c.names.weak) is None]
    long_ones = [c for c in unmatched if identity.has_long_title(c.entry)]
    if len(long_ones) < BULK or len(unmatched) * 2 < shown:
        return {}
    titles = {item.digest[:8]: item.id for item in known.items()}
    again = sum(c.title in titles for c in long_ones)
    return titles if again >= BULK and again * 2 >= len(unmatched) else {}


def _is_baseline(feed: FeedState, source: Source, anything_known: bool) -> bool:
    """First sight of a feed, or of another address for it that has nothing in common with the former."""
    return not feed.baseline_done or (feed.url not in ("", source.url) and not anything_known)


def _archive(winners: list[_Candidate], now: float) -> bool:
    """Are there many entries that are unknown and old?"""
    return sum(1 for c in winners if c.match is None and _is_old(c, now)) >= BULK


def _is_old(c: _Candidate, now: float) -> bool:
    return c.dated.at is not None and now - c.dated.at.timestamp() > ARCHIVE_AGE


def _age(entry: Entry, dated: Dated, now: float) -> tuple[float, int]:
    """Sorts the oldest first; what has no date counts as of now; a document's last entry is its oldest."""
    return (dated.at.timestamp() if dated.at else now), -entry.position


def _is_rollover(decided: list[Decision], baseline: bool) -> bool:
    return not baseline and len(decided) >= BULK and Counter(d.outcome for d in decided)["new"] == len(decided)


# --- the fold -----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Fold:
    """Takes the entries one by one; `known` is a layer that holds what was decided so far."""

    source: Source
    now: float
    known: Known
    titles: dict[str, str]
    claimed: set[int] = field(default_factory=set)  # names of items that entries of this document are

    def decide(self, c: _Candidate, baseline: bool) -> Decision:
        item = self._match(c)
        decision = self._new(c, baseline) if item is None else self._again(c, item)
        assert decision.item is not None
        self.claimed.add(id_name(decision.item.id))
        self.known.put(decision.item)
        return decision

    def _match(self, c: _Candidate) -> ItemState | None:
        strong = c.match or _strong_match(c, self.known)
        if strong is not None:
            return strong
        found = [self.known.owner(alias) for alias in (*c.names.weak, c.names.title) if alias]
        if identity.has_long_title(c.entry) and c.title in self.titles:
            found.append(self.known.get(self.titles[c.title]))
        # What another entry of this document is cannot be this one too.
        free = (i for i in found if i is not None and (id_name(i.id) not in self.claimed or not c.names.strong))
        return next(free, None)

    def _new(self, c: _Candidate, baseline: bool) -> Decision:
        item = ItemState(
            id=self._mint(_identity(c)[0]),
            publisher=self.source.publisher,
            aliases=list(c.names.all),
            shown={self.source.id: c.digest},
            seen_at=self.now,
        )
        return Decision("baseline" if baseline else "new", c.entry, c.dated, item, write=True)

    def _mint(self, alias: int) -> str:
        salt = 0
        while self.known.get(minted := identity.mint(self.source.publisher, alias, salt)) is not None:
            salt += 1
        return minted

    def _again(self, c: _Candidate, item: ItemState) -> Decision:
        if item.shown.get(self.source.id) == c.digest and self._is_fresh(c, item):
            return Decision("same", c.entry, c.dated, item)
        fields = self._news(c, item)
        added = bool(set(c.names.strong) - set(item.aliases))
        aliases = list(dict.fromkeys((*item.aliases, *c.names.all)))[:MAX_ALIASES] if added else item.aliases
        after = msgspec.structs.replace(
            item,
            revision=item.revision + (1 if fields else 0),
            shown={**item.shown, self.source.id: c.digest},
            published=c.digest if fields else item.published,
            aliases=aliases,
            seen_at=self.now if self.now - item.seen_at > SEEN_EVERY else item.seen_at,
        )
        return Decision("changed" if fields else "same", c.entry, c.dated, after, after != item, fields)

    def _is_fresh(self, c: _Candidate, item: ItemState) -> bool:
        """Nothing to add to what is known: no new name, and seen lately."""
        names = c.names
        return (
            (not names.guid or names.guid in item.aliases)
            and (not names.link or names.link in item.aliases)
            and self.now - item.seen_at <= SEEN_EVERY
        )

    def _news(self, c: _Candidate, item: ItemState) -> tuple[str, ...]:
        """Fields that this feed shows otherwise than before, unless another feed brought the very same already."""
        before = item.shown.get(self.source.id)
        if before is None or before == c.digest:
            return ()
        fields = identity.changed_fields(before, c.digest)
        return fields if set(fields) & set(identity.changed_fields(item.digest, c.digest)) else ()
