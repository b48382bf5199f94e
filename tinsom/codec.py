"""Messages ⇄ records: JSON values, CloudEvents 1.0 headers (Kafka binding, binary mode).

The type travels in `ce_type` (`vn.tinsom.item.v1`); `ce_id` is a hash of type, key and value, so the same
content has the same id wherever it was made.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeVar

import msgspec

from tinsom import messages as m
from tinsom.errors import DecodeError
from tinsom.log import Headers, Output, Record

M = TypeVar("M", bound=m.Message)

TYPES: dict[str, type[m.Message]] = {
    "vn.tinsom.source.v1": m.Source,
    "vn.tinsom.item.v1": m.Item,
    "vn.tinsom.taxonomy-file.v1": m.TaxonomyFile,
    "vn.tinsom.tagged-item.v1": m.TaggedItem,
    "vn.tinsom.story-change.v1": m.StoryChange,
    "vn.tinsom.story.v1": m.Story,
    "vn.tinsom.reminder.v1": m.Reminder,
    "vn.tinsom.subscription.v1": m.Subscription,
    "vn.tinsom.destination.v1": m.Destination,
    "vn.tinsom.mute.v1": m.Mute,
    "vn.tinsom.name.v1": m.Name,
    "vn.tinsom.alert.v1": m.Alert,
    "vn.tinsom.suppression.v1": m.Suppression,
    "vn.tinsom.delivery.v1": m.Delivery,
    "vn.tinsom.verdict.v1": m.Verdict,
    "vn.tinsom.version.v1": m.Version,
}
_NAMES = {struct: name for name, struct in TYPES.items()}
_ENCODER = msgspec.json.Encoder()
_DECODERS: dict[str, msgspec.json.Decoder[m.Message]] = {
    name: msgspec.json.Decoder(struct) for name, struct in TYPES.items()
}


def register(name: str, struct: type[m.Message]) -> None:
    """Add a service's private state message; its name must be new."""
    if TYPES.setdefault(name, struct) is not struct:
        raise ValueError(f"{name} is taken")
    _NAMES[struct] = name
    _DECODERS[name] = msgspec.json.Decoder(struct)


def to_bytes(message: m.Message) -> bytes:
    return _ENCODER.encode(message)


def from_bytes(data: bytes | msgspec.Raw, struct: type[M]) -> M:
    """Decode a nested message (`TaggedItem.item`); raises DecodeError."""
    try:
        return msgspec.json.decode(data, type=struct)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DecodeError("schema", str(error)) from error


def output(
    topic: str,
    key: str,
    message: m.Message,
    timestamp: int,
    *,
    source: str,
    partition_by: str | None = None,
    partition: int | None = None,
) -> Output:
    """A record to be written. `source` is the stage that made it, for `ce_source`; `timestamp` in ms."""
    value = to_bytes(message)
    raw_key = key.encode()
    return Output(
        topic=topic,
        key=raw_key,
        value=value,
        timestamp=timestamp,
        headers=_headers(_NAMES[type(message)], raw_key, value, timestamp, source),
        partition_by=(partition_by or key).encode(),
        partition=partition,
    )


def tombstone(topic: str, key: str, timestamp: int, *, partition_by: str | None = None) -> Output:
    return Output(topic, key.encode(), None, timestamp, partition_by=(partition_by or key).encode())


def _headers(ce_type: str, key: bytes, value: bytes, timestamp: int, source: str) -> Headers:
    ce_id = hashlib.sha256(b"\0".join((ce_type.encode(), key, value))).hexdigest()[:32]
    return (
        ("ce_specversion", b"1.0"),
        ("ce_id", ce_id.encode()),
        ("ce_source", f"/tinsom/{source}".encode()),
        ("ce_type", ce_type.encode()),
        ("ce_time", _time(timestamp)),
        ("ce_subject", key),
        ("content-type", b"application/json"),
    )


@lru_cache(maxsize=64)  # records of one commit bear one time
def _time(timestamp: int) -> bytes:
    when = datetime.fromtimestamp(timestamp / 1000, UTC).isoformat(timespec="milliseconds")
    return when.replace("+00:00", "Z").encode()


def type_of(record: Record) -> str:
    for name, value in record.headers:
        if name == "ce_type":
            return value.decode("utf-8", "replace")
    raise DecodeError("no-type", "header ce_type is missing")


def decode(record: Record) -> m.Message:
    """The record's message by its `ce_type`; raises DecodeError with a reason of a closed list.

    Reasons: `no-type`, `unknown-type`, `null-value`, `schema`.
    """
    name = type_of(record)
    decoder = _DECODERS.get(name)
    if decoder is None:
        raise DecodeError("unknown-type", name[:80])
    if record.value is None:
        raise DecodeError("null-value")
    try:
        return decoder.decode(record.value)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DecodeError("schema", str(error)) from error


def decode_as(record: Record, struct: type[M]) -> M:
    """As `decode`, and it must be a `struct`."""
    message = decode(record)
    if not isinstance(message, struct):
        raise DecodeError("unexpected-type", type_of(record)[:80])
    return message
