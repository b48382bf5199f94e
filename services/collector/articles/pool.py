"""Slow work off the event loop, on all cores, each piece with a time limit.

A worker that hangs cannot be taken back: its pool ends, and the next piece of work begins another one.
"""

from __future__ import annotations

import asyncio
import resource
import signal
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, TypeVar

T = TypeVar("T")

MAX_MEMORY = 3 * 1024**3  # address space of a worker: ten times what the largest pages take


class WorkError(Exception):
    """The work took too long, or killed its worker."""


def _begin() -> None:
    """Ctrl-C and a service manager signal the whole group; the parent drains and ends its workers itself.

    What a hostile document makes a worker claim ends with an error of that work, not with the machine's memory.
    """
    limit = resource.getrlimit(resource.RLIMIT_AS)[1]
    most = MAX_MEMORY if limit == resource.RLIM_INFINITY else min(limit, MAX_MEMORY)
    resource.setrlimit(resource.RLIMIT_AS, (most, limit))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


class Pool:
    """Processes, made when first needed; `executor` instead of them, where one is at hand (tests, commands)."""

    def __init__(self, workers: int | None = None, executor: Executor | None = None) -> None:
        self._workers = workers
        self._given = executor
        self._pool: Executor | None = executor

    async def run(self, work: Callable[..., T], *args: object, timeout: float) -> T:
        """`work(*args)`, at most `timeout` seconds; raises WorkError, or what `work` raises."""
        try:
            future = self._executor().submit(work, *args)
        except BrokenProcessPool:
            self._replace()
            future = self._executor().submit(work, *args)
        try:
            async with asyncio.timeout(timeout):
                return await asyncio.wrap_future(future)
        except (TimeoutError, BrokenProcessPool) as error:
            self._give_up(future)
            raise WorkError(type(error).__name__) from error
        except asyncio.CancelledError:
            # Nobody waits for it any more, and it must not keep a worker beyond its time all the same.
            asyncio.get_running_loop().call_later(timeout, self._give_up, future)
            raise

    def close(self) -> None:
        if self._pool is not None and self._pool is not self._given:
            self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = self._given

    def _executor(self) -> Executor:
        if self._pool is None:
            # Not fork: threads of this process may hold locks that a child would wait for without end.
            self._pool = ProcessPoolExecutor(self._workers, mp_context=get_context("spawn"), initializer=_begin)
        return self._pool

    def _give_up(self, future: Future[Any]) -> None:
        if not (future.done() or future.cancel()) and self._given is None:
            self._replace()

    def _replace(self) -> None:
        pool, self._pool = self._pool, self._given
        if isinstance(pool, ProcessPoolExecutor):
            for process in list((getattr(pool, "_processes", None) or {}).values()):
                process.kill()
            pool.shutdown(wait=False, cancel_futures=True)
