"""Subscriptions and destinations: from the configuration to records, and from records to what holds. Pure
but for the codec; what is written under `bot/` is never touched here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from tinsom import codec
from tinsom.config import Config, DestinationConfig, MuteConfig, SubscriptionConfig
from tinsom.log import Output, Record
from tinsom.messages import Destination, Message, Mute, Subscription
from tinsom.tables import Changes, changes

FILE, BOT = "file/", "bot/"
MUTE = "file/mute:"
SETTINGS = frozenset({"digest", "digest_at", "gathered", "quiet"})  # what readers may choose for themselves
PAUSE = "pause/*"  # in `destinations`: nothing is sent while it stands there; `apply` leaves it alone


def subscription_outputs(config: Config, now_ms: int, existing: Mapping[bytes, Record]) -> Changes:
    """The records that make topic `subscriptions` say what the file says; `existing` is the table of now.

    A subscription keeps its `since` and its `backfill` through every edit, so that no edit tells anything old; a
    new one starts from `now_ms`.
    """
    wanted = {
        FILE + s.id: _subscription(s, now_ms, existing.get((FILE + s.id).encode())) for s in config.subscriptions
    }
    wanted |= {MUTE + m.id: mute(m) for m in config.mutes}
    return _changes("subscriptions", wanted, now_ms, existing)


def destination_outputs(config: Config, now_ms: int, existing: Mapping[bytes, Record]) -> Changes:
    """As `subscription_outputs`, for topic `destinations`."""
    wanted: dict[str, Message] = {FILE + d.alias: destination(d) for d in config.destinations}
    return _changes("destinations", wanted, now_ms, existing)


def _subscription(s: SubscriptionConfig, now_ms: int, before: Record | None) -> Message:
    since, backfill = datetime.fromtimestamp(now_ms / 1000, UTC), s.backfill
    if before is not None:
        kept = codec.decode_as(before, Subscription)
        since, backfill = kept.since or since, kept.backfill
    return Subscription(
        id=s.id, destination=s.destination, match=s.match, priority=s.priority, since=since, backfill=backfill
    )


def mute(m: MuteConfig) -> Mute:
    return Mute(id=m.id, match=m.match, until=m.until, destination=m.destination, author=m.author)


def destination(d: DestinationConfig) -> Destination:
    return Destination(**{name: getattr(d, name) for name in d.__struct_fields__})


def pause_output(paused: bool, now_ms: int) -> Output:
    """Stop all sending, or let it go on; what comes meanwhile waits."""
    if not paused:
        return codec.tombstone("destinations", PAUSE, now_ms, partition_by="*")
    everybody = Destination(alias="*", channel="recording", state="paused")
    return codec.output("destinations", PAUSE, everybody, now_ms, source="pause", partition_by="*")


def is_paused(records: Mapping[str, Destination]) -> bool:
    return PAUSE in records


def _changes(topic: str, wanted: Mapping[str, Message], now_ms: int, existing: Mapping[bytes, Record]) -> Changes:
    return changes(topic, wanted, now_ms, existing, partition_by=_owner, prefix=FILE)


def _owner(key: str) -> str:
    """`destinations` are partitioned by alias, whoever wrote the record."""
    return key.split("/", 1)[1]


def effective(records: Mapping[str, Destination]) -> dict[str, Destination]:
    """Alias → destination as it holds now.

    A `bot/` record with `configured` says what the sender learned about a file's destination and means nothing
    without it; one without is a destination of its own, made by a reader.
    """
    holds = {d.alias: d for key, d in records.items() if key.startswith(FILE)}
    for key, learned in records.items():
        if not key.startswith(BOT):
            continue
        if learned.alias in holds:
            holds[learned.alias] = overlay(holds[learned.alias], learned)
        elif not learned.configured:
            holds[learned.alias] = learned
    return holds


def overlay(configured: Destination, learned: Destination) -> Destination:
    """What was learned, and what its readers chose, speaks of the address that was configured then; another
    address starts afresh.
    """
    if learned.configured != configured.address or learned.channel != configured.channel:
        return configured
    chosen = {name: getattr(learned, name) for name in learned.chosen if name in SETTINGS}
    return msgspec.structs.replace(
        configured,
        address=learned.address,
        state=learned.state,
        reason=learned.reason,
        configured=learned.configured,
        chosen=learned.chosen,
        **chosen,
    )
