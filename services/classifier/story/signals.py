"""What happens to no single story: something comes in a burst, an official source falls silent. Pure.

Each is a story of its own, one for what it is about and day, so it is told once. All that is known here follows
from the records of topic `stories`, put in any order.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from services.classifier.story import bursts, pulses
from services.classifier.story.bursts import Height
from services.classifier.story.pulses import Pulse
from services.classifier.story.rates import Rates, Seen
from services.classifier.story.reminders import ZONE
from tinsom import messages as m
from tinsom.text import slug

FIRST_ITEMS = 10
DAY = timedelta(days=1)


class Told(NamedTuple):
    """A burst or silence; `story` is its record, `change` what is told, None for a burst that is over."""

    story: m.Story
    change: m.StoryChange | None = None
    pulse: Pulse | None = None


class Signals:
    def __init__(self) -> None:
        self.rates = Rates()
        self.pulses: dict[str, Pulse] = {}
        self._bursts: dict[str, m.Story] = {}  # the last one of each
        self._looked: datetime | None = None  # for silences; once an hour is enough

    def put(self, story: m.Story, known: m.Story | None) -> None:
        """A story as it is now, and as it was before."""
        self.rates.put(story, known)
        if story.signal is not None:
            last = self._bursts.get(story.signal.about)
            if last is None or last.began_at <= story.began_at:
                self._bursts[story.signal.about] = story

    def put_pulse(self, pulse: Pulse) -> None:
        self.pulses[pulse.source] = pulse

    def beat(self, item: m.Item, tags: m.Tags) -> Pulse | None:
        """The pulse of an official source after an item that it has not shown before."""
        if item.tier != pulses.OFFICIAL or item.baseline or item.revision > 1:
            return None
        return pulses.beaten(self.pulses.get(item.source), item, tags)

    def bursts(self, item: m.Item, tags: m.Tags, tagged: bytes) -> Iterator[Told]:
        """What one more item, which is not put yet, begins or finds over. Parents that were only derived rise with
        their children and are not told beside them.
        """
        own = Seen(item.fetched_at.timestamp(), item.id, item.publisher)
        for kind, found in (("initiative", tags.initiatives), ("agency", tags.agencies)):
            for tag in found:
                if tag.role == "primary" and not isinstance(tag.via, str):
                    about = f"{kind}:{tag.id}"
                    height = bursts.height(self.rates, about, tags.taxonomy, own)
                    yield from self._told(about, tag, height, item, tagged)

    def _told(self, about: str, tag: m.Tag, height: Height, item: m.Item, tagged: bytes) -> Iterator[Told]:
        last = self._bursts.get(about)
        if last is not None and last.rising:
            if height.is_over:
                yield Told(replace(last, rising=False))
        elif height.is_burst:
            story = _story("burst", about, item.fetched_at, item.source)
            if last is None or last.id != story.id:
                signal = _signal(about, tag.name if isinstance(tag.name, str) else tag.id, height)
                yield _telling(replace(story, signal=signal, rising=True), "burst", item.id, msgspec.Raw(tagged))

    def silences(self, now: datetime) -> Iterator[Told]:
        """Official sources that have just become silent."""
        hour = now.replace(minute=0, second=0, microsecond=0)
        if self._looked == hour:
            return
        self._looked = hour
        for pulse, days in pulses.silent(self.pulses, now, self._heard):
            about = f"source:{pulse.source}"
            signal = m.Signal(
                about=about, name=pulse.name, observed=0, expected=float(len(days)),
                window=round((now - pulse.last).total_seconds()), since=pulse.last, items=[pulse.item],
            )  # fmt: skip
            story = replace(_story("silence", about, now, pulse.source), signal=signal)
            told = _telling(story, "silence", pulse.item, pulse.tagged)
            yield told._replace(pulse=replace(pulse, told=True))

    def _heard(self, day: date) -> bool:
        start = datetime(day.year, day.month, day.day, tzinfo=ZONE)
        span = start.timestamp(), (start + DAY).timestamp()
        return any(self.rates.volume(publisher, *span) for publisher in self.rates.publishers())


def _story(kind: str, about: str, at: datetime, source: str) -> m.Story:
    day = at.astimezone(ZONE).date().isoformat()
    return m.Story(id=f"{kind}-{slug(about)}-{day}", revision=1, began_at=at, sources=[source])


def _signal(about: str, name: str, height: Height) -> m.Signal:
    return m.Signal(
        about=about,
        name=name,
        observed=height.observed,
        expected=round(height.expected, 2),
        window=round(height.window),
        since=datetime.fromtimestamp(height.seen[0].at, UTC),
        items=[one.item for one in height.seen[:FIRST_ITEMS]],
    )


def _telling(story: m.Story, kind: m.StoryKind, item: str, tagged: msgspec.Raw) -> Told:
    change = m.StoryChange(
        story=story.id,
        revision=story.revision,
        kind=kind,
        item=item,
        tagged=tagged,
        began_at=story.began_at,
        sources=story.sources,
        signal=story.signal,
    )
    return Told(story, change)
