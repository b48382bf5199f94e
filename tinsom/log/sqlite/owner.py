"""Owning partitions of the SQLite log: leases kept by a heartbeat, take-over, hand-over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from tinsom.errors import FencedError
from tinsom.log import Gained, Lost, Output, Record
from tinsom.log.sqlite.share import moves
from tinsom.log.sqlite.store import Lease

if TYPE_CHECKING:
    from tinsom.log.sqlite import SqliteLog

logger = structlog.get_logger(__name__)

# `lost` may write its last results; a stage that needs longer is cut off.
LOST_SECONDS = 12.0


@dataclass(eq=False)
class SqlitePartition:
    log: SqliteLog
    lease: Lease
    topic: str
    number: int
    position: int
    owned: bool = True
    paused: bool = False
    ending: bool = False
    served: float = 0.0
    taken: asyncio.Event = field(default_factory=asyncio.Event)  # `gained` has ended
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def commit(self, outputs: Sequence[Output], offset: int | None = None) -> None:
        if not self.owned:
            raise FencedError(f"{self.topic}[{self.number}] is not owned any more")
        try:
            await self.log.commit(outputs, self.lease, offset)
        except FencedError:
            self.owned = False
            raise

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False
        self.log.wake()

    async def seek(self, offset: int) -> None:
        self.position = offset
        self.log.wake()


@dataclass(frozen=True)
class SqliteBatch:
    partition: SqlitePartition
    records: Sequence[Record]

    async def commit(self, outputs: Sequence[Output]) -> None:
        offset = self.records[-1].offset + 1 if self.records else None
        await self.partition.commit(outputs, offset)


Found = tuple[int, int, list[Record]]
"""Partition id, the offset that was asked for, records."""


class SqliteOwner:
    """One member of a group. The heartbeat task keeps leases; gaining and losing run beside it."""

    def __init__(self, log: SqliteLog, group: str, topics: Sequence[str], gained: Gained, lost: Lost) -> None:
        self._log, self._group, self._gained, self._lost = log, group, gained, lost
        self._ids = [i for (topic, _), i in log.store.ids.items() if topic in topics]
        self.partitions: dict[tuple[str, int], SqlitePartition] = {}
        self._held: dict[int, SqlitePartition] = {}  # from claim to release, restored or not
        self._tasks: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()
        self._failure: BaseException | None = None
        self._heartbeat: asyncio.Task[None] | None = None
        self._ahead: asyncio.Task[Found | None] | None = None

    async def start(self) -> None:
        await self._beat()
        self._heartbeat = asyncio.create_task(self._beat_for_ever())

    async def close(self) -> None:
        """Hand everything over: last results written, leases released, membership ended."""
        if self._heartbeat is not None:
            self._heartbeat.cancel()
            await asyncio.gather(self._heartbeat, return_exceptions=True)
        if self._ahead is not None:
            await asyncio.gather(self._ahead, return_exceptions=True)
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        for partition in list(self._held.values()):
            self._end(partition)
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._log.run(self._log.store.leave, self._group, self._log.member)

    def stop(self) -> None:
        self._stop.set()
        self._log.wake()

    async def _beat_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._log.session / 3)
            try:
                await self._beat()
            except Exception as error:  # the disk may be full for a while; commits tell the worker
                logger.warning("lease heartbeat failed", group=self._group, error=str(error))

    async def _beat(self) -> None:
        """Renew, notice what was taken from us, claim and release what the share-out asks for."""
        log = self._log
        members, leases = await log.run(log.store.heartbeat, self._group, log.member, time.time(), log.session)
        for partition in [p for i, p in self._held.items() if leases.get(i) != p.lease]:
            partition.owned = False
            self._end(partition)
        # A lease of ours that nobody holds (its release failed) is free: it is claimed anew.
        owners = {i: x.member for i, x in leases.items() if x.member != log.member or i in self._held}
        claims, releases = moves(log.member, members, owners, self._ids)
        for i in releases:
            if i in self._held:
                self._end(self._held[i])
        if claims:
            await self._claim([i for i in claims if i not in self._held])

    async def _claim(self, ids: Sequence[int]) -> None:
        log = self._log
        epochs = await log.run(log.store.epochs, self._group)
        for i in ids:
            lease = await log.run(log.store.claim, self._group, i, log.member, epochs.get(i))
            if lease is not None:
                topic, number = log.name_of(i)
                self._held[i] = partition = SqlitePartition(log, lease, topic, number, 0)
                self._spawn(self._take(partition))

    async def _take(self, partition: SqlitePartition) -> None:
        """The former owner is fenced by the claim; restore, then batches may come."""
        try:
            partition.position = await self._log.start_position(self._group, partition.lease.partition)
            await self._gained(partition)
        except Exception as error:
            self._failure = error
            partition.owned = False
        finally:
            partition.taken.set()
        if partition.owned and not partition.ending:
            self.partitions[partition.topic, partition.number] = partition
        self._log.wake()

    def _end(self, partition: SqlitePartition) -> None:
        """Begin to lose a partition, once; it stays held until `lost` has run, so it is not gained meanwhile."""
        if not partition.ending:
            partition.ending = True
            self.partitions.pop((partition.topic, partition.number), None)
            self._spawn(self._let_go(partition))

    async def _let_go(self, partition: SqlitePartition) -> None:
        """No new batch, the commit in flight ends, the stage writes its last, then the lease goes.

        Fenced means lost: then `lost` can write nothing, and there is no lease to give back.
        """
        await partition.taken.wait()
        async with partition.lock:
            pass
        await self._call_lost(partition)
        async with partition.lock:
            fenced = not partition.owned
            partition.owned = False
        try:
            if not fenced:
                await self._log.run(self._log.store.release, partition.lease)
        finally:
            self._held.pop(partition.lease.partition, None)

    async def _call_lost(self, partition: SqlitePartition) -> None:
        try:
            await asyncio.wait_for(self._lost(partition), LOST_SECONDS)
        except TimeoutError:
            logger.warning("hand-over cut off", group=self._group, partition=partition.number)
        except Exception:
            logger.exception("losing a partition failed", group=self._group, partition=partition.number)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- reading ---------------------------------------------------------------------------------------

    async def batches(self, max_records: int, timeout: float) -> AsyncIterator[SqliteBatch]:
        idle_since = time.monotonic()
        while not self._stop.is_set():
            seen = self._log.generation
            if self._failure is not None:
                raise self._failure
            self._drop_fenced()
            batch = await self._next(max_records)
            if self._stop.is_set():
                return
            if batch is not None:
                yield batch
            elif (left := timeout - (time.monotonic() - idle_since)) > 0:
                await self._log.changed(seen, left)
                continue
            else:
                for partition in list(self.partitions.values()):
                    if partition.owned and not self._stop.is_set():
                        yield SqliteBatch(partition, ())
            idle_since = time.monotonic()

    async def _next(self, max_records: int) -> SqliteBatch | None:
        """The next batch of the partition that waited longest, read while the caller worked on the last one."""
        ahead, self._ahead = self._ahead, None
        batch = self._accept(await ahead) if ahead is not None else None
        if batch is None:
            batch = self._accept(await self._look(max_records))
        if batch is not None:
            self._ahead = asyncio.create_task(self._look(max_records))
        return batch

    async def _look(self, max_records: int) -> Found | None:
        waiting = [p for p in self.partitions.values() if p.owned and not p.paused]
        if not waiting:
            return None
        waiting.sort(key=lambda p: p.served)
        positions = [(p.lease.partition, p.position) for p in waiting]
        found = await self._log.run(self._log.store.read_first, positions, max_records)
        return None if found is None else (found[0], dict(positions)[found[0]], found[1])

    def _accept(self, found: Found | None) -> SqliteBatch | None:
        """A seek, a pause or a rival may have come since the look; then it is looked again."""
        if found is None:
            return None
        identity, asked, records = found
        partition = self._held.get(identity)
        if partition is None or not partition.owned or partition.paused or partition.position != asked:
            return None
        partition.position = records[-1].offset + 1
        partition.served = time.monotonic()
        return SqliteBatch(partition, records)

    def _drop_fenced(self) -> None:
        for partition in [p for p in self.partitions.values() if not p.owned]:
            self._end(partition)
