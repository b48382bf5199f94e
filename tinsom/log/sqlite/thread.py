"""One thread, in which all statements of a log run, in the order in which they were given to it.

An executor of one thread does the same with a second kind of future, its locks and its callbacks: 20 µs a call
instead of 8, which every commit and every batch would pay (decision 0051).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class SerialThread:
    """A log that nobody closed holds up no exit: what was not reported by then may be undone, as after a crash."""

    def __init__(self, name: str) -> None:
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name=name, daemon=True)
        self._closed = False

    def start(self) -> None:
        self._thread.start()

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `work` returns or raises. It runs to its end even if the caller is cancelled meanwhile."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()

        def job() -> None:
            try:
                settle: Callable[[], None] = partial(tell, answer, work(*args, **kwargs))
            except BaseException as error:
                settle = partial(fail, answer, error)
            with suppress(RuntimeError):  # the loop has ended: nobody waits any more
                loop.call_soon_threadsafe(settle)

        self.give(job)
        return await answer

    def give(self, job: Callable[[], None]) -> None:
        """Have something done that raises nothing and tells for itself what came of it."""
        if self._closed:
            raise RuntimeError(f"{self._thread.name} is closed")
        self._jobs.put(job)

    def close(self) -> None:
        """Wait for what was given so far; nothing is taken after it."""
        self._closed = True
        self._jobs.put(None)
        if self._thread.is_alive():
            self._thread.join()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
            del job  # who waits for the next one keeps no records of the last alive


def tell(answer: asyncio.Future[T], value: T) -> None:
    """To who waits for it, unless he was cancelled meanwhile."""
    if not answer.done():
        answer.set_result(value)


def fail(answer: asyncio.Future[T], error: BaseException) -> None:
    """As `tell`, what went wrong."""
    if not answer.done():
        answer.set_exception(error)
