"""How right the tags are on a labelled file: precision, recall, F1 by kind and by tag, and the worst items.

A label is required, or optional (one reader gave it, the other did not) and then counts neither way; a role
that the readers disputed counts for any role only. Parents are derived on both sides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import msgspec

from services.classifier.tagger import Tagger, TagInput
from services.classifier.taxonomy import Taxonomy
from tinsom import messages as m

LabelRole = Literal["primary", "mentioned", "either"]
KINDS = (
    "initiatives",
    "initiatives primary",
    "agencies",
    "agencies primary",
    "documents",
    "places",
    "deadlines",
)


class LabelledTask(msgspec.Struct, frozen=True):
    lead: list[str] = []
    deadline: date | None = None


class Labelled(msgspec.Struct, frozen=True):
    """One line of a labelled file."""

    id: str
    title: str = ""
    text: str = ""
    published_at: str | None = None
    relevance: str = ""
    initiatives: dict[str, LabelRole] = {}
    optional_initiatives: list[str] = []
    agencies: dict[str, LabelRole] = {}
    optional_agencies: list[str] = []
    documents: list[str] = []
    optional_documents: list[str] = []
    places: list[str] = []
    optional_places: list[str] = []
    tasks: list[LabelledTask] = []
    optional_deadlines: list[date] = []


@dataclass
class Count:
    """True positives, false positives, false negatives."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0

    @property
    def f1(self) -> float:
        total = 2 * self.right + self.wrong + self.missed
        return 2 * self.right / total if total else 1.0

    def add(self, other: Count) -> None:
        self.right += other.right
        self.wrong += other.wrong
        self.missed += other.missed


@dataclass
class Report:
    """`by_tag` is keyed by (kind, tag); `faults` are (item, kind, tag, "wrong" or "missed"); `confusions` count
    (kind, missed, wrong) of one item: one may have been taken for the other.
    """

    by_kind: dict[str, Count] = field(default_factory=lambda: {kind: Count() for kind in KINDS})
    by_tag: dict[tuple[str, str], Count] = field(default_factory=dict)
    faults: list[tuple[str, str, str, str]] = field(default_factory=list)
    confusions: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    off_items: int = 0
    off_primary: list[str] = field(default_factory=list)

    def worst(self, most: int = 10) -> list[tuple[str, int]]:
        return Counter(fault[0] for fault in self.faults).most_common(most)

    def count(self, item: str, kind: str, required: set[str], optional: set[str], found: set[str]) -> None:
        for tag in sorted(required | found):
            if tag not in required and tag in optional:
                continue
            one = Count(tag in required and tag in found, tag not in required, tag not in found)
            self.by_kind.setdefault(kind, Count()).add(one)
            self.by_tag.setdefault((kind, tag), Count()).add(one)
            if not one.right:
                self.faults.append((item, kind, tag, "wrong" if one.wrong else "missed"))
        wrong = sorted(found - required - optional)
        self.confusions.update((kind, missed, taken) for missed in sorted(required - found) for taken in wrong)


def evaluate(rows: Iterable[Labelled], tagger: Tagger) -> Report:
    report = Report()
    for row in rows:
        _add(report, row, tagger.tag(input_of(row)), tagger.taxonomy)
    return report


def input_of(row: Labelled) -> TagInput:
    day = date.fromisoformat(row.published_at[:10]) if row.published_at else None
    return TagInput(id=row.id, title=row.title, text=row.text, published_at=day)


def _add(report: Report, row: Labelled, tags: m.Tags, taxonomy: Taxonomy) -> None:
    labels = with_parents(row.initiatives, taxonomy)
    optional = {*with_parents(dict.fromkeys(row.optional_initiatives, "mentioned"), taxonomy)}
    _roles(report, row.id, "initiatives", labels, optional, tags.initiatives)
    own = [tag for tag in tags.agencies if tag.via is msgspec.UNSET or tag.id in row.agencies]
    _roles(report, row.id, "agencies", row.agencies, {*row.optional_agencies}, own)
    keys = {document.key for document in tags.documents}
    report.count(row.id, "documents", {*row.documents}, {*row.optional_documents}, keys)
    report.count(row.id, "places", {*row.places}, {*row.optional_places}, {place.id for place in tags.places})
    due = {str(task.deadline) for task in row.tasks}
    found = {task.deadline for task in tags.tasks if task.deadline}
    report.count(row.id, "deadlines", due, {str(day) for day in row.optional_deadlines}, found)
    if row.relevance == "off":
        report.off_items += 1
        if any(tag.role == "primary" for tag in tags.initiatives):
            report.off_primary.append(row.id)


def _roles(
    report: Report,
    item: str,
    kind: str,
    labels: Mapping[str, LabelRole],
    optional: set[str],
    found: Sequence[m.Tag],
) -> None:
    report.count(item, kind, {*labels}, optional, {tag.id for tag in found})
    primary = {tag for tag, role in labels.items() if role == "primary"}
    disputed = optional | {tag for tag, role in labels.items() if role == "either"}
    report.count(item, f"{kind} primary", primary, disputed, {tag.id for tag in found if tag.role == "primary"})


_RANK = {"mentioned": 0, "either": 1, "primary": 2}


def with_parents(labels: Mapping[str, LabelRole], taxonomy: Taxonomy) -> dict[str, LabelRole]:
    """Labels with their parents, each with the strongest role of its children and its own."""
    closed = dict(labels)
    waiting = list(labels)
    while waiting:
        child = waiting.pop()
        row = taxonomy.initiatives.get(child)
        for parent in row.parents if row else ():
            if parent not in closed or _RANK[closed[child]] > _RANK[closed[parent]]:
                closed[parent] = closed[child]
                waiting.append(parent)
    return closed
