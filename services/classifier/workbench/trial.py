"""How often a rule would have fired, on what, and what it nearly fired on. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from services.classifier.tagger import Tagger
from services.classifier.themes import Outcome
from tinsom import messages as m

SHOWN = 10
# More than a person reads of one subject in a day.
MOST_A_DAY = 30


@dataclass(frozen=True, slots=True)
class Case:
    """One item on which a rule fired, or nearly did."""

    at: datetime
    title: str
    score: float
    why: str
    share: float = 1.0


@dataclass
class Trial:
    """Of one rule. `fired` are the newest cases, `near` the nearest."""

    id: str
    times: int = 0
    nearly: int = 0
    fired: list[Case] = field(default_factory=list)
    near: list[Case] = field(default_factory=list)


@dataclass
class Trials:
    by_id: dict[str, Trial]
    items: int = 0
    first: datetime | None = None
    last: datetime | None = None

    @property
    def days(self) -> float:
        """At least one: three items of an hour say nothing of a day."""
        if self.first is None or self.last is None:
            return 1.0
        return max(1.0, (self.last - self.first).total_seconds() / 86_400)

    def a_day(self, trial: Trial) -> float:
        return trial.times / self.days


def tried(tagger: Tagger, ids: Collection[str], items: Iterable[m.Item]) -> Trials:
    """The rules `ids` over all items, whichever kind of row they are."""
    trials = Trials({identity: Trial(identity) for identity in ids})
    for item in items:
        trials.items += 1
        trials.first = min(trials.first or item.fetched_at, item.fetched_at)
        trials.last = max(trials.last or item.fetched_at, item.fetched_at)
        tags = tagger.tag(item)
        for tag in (*tags.initiatives, *tags.agencies):
            if (trial := trials.by_id.get(tag.id)) is not None:
                _fired(trial, item, tag)
        for outcome in tagger.outcomes(item):
            if (trial := trials.by_id.get(outcome.id)) is not None and outcome.near:
                _nearly(trial, item, outcome)
    return trials


def _fired(trial: Trial, item: m.Item, tag: m.Tag) -> None:
    trial.times += 1
    rules = dict.fromkeys(evidence.rule.partition("/")[2] for evidence in tag.evidence)
    trial.fired.append(Case(item.fetched_at, item.title, tag.score, ", ".join(rules) or f"as parent of {tag.via}"))
    if len(trial.fired) > 2 * SHOWN:
        trial.fired = newest(trial)


def _nearly(trial: Trial, item: m.Item, outcome: Outcome) -> None:
    trial.nearly += 1
    trial.near.append(Case(item.fetched_at, item.title, outcome.score, missing(outcome), outcome.share))
    if len(trial.near) > 2 * SHOWN:
        trial.near = nearest(trial)


def newest(trial: Trial) -> list[Case]:
    return sorted(trial.fired, key=lambda case: case.at, reverse=True)[:SHOWN]


def nearest(trial: Trial) -> list[Case]:
    return sorted(trial.near, key=lambda case: (-case.share, -case.at.timestamp()))[:SHOWN]


def missing(outcome: Outcome) -> str:
    """Why a theme did not fire, for its author."""
    if outcome.silenced:
        return f"kept silent by {outcome.silenced!r}"
    needed = outcome.score + outcome.missing
    parts = [f"{outcome.missing:g} of {needed:g} points missing"] if outcome.missing else []
    if outcome.lacking:
        parts.append(f"{'or ' if parts else ''}a combination lacks {' and '.join(outcome.lacking)}")
    return ", ".join(parts)
