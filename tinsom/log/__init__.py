"""The log: ordered, partitioned topics; read a batch, decide, commit outputs and offset as one.

Two forms behind this interface, `tinsom.log.sqlite` (one machine, nothing to install) and
`tinsom.log.kafka`; one conformance suite runs against both (tests/log/conformance.py).

    async with log.own("tag", ["items"], gained=restore, lost=forget) as owner:
        async for batch in owner.batches(500, timeout=1.0):
            await batch.commit([out for record in batch.records for out in handle(record)])

Topics are named by their short name (`items`); namespace and version are the log's business.
"""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from tinsom.errors import OversizeError

Headers = tuple[tuple[str, bytes], ...]

LATE_MS = 3_600_000
"""How much a record may be older than the one before it in its partition and still be found by its time."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """A record as read. `timestamp` in ms: when we fetched what it is about, or when a timer fired."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()

    def again(self) -> Output:
        """The same record to be written once more, to the same topic and partition."""
        return Output(self.topic, self.key, self.value, self.timestamp, self.headers, partition=self.partition)

    def slim(self) -> Record:
        """The record without the headers that reading its value does not take: these outweigh most values."""
        kept = tuple(header for header in self.headers if header[0] == "ce_type")
        return msgspec.structs.replace(self, headers=kept)


