"""The sample day as data: publishers, feeds with their manners, articles with their edits. Pure after `load`.

An article is one publisher's: a syndicated copy is an article of the publisher that took it over.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from importlib import resources
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec
import yaml

from tinsom.config import DestinationConfig, SubscriptionConfig

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")

Damage = Literal["nfd", "nbsp", "caps", "old-tones", "zero-width", "dashes"]


class _Raw(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class _Fault(_Raw, frozen=True, kw_only=True):
    since: str = msgspec.field(name="from")
    until: str = msgspec.field(name="to")
    what: Literal["error", "html", "cut"]


class Publisher(_Raw, frozen=True, kw_only=True):
    id: str
    name: str  # ends in "(mẫu)"


class Feed(_Raw, frozen=True, kw_only=True):
    """One feed and its manner; `feeds.yaml` says what the words mean."""

    id: str
    publisher: str
    title: str
    form: Literal["rss", "atom", "rdf"]
    tier: int
    validators: Literal["both", "etag", "modified", "none"]
    dates: Literal["rfc", "gmt7", "local", "iso"]
    guid: Literal["permalink", "number", "none"]
    html: bool = False
    full: bool = False
    stamps_now: bool = False
    raw_entities: bool = False
    delay: float = 0.0
    renumber: str = ""
    faults: list[_Fault] = []


class _Edit(_Raw, frozen=True, kw_only=True):
    at: str
    title: str = ""
    lede: str = ""
    body: str = ""


class _Copy(_Raw, frozen=True, kw_only=True):
    feeds: list[str] = msgspec.field(name="in")
    at: str
    title: str = ""


class _Article(_Raw, frozen=True, kw_only=True):
    id: str
    at: str
    feeds: list[str] = msgspec.field(name="in")
    title: str
    lede: str
    body: str
    about: list[str] = []
    damage: list[Damage] = []
    edits: list[_Edit] = []
    copies: list[_Copy] = []


class _Articles(_Raw, frozen=True, kw_only=True):
    articles: list[_Article]
    yesterday: bool = False


class _Feeds(_Raw, frozen=True, kw_only=True):
    day: date
    opens: str
    closes: str
    publishers: list[Publisher]
    feeds: list[Feed]


class Audience(_Raw, frozen=True, kw_only=True):
    destinations: list[DestinationConfig]
    subscriptions: list[SubscriptionConfig]


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """An article's text from `at` (seconds since the epoch) until the next version."""

    at: float
    title: str
    lede: str
    body: tuple[str, ...]


class Article(msgspec.Struct, frozen=True, kw_only=True):
    """One publisher's article. `about` names what a reader should get it for; empty is off topic."""

    id: str
    publisher: str
    feeds: tuple[str, ...]
    versions: tuple[Version, ...]
    about: tuple[str, ...] = ()
    damage: tuple[Damage, ...] = ()
    credit: str = ""  # the publisher a copy was taken from
    baseline: bool = False

    @property
    def at(self) -> float:
        return self.versions[0].at

    def version(self, now: float) -> Version:
        """What the article says at `now`; its first text before it was published."""
        return self.versions[max(0, bisect_right(self.versions, now, key=lambda version: version.at) - 1)]


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    start: float
    end: float
    what: Literal["error", "html", "cut"]


@dataclass(frozen=True)
class Edition:
    """The whole day. Times are seconds since the epoch; articles are in order of publication."""

    opens: float
    closes: float
    publishers: dict[str, Publisher]
    feeds: dict[str, Feed]
    articles: tuple[Article, ...]
    audience: Audience
    faults: dict[str, tuple[Fault, ...]]  # by feed
    renumbered: dict[str, float]  # by feed: when its guids change

    def shown(self, feed: str, now: float) -> tuple[Article, ...]:
        """What the feed lists at `now`, newest first."""
        listed = [a for a in self.articles if feed in a.feeds and a.at <= now]
        return tuple(reversed(listed))

    def changed_at(self, feed: str, now: float) -> float:
        """When the feed's document last became another one, at or before `now`."""
        moments = [v.at for a in self.articles if feed in a.feeds for v in a.versions]
        moments += [self.renumbered[feed]] if feed in self.renumbered else []
        return max((moment for moment in moments if moment <= now), default=self.opens)

    def fault(self, feed: str, now: float) -> Fault | None:
        return next((f for f in self.faults.get(feed, ()) if f.start <= now < f.end), None)


