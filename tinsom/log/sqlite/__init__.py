"""The embedded form of the log: one SQLite file, several processes if need be, nothing to install.

WAL, `synchronous=FULL`; all statements run in one thread of this process, each transaction is short and has
no await inside. Processes that share the file divide partitions by leases (decision 0003).
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar

from tinsom.errors import LostOffsetsError
from tinsom.log import Gained, Lag, Lost, Output, Record
from tinsom.log.sqlite.groupcommit import GroupCommit
from tinsom.log.sqlite.owner import SqliteOwner
from tinsom.log.sqlite.store import Commit, Lease, Row, Store
from tinsom.log.sqlite.thread import SerialThread
from tinsom.topics import DAY_MS, TOPICS, Topic, partition_for

P = ParamSpec("P")
T = TypeVar("T")

POLL_SECONDS = 0.05  # how soon another process's commit is noticed
CHUNK = 1_000
FOUND = 64  # records at once of those that `find` has found: whoever has enough asks for no more
LATEST = (1 << 63) - 1  # ms; later than any time
TOMBSTONES_KEPT_MS = DAY_MS


class SqliteLog:
    """See `tinsom.log.Log`. `session` (s): a process silent for so long loses its partitions.

    `live`: the namespace whose file is `path` itself.
    """

    def __init__(
        self,
        path: Path | str,
        namespace: str = "tinsom",
        *,
        session: float = 10.0,
        live: str = "tinsom",
        topics: dict[str, Topic] = TOPICS,
    ) -> None:
        self.namespace = namespace
        self.missing: Collection[str] = ()
        self.session = session
        self.member = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self.generation = 0
        self._path = namespace_path(Path(path), namespace, live)
        self._topics = topics
        self._thread = SerialThread("sqlite-log")
        self._commits = GroupCommit(self._thread, lambda group: self.store.commit(group))  # noqa: PLW0108 - comes with the start
        self._store: Store | None = None
        self._waiting: set[asyncio.Future[None]] = set()
        self._poller: asyncio.Task[None] | None = None
        self._epochs: dict[str, int] = {}
        self._ids_of: dict[tuple[str, int], int] = {}
        self._names: dict[int, tuple[str, int]] = {}
        self._routes: dict[str, tuple[list[int], int]] = {}  # topic → ids of its partitions, largest record

    @property
    def store(self) -> Store:
        assert self._store is not None, "the log was not started"
        return self._store

    async def start(self, *, create: bool = True) -> None:
        self._thread.start()
        self._store = await self.run(Store, self._path, list(self._topics.values()), create=create)
        self.missing = self._store.missing
        self._ids_of = self._store.ids
        self._names = {i: name for name, i in self._ids_of.items()}
        there = {name: topic for name, topic in self._topics.items() if name not in self.missing}
        self._routes = {name: (self._ids(name), topic.max_bytes) for name, topic in there.items()}
        self._poller = asyncio.create_task(self._poll())

    async def close(self) -> None:
        if self._poller is not None:
            self._poller.cancel()
            await asyncio.gather(self._poller, return_exceptions=True)
        if self._store is not None:
            await self.run(self._store.close)
        self._thread.close()

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a statement in the log's thread, to its end even if the caller is cancelled meanwhile.

        Commits that were asked for before come before it: a lease is not given back ahead of them.
        """
        self._commits.push()
        return await self._thread.run(work, *args, **kwargs)

    def name_of(self, partition: int) -> tuple[str, int]:
        return self._names[partition]

    def partitions_of(self, topic: str) -> int:
        return self._topics[topic].partitions

    def _ids(self, topic: str) -> list[int]:
        return [self._ids_of[topic, n] for n in range(self._topics[topic].partitions)]

    # --- waking up --------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Something changed: let every waiting reader look again."""
        self.generation += 1
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)

    async def changed(self, seen: int, timeout: float) -> None:
        """Return when something changed since `seen` (a `generation`), or after `timeout` s."""
        if seen != self.generation:
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.add(waiter)
        try:
            await asyncio.wait({waiter}, timeout=timeout)
        finally:
            self._waiting.discard(waiter)

    async def _poll(self) -> None:
        version = 0
        while True:
            await asyncio.sleep(POLL_SECONDS)
            if self._waiting and (now := await self.run(self.store.data_version)) != version:
                version = now
                self.wake()

    # --- writing ----------------------------------------------------------------------------------------

    def _rows(self, outputs: Iterable[Output]) -> list[Row]:
        """Outputs with their partition's id; raises OversizeError as a broker would, nothing is written."""
        rows, routes = [], self._routes
        for output in outputs:
            ids, max_bytes = routes[output.topic]
            output.must_fit(max_bytes)
            number = output.partition
            if number is None:
                key = output.partition_by if output.partition_by is not None else output.key
                number = partition_for(key or b"", len(ids))
            rows.append((ids[number], output))
        return rows

    async def commit(self, outputs: Iterable[Output], lease: Lease, offset: int | None) -> None:
        rows = self._rows(outputs)
        await self._commits.commit(Commit(rows, lease, offset))
        if rows:
            self.wake()

    async def append(self, outputs: Iterable[Output], *, writer: str) -> None:
        epoch = self._epochs.get(writer)
        self._epochs[writer] = await self.run(self.store.append, self._rows(outputs), writer, epoch)
        self.wake()

    # --- owning and reading -----------------------------------------------------------------------------

    @asynccontextmanager
    async def own(
        self, group: str, topics: Sequence[str], *, gained: Gained, lost: Lost, queue: bool = True
    ) -> AsyncIterator[SqliteOwner]:
        owner = SqliteOwner(self, group, topics, gained, lost)
        await owner.start()
        try:
            yield owner
        finally:
            await owner.close()

    async def start_position(self, group: str, partition: int) -> int:
        """Where a group goes on; refuses when retention has deleted what it had not read."""
        committed = (await self.run(self.store.committed, group, [partition])).get(partition)
        first, end = (await self.run(self.store.ends, [partition]))[partition]
        if committed is None:
            return first
        if not first <= committed <= end:
            topic, number = self._names[partition]
            raise LostOffsetsError(
                f"{group} had read {topic}[{number}] up to {committed}, but the log holds {first} to {end};"
                f" decide with `tinsom topics seek {group} {topic}`"
            )
        return committed

    async def fetch(self, partition: int, start: int, limit: int) -> list[Record]:
        return await self.run(self.store.read, partition, start, 1 << 39, limit)

    async def read(
        self, topic: str, partition: int, start: int = 0, stop: int | None = None
    ) -> AsyncIterator[Record]:
        number = self._ids_of[topic, partition]
        end = (await self.run(self.store.ends, [number]))[number][1]
        end = end if stop is None else min(stop, end)
        while start < end:
            records = await self.run(self.store.read, number, start, end, CHUNK)
            if not records:
                return
            for record in records:
                yield record
            start = records[-1].offset + 1

    async def find(
        self,
        topic: str,
        *,
        since: int = 0,
        until: int | None = None,
        keys: Collection[bytes] | None = None,
        partitions: Sequence[int] | None = None,
    ) -> AsyncGenerator[Record, None]:
        wanted = None if keys is None else [*keys]
        last = LATEST if until is None else until
        for number in range(self.partitions_of(topic)) if partitions is None else partitions:
            partition = self._ids_of[topic, number]
            offsets = await self.run(self.store.find, partition, since, last, wanted)
            for start in range(0, len(offsets), FOUND):
                for record in await self.run(self.store.read_each, partition, offsets[start : start + FOUND]):
                    yield record

    def tail(self, topics: Sequence[str]) -> SqliteTail:
        return SqliteTail(self, [i for topic in topics for i in self._ids(topic)])

    async def ends(self, topic: str) -> dict[int, tuple[int, int]]:
        ends = await self.run(self.store.ends, self._ids(topic))
        return {self._names[i][1]: end for i, end in ends.items()}

    async def offset_at(self, topic: str, partition: int, timestamp: int) -> int:
        return await self.run(self.store.offset_at, self._ids_of[topic, partition], timestamp)

    async def committed(self, group: str, topic: str) -> dict[int, int]:
        rows = await self.run(self.store.committed, group, self._ids(topic))
        return {self._names[i][1]: offset for i, offset in rows.items()}

    async def reset(self, group: str, topic: str, partition: int, offset: int) -> None:
        await self.run(self.store.reset, group, self._ids_of[topic, partition], offset, time.time())

    async def lag(self, group: str, topic: str) -> list[Lag]:
        committed = await self.committed(group, topic)
        return [
            await self._lag(topic, number, max(first, committed.get(number, first)), end)
            for number, (first, end) in (await self.ends(topic)).items()
        ]

    async def _lag(self, topic: str, number: int, position: int, end: int) -> Lag:
        if position >= end:
            return Lag(topic, number, 0, None)
        head = await self.fetch(self._ids_of[topic, number], position, 1)
        return Lag(topic, number, end - position, head[0].timestamp if head else None)

    async def hidden(self) -> dict[tuple[str, int], int]:
        return {}  # a transaction ends with its process

    async def differences(self) -> list[str]:
        return []  # what the file could have otherwise is refused when it is opened

    async def maintain(self, now: int) -> None:
        for topic in self._topics.values():
            for partition in self._ids(topic.name):
                if topic.compacted:
                    await self.run(self.store.compact, partition, now - TOMBSTONES_KEPT_MS)
                if topic.retention_ms is not None and "delete" in topic.cleanup:
                    await self.run(self.store.expire, partition, now - topic.retention_ms)


class SqliteTail:
    def __init__(self, log: SqliteLog, partitions: Sequence[int]) -> None:
        self._log = log
        self._next = dict.fromkeys(partitions, 0)

    async def read(self) -> list[Record]:
        ends = await self._log.run(self._log.store.ends, list(self._next))
        found: list[Record] = []
        for partition, (_, end) in ends.items():
            while self._next[partition] < end:
                chunk = await self._log.run(self._log.store.read, partition, self._next[partition], end, CHUNK)
                found += chunk
                self._next[partition] = chunk[-1].offset + 1 if chunk else end
        return found

    async def close(self) -> None:
        """Nothing is held."""


def namespace_path(path: Path, namespace: str, live: str) -> Path:
    """On SQLite a namespace other than the live one is a file of its own: a replay cannot touch live data."""
    return path if namespace == live else path.with_name(f"{path.stem}.{namespace}{path.suffix or '.db'}")
