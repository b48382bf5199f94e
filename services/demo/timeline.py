"""What happens when in the sample day, and what must have come out of it at its end. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.demo.edition import ZONE, Edition

What = Literal["published", "copied", "edited", "fault", "recovered", "renumbered"]


@dataclass(frozen=True, order=True)
class Moment:
    """One thing that happens; `who` is a publisher's or, of faults and new numbers, a feed's id."""

    at: float
    what: What
    who: str
    title: str = ""


@dataclass(frozen=True)
class Expected:
    """What the collector must have found once every feed was polled after its last change.

    An item is one publisher's article, however many of its feeds list it; a revision is an edit that a feed
    shows. `entries` counts, by feed, the different articles listed.
    """

    items: int  # today's, first revisions
    baseline: int
    revisions: int
    on_topic: int  # of `items`
    entries: dict[str, int]
    items_by_publisher: dict[str, int]


@dataclass(frozen=True)
class Timeline:
    """The day's course; `now` is what the demo's clock says, in seconds since the epoch."""

    start: float
    end: float
    moments: tuple[Moment, ...]

    @classmethod
    def of(cls, edition: Edition) -> Timeline:
        return cls(edition.opens, edition.closes, tuple(sorted(_moments(edition))))

    def until(self, now: float) -> tuple[Moment, ...]:
        """What has happened by `now`, in order."""
        return self.moments[: bisect_right(self.moments, now, key=lambda moment: moment.at)]

    def between(self, since: float, now: float) -> tuple[Moment, ...]:
        """What happened after `since`, up to and with `now`: for a progress line."""
        return self.until(now)[len(self.until(since)) :]

    def done(self, now: float) -> bool:
        """Everything is published and every edit made. Whether it was polled, `DemoSite.caught_up` tells."""
        return not self.moments or now >= self.moments[-1].at

    def progress(self, now: float) -> float:
        """Share of the day that has passed, 0 to 1."""
        return min(1.0, max(0.0, (now - self.start) / (self.end - self.start)))

    def speed(self, seconds: float) -> float:
        """For `ScaledClock`: how much faster than real the day must run to last `seconds`."""
        return (self.end - self.start) / seconds

    @staticmethod
    def label(now: float) -> str:
        """The hour as a reader in Hà Nội sees it: `09:42`."""
        return datetime.fromtimestamp(now, ZONE).strftime("%H:%M")


def expected(edition: Edition) -> Expected:
    today = [article for article in edition.articles if not article.baseline]
    return Expected(
        items=len(today),
        baseline=len(edition.articles) - len(today),
        revisions=sum(len(article.versions) - 1 for article in today),
        on_topic=sum(bool(article.about) for article in today),
        entries=dict(Counter(feed for article in edition.articles for feed in article.feeds)),
        items_by_publisher=dict(Counter(article.publisher for article in today)),
    )


def _moments(edition: Edition) -> Iterator[Moment]:
    for article in edition.articles:
        if article.baseline:
            continue
        first, *edits = article.versions
        yield Moment(first.at, "copied" if article.credit else "published", article.publisher, first.title)
        for version in edits:
            yield Moment(version.at, "edited", article.publisher, version.title)
    for feed, faults in edition.faults.items():
        for fault in faults:
            yield Moment(fault.start, "fault", feed, fault.what)
        if faults:
            yield Moment(faults[-1].end, "recovered", feed)
    for feed, at in edition.renumbered.items():
        yield Moment(at, "renumbered", feed)
