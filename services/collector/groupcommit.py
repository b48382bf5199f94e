"""What several polls write at the same time is written as one transaction: a group commit.

A commit by itself costs about as much as the poll that leads to it: a transaction, a wait for the disk or the
broker, a way to another thread and back. A poll lasts a second; that it waits a thousandth more for others
nobody sees (decision 0053).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tinsom import metrics
from tinsom.errors import FencedError
from tinsom.log import Output, Partition
from tinsom.topics import TOPICS

GATHER_SECONDS = 0.001


@dataclass(frozen=True, slots=True, eq=False)
class _Change:
    outputs: Sequence[Output]
    remember: Callable[[], None]
    written: asyncio.Future[None]

    def settle(self, error: Exception | None) -> None:
        """Tell who waits, if he still does; what goes wrong in `remember` is his alone."""
        if error is None:
            try:
                self.remember()
            except Exception as own:
                error = own
        if self.written.done():
            return
        if error is None:
            self.written.set_result(None)
        else:
            self.written.set_exception(error)


class GroupCommit:
    """The commits of one partition, in the order in which they were asked for."""

    def __init__(self, partition: Partition) -> None:
        self._partition = partition
        self._waiting: list[_Change] = []
        self._writing: asyncio.Task[None] | None = None

    async def commit(self, outputs: Sequence[Output], remember: Callable[[], None]) -> None:
        """Write `outputs`, all or none of them, then call `remember`; never one without the other.

        Whoever is cancelled here leaves both to happen by themselves: half a transaction is nobody's. Raises
        OversizeError, alone, and what the log raises, together with those whose outputs went with these.
        """
        for output in outputs:
            output.must_fit(TOPICS[output.topic].max_bytes)
        change = _Change(outputs, remember, asyncio.get_running_loop().create_future())
        self._waiting.append(change)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        await change.written

    async def settled(self) -> None:
        """Return when nothing waits to be written."""
        if self._writing is not None:
            await asyncio.wait({self._writing})

    async def _write(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(GATHER_SECONDS)
                async with self._partition.lock:
                    group, self._waiting = self._waiting, []
                    await self._write_as_one(group)
        finally:
            self._writing = None

    async def _write_as_one(self, group: Sequence[_Change]) -> None:
        failure = None
        try:
            await self._commit([output for change in group for output in change.outputs])
        except Exception as error:
            failure = error
        for change in group:
            change.settle(failure)

    async def _commit(self, outputs: Sequence[Output]) -> None:
        partition = self._partition
        if not partition.owned:
            raise FencedError(f"{partition.topic}[{partition.number}] is not owned any more")
        with metrics.COMMIT_SECONDS.labels("collector").time():
            await partition.commit(outputs)
