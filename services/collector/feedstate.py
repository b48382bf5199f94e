"""What one look leaves behind in a feed's state. Pure: the poll does, this decides what to remember of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from services.collector import rhythm, schedule
from services.collector.decide import Decision, Reading
from services.collector.known import FeedState
from services.collector.reading import dates
from services.collector.reading.entry import Document
from services.collector.web.response import GOOD, Outcome, Response
from tinsom.messages import Source

DAY = 86_400.0
# A permanent redirect is followed from the first day and believed from the second.
MOVED_AFTER = DAY
LIAR = "validators"


@dataclass(frozen=True, slots=True)
class Look:
    """What one poll saw. `audit`: a full GET where a conditional one would have done."""

    outcome: Outcome
    response: Response
    document: Document = field(default_factory=Document)
    audit: bool = False


def target(feed: FeedState, source: Source, now: float) -> str:
    """The address to ask: the configured one, or where it moved for good."""
    moved = feed.url == source.url and feed.moved_to and now - feed.moved_since >= MOVED_AFTER
    return feed.moved_to if moved else source.url


def validators_for(feed: FeedState, source: Source, address: str) -> tuple[str, str, str]:
    """ETag, Last-Modified and body hash that hold for `address`; what another address said means nothing there."""
    if feed.url != source.url or address not in (feed.via or feed.url, feed.answered_at):
        return "", "", ""
    if LIAR in feed.distrust:
        return "", "", feed.body_hash
    return feed.etag, feed.last_modified, feed.body_hash


def after_look(
    feed: FeedState, source: Source, seen: Look, now: float, reading: Reading | None = None
) -> FeedState:
    """The feed's state once everything in `seen` is committed."""
    failures = schedule.failures_after(feed.failures, seen.outcome)
    feed = msgspec.structs.replace(feed, failures=failures, next_at=0.0)
    if seen.outcome not in GOOD:
        # A new address that fails sends us back to the old one.
        return msgspec.structs.replace(feed, moved_to="", moved_since=0.0) if feed.via else feed
    if seen.outcome != "ok" and feed.url not in ("", source.url):
        return feed  # another address has shown no entry yet: what is known is still of the former
    after = _with_validators(feed, source, seen, now)
    if reading is None or seen.outcome != "ok":
        return after
    return _with_document(after, source, seen, now, reading, lied=_lied(feed, after, seen, reading))


def _with_validators(feed: FeedState, source: Source, seen: Look, now: float) -> FeedState:
    headers, repeated = seen.response.headers, seen.outcome == "not_modified"
    asked = target(feed, source, now)
    moved = seen.response.moved_to if asked == source.url else feed.moved_to
    return msgspec.structs.replace(
        feed,
        url=source.url,
        via=asked if asked != source.url else "",
        answered_at=seen.response.url if seen.response.url != asked else "",
        # A 304 need not repeat its validators; any other answer without them takes them back.
        etag=headers.get("etag", feed.etag if repeated else ""),
        last_modified=headers.get("last-modified", feed.last_modified if repeated else ""),
        moved_to=moved,
        moved_since=(feed.moved_since if moved == feed.moved_to else now) if moved else 0.0,
    )


def _lied(before: FeedState, after: FeedState, seen: Look, reading: Reading) -> bool:
    """Something new under the very ETag that we would have been told "not modified" for."""
    same = bool(before.etag) and before.etag == after.etag and before.via == after.via
    return seen.audit and same and any(d.outcome in ("new", "changed") for d in reading.decisions)


def _with_document(
    feed: FeedState, source: Source, seen: Look, now: float, reading: Reading, *, lied: bool
) -> FeedState:
    return msgspec.structs.replace(
        feed,
        body_hash=seen.response.body_hash,
        baseline_done=True,
        document_at=now,
        distrust=sorted({*reading.distrust, *((LIAR,) if lied else ())}),
        wishes=seen.document.wishes,
        rhythm=rhythm.learn(feed.rhythm, published(reading.decisions, now), now, dates.zone(source.timezone)),
    )


def published(decisions: Iterable[Decision], now: float) -> list[float]:
    """When the new entries were published, as far as they say so credibly; else when we saw them."""
    times = []
    for decision in decisions:
        if decision.outcome == "new":
            at = decision.dated.at.timestamp() if decision.dated.at else now
            credible = decision.dated.quality in ("exact", "inferred") and now - DAY <= at <= now
            times.append(at if credible else now)
    return times
