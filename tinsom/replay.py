"""Topics to a file and back: keys, values, headers, timestamps and partitions as they were.

The file is JSON lines (gzip when its name ends in .gz): one line that names topic and partitions, then a
line per record. Bytes that are UTF-8 stand as text, others in a `…_base64` field, so the file can be read.
"""

from __future__ import annotations

import gzip
import zlib
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import IO, Any, cast

import msgspec

from tinsom.errors import InputError
from tinsom.log import Log, Output, Record
from tinsom.topics import TOPICS
from tinsom.words import counted

FORMAT = "tinsom-dump-1"
STDOUT = 1
CHUNK = 500
# What a file that is not there, cut off or damaged makes gzip raise.
UNREADABLE = (OSError, EOFError, zlib.error)


def line_of(record: Record) -> bytes:
    """One record as a line of the file, without its end."""
    row: dict[str, Any] = {"p": record.partition, "o": record.offset, "ts": record.timestamp}
    row |= _text("key", record.key) | _text("value", record.value)
    row["headers"] = [_header(name, value) for name, value in record.headers]
    return msgspec.json.encode(row)


def _header(name: str, value: bytes) -> list[str]:
    return [name, value.decode()] if _is_text(value) else [name, b64encode(value).decode(), "base64"]


def record_of(line: bytes, topic: str) -> Record:
    """The record of a line; raises InputError."""
    try:
        row = msgspec.json.decode(line)
        headers = tuple((h[0], b64decode(h[1]) if len(h) == 3 else h[1].encode()) for h in row["headers"])
        return Record(topic, row["p"], row["o"], row["ts"], _bytes(row, "key"), _bytes(row, "value"), headers)
    except (msgspec.DecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"not a line of a dump: {type(error).__name__}: {error}") from None


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _text(name: str, value: bytes | None) -> dict[str, str | None]:
    if value is None:
        return {name: None}
    return {name: value.decode()} if _is_text(value) else {f"{name}_base64": b64encode(value).decode()}


def _bytes(row: dict[str, Any], name: str) -> bytes | None:
    if f"{name}_base64" in row:
        return b64decode(row[f"{name}_base64"])
    text = row[name]
    return None if text is None else cast(str, text).encode()


def _open(path: Path, mode: str) -> IO[bytes]:
    opened = gzip.open(path, mode) if path.suffix == ".gz" else path.open(mode)  # noqa: SIM115 (callers close)
    return cast(IO[bytes], opened)


def _output(path: Path | None) -> IO[bytes]:
    # By its number: opened by a name, a file that the shell appends to would be emptied.
    return _open(path, "wb") if path is not None else open(STDOUT, "wb", closefd=False)


async def dump(
    log: Log,
    topic: str,
    path: Path | None,
    *,
    since: int | None = None,
    until: int | None = None,
    progress: Callable[[int], None] = lambda count: None,
) -> int:
    """Write a topic's records that are not older than `since` (ms) and older than `until`; without a `path` to
    standard output.

    Raises InputError when the file cannot be written.
    """
    head = {"format": FORMAT, "topic": topic, "partitions": log.partitions_of(topic)}
    count = 0
    try:
        with _output(path) as file:
            file.write(msgspec.json.encode(head) + b"\n")
            async for record in _records(log, topic, since, until):
                file.write(line_of(record) + b"\n")
                count += 1
                progress(count)
    except BrokenPipeError:
        raise  # nobody reads any more, and nobody asks why
    except OSError as error:
        raise InputError(f"cannot write {path or 'to standard output'}: {_reason(error)}") from None
    return count


async def _records(log: Log, topic: str, since: int | None, until: int | None) -> AsyncIterator[Record]:
    for number in range(log.partitions_of(topic)):
        start = 0 if since is None else await log.offset_at(topic, number, since)
        async for record in log.read(topic, number, start):
            # Timestamps are not in order everywhere: what comes after the first in time may be older.
            if (since is None or record.timestamp >= since) and (until is None or record.timestamp < until):
                yield record


def topic_of(path: Path) -> str:
    """The topic that a dump holds; raises InputError."""
    try:
        with _open(path, "rb") as file:
            head = file.readline()
    except UNREADABLE as error:
        raise InputError(f"cannot read {path}: {_reason(error)}") from None
    try:
        description = msgspec.json.decode(head)
        topic = str(description["topic"])
        known = description["format"] == FORMAT and topic in TOPICS
    except (msgspec.DecodeError, KeyError, TypeError):
        known = False
    if not known:
        raise InputError(f"{path}: not a dump of a topic; `tinsom dump` writes one")
    return topic


def read_dump(path: Path) -> tuple[str, Iterator[Record]]:
    """Topic and records of a dump; raises InputError naming file and line."""
    topic = topic_of(path)
    return topic, _lines(path, topic)


def _lines(path: Path, topic: str) -> Iterator[Record]:
    number = 1
    try:
        with _open(path, "rb") as file:
            file.readline()
            for number, line in enumerate(file, start=2):  # noqa: B007 (named in the errors)
                yield record_of(line, topic)
    except InputError as error:
        raise InputError(f"{path}:{number}: {error}") from None
    except UNREADABLE as error:
        raise InputError(f"{path}: broken off after line {number}: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


async def load(
    log: Log, path: Path, *, live_namespace: str, progress: Callable[[int], None] = lambda count: None
) -> tuple[str, int]:
    """Append a dump to the same topic of a scratch log, partition by partition as it was.

    Raises InputError when `log` is the live one: a replay writes nothing there.
    """
    if log.namespace == live_namespace:
        raise InputError(f"namespace {live_namespace!r} is the live one; a replay needs another")
    topic, records = read_dump(path)
    known = log.partitions_of(topic)
    count = 0
    chunk: list[Output] = []
    for record in records:
        if not 0 <= record.partition < known:
            raise InputError(
                f"{path}: {topic} has a partition {record.partition} there and {counted(known, 'partition')} here"
            )
        chunk.append(record.again())
        if len(chunk) == CHUNK:
            await log.append(chunk, writer="replay")
            count += len(chunk)
            progress(count)
            chunk = []
    await log.append(chunk, writer="replay")
    return topic, count + len(chunk)