class Output(msgspec.Struct, frozen=True, gc=False):
    """A record to be written; the log picks the partition from `partition_by` unless one is given."""

    topic: str
    key: bytes | None
    value: bytes | None
    timestamp: int
    headers: Headers = ()
    partition_by: bytes | None = None
    partition: int | None = None

    @property
    def size(self) -> int:
        """Bytes of key, value and headers: what a topic's `max_bytes` bounds."""
        size = len(self.key or b"") + len(self.value or b"")
        for name, value in self.headers:
            size += len(name) + len(value)
        return size

    def must_fit(self, limit: int) -> None:
        """Raise OversizeError when the record is larger than its topic takes."""
        if (size := self.size) > limit:
            raise OversizeError(f"a record of {size} bytes is too large for {self.topic}, which takes {limit}")


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a group is behind in one partition. `oldest` is the timestamp (ms) of the next unread record."""

    topic: str
    partition: int
    records: int
    oldest: int | None


class Partition(Protocol):
    """A partition that this process owns. Every write on its behalf goes through `commit`."""

    @property
    def topic(self) -> str: ...

    @property
    def number(self) -> int: ...

    @property
    def lock(self) -> asyncio.Lock:
        """Held by whoever decides and commits: a batch, a timer or a sender, one at a time."""
        ...

    @property
    def owned(self) -> bool:
        """False from the moment the log knows that it is lost or fenced."""
        ...

    @property
    def position(self) -> int:
        """Offset of the next record that a batch of this partition will hold."""
        ...

    async def commit(self, outputs: Sequence[Output], offset: int | None = None) -> None:
        """Write `outputs`, and move the group's offset to `offset` (the next to read), as one.

        Raises FencedError (nothing written, partition lost), OversizeError (nothing written), LogFullError.
        """
        ...

    def pause(self) -> None:
        """Back-pressure: no batch of this partition until `resume`; what was fetched is kept or fetched again."""
        ...

    def resume(self) -> None: ...

    async def seek(self, offset: int) -> None:
        """Read on from `offset`; committed with the next commit."""
        ...


class Batch(Protocol):
    """Records of one partition, in order; empty when the time-out passed, so that timers get their turn."""

    @property
    def partition(self) -> Partition: ...

    @property
    def records(self) -> Sequence[Record]: ...

    async def commit(self, outputs: Sequence[Output]) -> None:
        """`partition.commit` with the offset after the last record."""
        ...


class Owner(Protocol):
    @property
    def partitions(self) -> Mapping[tuple[str, int], Partition]:
        """What is owned and restored now."""
        ...

    def batches(self, max_records: int, timeout: float) -> AsyncIterator[Batch]:
        """Batches for ever, until `stop`; a partition's next batch comes after the caller asks for it.

        A batch that was not committed comes again from the committed offset after `Partition.seek` or a restart.
        """
        ...

    def stop(self) -> None:
        """End `batches` after the batch in hand."""
        ...


Gained = Callable[[Partition], Awaitable[None]]
Lost = Callable[[Partition], Awaitable[None]]


class Tail(Protocol):
    """A reader without group or offsets that follows whole topics from their beginning."""

    async def read(self) -> list[Record]:
        """All records up to the stable end of now that were not returned before."""
        ...

    async def close(self) -> None: ...


class Log(Protocol):
    namespace: str
    missing: Collection[str]
    """Short names of topics that are not there, and that nothing else may be asked of."""

    async def start(self, *, create: bool = True) -> None:
        """Open and check; creates missing topics unless it is only to look. Raises UnreachableError, LogError."""
        ...

    async def close(self) -> None: ...

    def own(
        self, group: str, topics: Sequence[str], *, gained: Gained, lost: Lost, queue: bool = True
    ) -> AbstractAsyncContextManager[Owner]:
        """Share the partitions of `topics` with the other members of `group`.

        Take-over: the former owner is fenced, then `gained` runs (restore state here), then batches come.
        On losing one: no new batch, the commit in flight ends, then `lost` runs, which may commit its last
        results while the partition is handed over and cannot when it was fenced (FencedError). With
        `queue=False` the partitions are owned and never read (the collector): only `Partition.commit` is used.
        """
        ...

    async def append(self, outputs: Iterable[Output], *, writer: str) -> None:
        """Write outside any group, as one. A second process with the same `writer` fences the first.

        An empty first append takes the writer: read, decide and append after it, and a rival is noticed.
        """
        ...

    def read(self, topic: str, partition: int, start: int = 0, stop: int | None = None) -> AsyncIterator[Record]:
        """Records from `start` up to `stop` or the stable end at the time of the call; no group, no offsets."""
        ...

    def find(
        self,
        topic: str,
        *,
        since: int = 0,
        until: int | None = None,
        keys: Collection[bytes] | None = None,
        partitions: Sequence[int] | None = None,
    ) -> AsyncGenerator[Record, None]:
        """Records with since ≤ timestamp ≤ until (ms), of these `keys` and `partitions` if given; in order within
        a partition.

        Cheap for a short span of a long topic: the embedded log has an index, a broker is asked where the span
        begins. There what came to its partition behind a record more than `LATE_MS` newer than the span is missed.
        Who stops before the end closes it (`contextlib.aclosing`): a reader is behind it.
        """
        ...

    def tail(self, topics: Sequence[str]) -> Tail: ...

    def partitions_of(self, topic: str) -> int: ...

    async def ends(self, topic: str) -> dict[int, tuple[int, int]]:
        """Partition → (first offset kept, next offset to be written, as stable readers see it)."""
        ...

    async def offset_at(self, topic: str, partition: int, timestamp: int) -> int:
        """First offset whose record is not older than `timestamp` (ms); the end when there is none."""
        ...

    async def committed(self, group: str, topic: str) -> dict[int, int]:
        """Partition → committed offset, for partitions that have one."""
        ...

    async def reset(self, group: str, topic: str, partition: int, offset: int) -> None:
        """Set the group's offset by a person's decision; raises LogError while a member of the group lives."""
        ...

    async def lag(self, group: str, topic: str) -> list[Lag]: ...

    async def hidden(self) -> dict[tuple[str, int], int]:
        """Topic and partition → where what is written but shown to no reader begins: behind an open transaction.

        Every commit looks like that for a moment; one that stays was left open (docs/runbooks.md, TinsomHidden).
        """
        ...

    async def differences(self) -> list[str]:
        """Where topics and whoever keeps them differ from the registry, a line each that says what to do."""
        ...

    async def maintain(self, now: int) -> None:
        """Retention and compaction as of `now` (ms) where the log does it itself; a broker does its own."""
        ...


@dataclass
class Table:
    """A compacted topic read whole by everybody (`sources`, `subscriptions`): key → newest record.

    `complete` turns true when the version record, which `tinsom apply` writes last, was seen.
    """

    tail: Tail
    version_key: bytes = b"version"
    records: dict[bytes, Record] = field(default_factory=dict)
    complete: bool = False

    async def refresh(self) -> bool:
        """Read what is new; True when something changed."""
        news = await self.tail.read()
        for record in news:
            self._take(record)
        return bool(news)

    def _take(self, record: Record) -> None:
        key = record.key or b""
        held = self.records.get(key)
        if key == self.version_key:
            self.complete = True
        elif held is not None and held.partition != record.partition and held.timestamp > record.timestamp:
            return  # partitions come in no order: what a key left behind in its former one is older
        elif record.value is None:
            self.records.pop(key, None)
        else:
            self.records[key] = record.slim()


async def read_table(log: Log, topic: str) -> Table:
    """A table as it is now, for who looks once."""
    table = Table(log.tail([topic]))
    try:
        await table.refresh()
    finally:
        await table.tail.close()
    return table