def load() -> Edition:
    """The day that comes with the package."""
    folder = resources.files(__package__) / "day"
    texts = {path.name: path.read_text("utf-8") for path in folder.iterdir() if path.name.endswith(".yaml")}
    feeds = msgspec.convert(yaml.safe_load(texts.pop("feeds.yaml")), _Feeds)
    audience = msgspec.convert(yaml.safe_load(texts.pop("audience.yaml")), Audience)
    written = [msgspec.convert(yaml.safe_load(texts[name]), _Articles) for name in sorted(texts)]
    return assemble(feeds, audience, written)


def assemble(feeds: _Feeds, audience: Audience, written: Iterable[_Articles]) -> Edition:
    by_id = {feed.id: feed for feed in feeds.feeds}
    articles = [
        article for part in written for raw in part.articles for article in _articles(feeds.day, by_id, part, raw)
    ]
    return Edition(
        opens=_moment(feeds.day, feeds.opens),
        closes=_moment(feeds.day, feeds.closes),
        publishers={publisher.id: publisher for publisher in feeds.publishers},
        feeds=by_id,
        articles=tuple(sorted(articles, key=lambda a: (a.at, a.publisher, a.id))),
        audience=audience,
        faults={feed.id: tuple(_faults(feeds.day, feed)) for feed in feeds.feeds},
        renumbered={feed.id: _moment(feeds.day, feed.renumber) for feed in feeds.feeds if feed.renumber},
    )


def _articles(day: date, feeds: dict[str, Feed], part: _Articles, raw: _Article) -> Iterator[Article]:
    """The article and its copies in other papers."""
    if part.yesterday:
        day -= timedelta(days=1)
    original = Article(
        id=raw.id,
        publisher=feeds[raw.feeds[0]].publisher,
        feeds=tuple(raw.feeds),
        versions=tuple(_versions(day, raw)),
        about=tuple(raw.about),
        damage=tuple(raw.damage),
        baseline=part.yesterday,
    )
    yield original
    for copy in raw.copies:
        first = original.versions[0]
        text = msgspec.structs.replace(first, at=_moment(day, copy.at), title=copy.title or first.title)
        yield msgspec.structs.replace(
            original,
            publisher=feeds[copy.feeds[0]].publisher,
            feeds=tuple(copy.feeds),
            versions=(text,),
            credit=original.publisher,
        )


def _versions(day: date, raw: _Article) -> Iterator[Version]:
    version = Version(at=_moment(day, raw.at), title=raw.title, lede=raw.lede, body=_paragraphs(raw.body))
    yield version
    for edit in raw.edits:
        version = Version(
            at=_moment(day, edit.at),
            title=edit.title or version.title,
            lede=edit.lede or version.lede,
            body=_paragraphs(edit.body) or version.body,
        )
        yield version


def _paragraphs(text: str) -> tuple[str, ...]:
    return tuple(" ".join(part.split()) for part in text.split("\n\n") if part.strip())


def _faults(day: date, feed: Feed) -> Iterator[Fault]:
    for fault in feed.faults:
        yield Fault(start=_moment(day, fault.since), end=_moment(day, fault.until), what=fault.what)


def _moment(day: date, hour: str) -> float:
    return datetime.fromisoformat(f"{day} {hour}").replace(tzinfo=ZONE).timestamp()


__all__ = ["ZONE", "Article", "Audience", "Edition", "Fault", "Feed", "Publisher", "Version", "assemble", "load"]
