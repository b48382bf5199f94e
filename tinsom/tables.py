"""What `tinsom apply` writes into a table so that it says what the files say. Pure but for the codec."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from tinsom import codec
from tinsom.log import Output, Record
from tinsom.messages import Message, Version
from tinsom.topics import VERSION_KEY

WRITER = "apply"


class Changes(NamedTuple):
    """What to write, and the difference as a person reads it: `+ id`, `~ id`, `- id`."""

    outputs: list[Output]
    difference: list[str]


def changes(
    topic: str,
    wanted: Mapping[str, Message],
    now_ms: int,
    existing: Mapping[bytes, Record],
    *,
    partition_by: Callable[[str], str],
    prefix: str = "",
) -> Changes:
    """The records that turn `existing`, the table of now, into `wanted` (key → message); the version comes last.

    Only keys that begin with `prefix` are the files' own; others are never touched. `partition_by` gives the
    partition's key of a wanted key.
    """
    outputs, difference = [], []
    for key, message in sorted(wanted.items()):
        before = existing.get(key.encode())
        if before is None or before.value != codec.to_bytes(message):
            difference.append(("+ " if before is None else "~ ") + key.removeprefix(prefix))
            outputs.append(
                codec.output(topic, key, message, now_ms, source=WRITER, partition_by=partition_by(key))
            )
    for key, record in _removed(wanted, existing, prefix):
        difference.append("- " + key.removeprefix(prefix))
        # In the partition where it lies: what decided that may not be readable any more.
        outputs.append(Output(topic, record.key, None, now_ms, partition=record.partition))
    version = Version(version=str(now_ms), entries=len(wanted))
    outputs.append(codec.output(topic, VERSION_KEY.decode(), version, now_ms, source=WRITER))
    return Changes(outputs, difference)


def _removed(
    wanted: Mapping[str, Message], existing: Mapping[bytes, Record], prefix: str
) -> Iterator[tuple[str, Record]]:
    for raw, record in sorted(existing.items()):
        key = raw.decode()
        if key.startswith(prefix) and key not in wanted:
            yield key, record
