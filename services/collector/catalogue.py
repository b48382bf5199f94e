"""Sources: from the configuration to records of topic `sources`. Pure but for the codec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from services.collector import dates
from tinsom import codec
from tinsom.config import Config, SourceConfig
from tinsom.errors import ConfigError, DecodeError
from tinsom.log import Output, Record
from tinsom.messages import Source, Version
from tinsom.topics import VERSION_KEY

TOPIC, _WRITER = "sources", "apply"


class Changes(NamedTuple):
    """What to write, and the difference as a person reads it: `+ id`, `~ id`, `- id`."""

    outputs: list[Output]
    difference: list[str]


def source_of(config: SourceConfig) -> Source:
    """The message of one configured source; raises ConfigError naming it."""
    host = _host(config)
    try:
        dates.zone(config.timezone)
    except ValueError as error:
        raise ConfigError(f"sources: {config.id!r}: {error}") from None
    return Source(
        id=config.id,
        publisher=config.publisher or host,
        url=config.url,
        name=config.name,
        kind=config.kind,
        tier=config.tier,
        timezone=config.timezone,
        month_first=config.month_first,
        interval=config.interval,
        full_text=config.full_text,
        enabled=config.enabled,
    )


def source_outputs(config: Config, now_ms: int, existing: Mapping[bytes, Record]) -> Changes:
    """The records that make topic `sources` say what the file says; `existing` is the table of now.

    A removed source is a tombstone here and nowhere else: the collector, the only writer of its own state, keeps
    the items. Raises ConfigError when a source's publisher changed: its items' identity would be lost.
    """
    wanted = {source.id: source for source in map(source_of, config.sources)}
    before = {key.decode(): _decoded(record) for key, record in existing.items()}
    outputs, difference = [], []
    for id_, source in sorted(wanted.items()):
        old = before.get(id_)
        if old == source:
            continue
        if old is not None and old.publisher != source.publisher:
            raise ConfigError(
                f"sources: {id_!r} belongs to publisher {old.publisher!r} for good; give it a new id to move it"
            )
        difference.append(("+ " if id_ not in before else "~ ") + id_)
        outputs.append(codec.output(TOPIC, id_, source, now_ms, source=_WRITER, partition_by=source.publisher))
    for id_ in sorted(before.keys() - wanted.keys()):
        difference.append("- " + id_)
        outputs.append(_tombstone(existing[id_.encode()], now_ms))
    version = Version(version=str(now_ms), entries=len(wanted))
    outputs.append(codec.output(TOPIC, VERSION_KEY.decode(), version, now_ms, source=_WRITER))
    return Changes(outputs, difference)


def _tombstone(record: Record, now_ms: int) -> Output:
    """In the partition where the record lies, which is its publisher's; that may not be readable any more."""
    return Output(TOPIC, record.key, None, now_ms, partition=record.partition)


def _decoded(record: Record) -> Source | None:
    try:
        return codec.decode_as(record, Source)
    except DecodeError:
        return None


def _host(config: SourceConfig) -> str:
    try:
        parts = urlsplit(config.url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"sources: {config.id!r}: {config.url!r} is not an http or https address")
    return parts.hostname.removeprefix("www.")
