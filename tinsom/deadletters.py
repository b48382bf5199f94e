"""Dead letters: the record byte for byte, with the reason in `tinsom-dlq-*` headers."""

from __future__ import annotations

from tinsom.log import Output, Record

PREFIX = "tinsom-dlq-"
# The detail may quote the record (Unicode errors do): keep it short.
DETAIL_CHARS = 200


def letter(record: Record, *, stage: str, reason: str, detail: str, attempts: int, now: int) -> Output:
    """The dead letter of `record`: same key, value, headers and timestamp, and why it is here."""
    why = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "stage": stage,
        "reason": reason,
        "detail": detail[:DETAIL_CHARS],
        "attempts": attempts,
        "at": now,
    }
    extra = tuple((PREFIX + name, str(value).encode()) for name, value in why.items())
    return Output(
        topic="dead-letters",
        key=record.key,
        value=record.value,
        timestamp=record.timestamp,
        headers=(*record.headers, *extra),
        partition_by=record.key or b"",
    )


def original(record: Record) -> Record:
    """The record that a dead letter holds, as it was; raises KeyError when it is no dead letter."""
    why = reasons(record)
    headers = tuple((name, value) for name, value in record.headers if not name.startswith(PREFIX))
    return Record(
        topic=why["topic"],
        partition=int(why["partition"]),
        offset=int(why["offset"]),
        timestamp=record.timestamp,
        key=record.key,
        value=record.value,
        headers=headers,
    )


def reasons(record: Record) -> dict[str, str]:
    """The `tinsom-dlq-*` headers without their prefix."""
    return {
        name.removeprefix(PREFIX): value.decode("utf-8", "replace")
        for name, value in record.headers
        if name.startswith(PREFIX)
    }
