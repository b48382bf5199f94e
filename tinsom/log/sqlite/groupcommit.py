"""Commits that are asked for while another one is made are made together: a group commit (decision 0053).

A transaction, its wait for the disk and the way to the log's thread and back cost the same for ten commits as for
one. Nothing waits for others to come: a commit that finds no other under way goes in the loop's next turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from tinsom.log.sqlite.store import Commit
from tinsom.log.sqlite.thread import SerialThread, fail, tell

Errors = Sequence[BaseException | None]


class _Asked(NamedTuple):
    commit: Commit
    answer: asyncio.Future[None]


class GroupCommit:
    """One group at a time is in `thread`; there `write` says of each commit of it what went wrong with it alone,
    and raises what went wrong with all of them.
    """

    def __init__(self, thread: SerialThread, write: Callable[[Sequence[Commit]], Errors]) -> None:
        self._thread, self._write = thread, write
        self._waiting: list[_Asked] = []
        self._busy = False

    async def commit(self, commit: Commit) -> None:
        """It comes to its end even if the caller is cancelled meanwhile."""
        loop = asyncio.get_running_loop()
        asked = _Asked(commit, loop.create_future())
        self._waiting.append(asked)
        if not self._busy:
            self._busy = True
            loop.call_soon(self._begin)  # after whatever is ready now: it may have something to add
        await asked.answer

    def push(self) -> None:
        """Give the thread what waits: whatever it is given next comes after that."""
        if self._waiting:
            self._begin()

    def _begin(self) -> None:
        group, self._waiting = self._waiting, []
        if not group:
            return  # it was pushed
        try:
            self._thread.give(partial(self._make, asyncio.get_running_loop(), group))
        except RuntimeError as closed:
            self._end(group, [closed] * len(group))

    def _make(self, loop: asyncio.AbstractEventLoop, group: Sequence[_Asked]) -> None:
        """In the thread."""
        errors: Errors
        try:
            errors = self._write([asked.commit for asked in group])
        except BaseException as error:
            errors = [error] * len(group)
        with suppress(RuntimeError):  # the loop has ended: nobody waits any more
            loop.call_soon_threadsafe(self._end, group, errors)

    def _end(self, group: Sequence[_Asked], errors: Errors) -> None:
        for asked, error in zip(group, errors, strict=True):
            if error is None:
                tell(asked.answer, None)
            else:
                fail(asked.answer, error)
        self._busy = bool(self._waiting)
        if self._busy:
            asyncio.get_running_loop().call_soon(self._begin)
