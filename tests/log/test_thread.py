"""Work goes to the log's thread in order, and comes to its end whoever waits for it."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Iterator

import pytest

from tests.waiting import until
from tinsom.log.sqlite.thread import SerialThread


@pytest.fixture
def thread() -> Iterator[SerialThread]:
    thread = SerialThread("test")
    thread.start()
    yield thread
    thread.close()


async def test_all_in_one_thread_that_is_not_the_loop_s(thread: SerialThread) -> None:
    names = await asyncio.gather(*(thread.run(threading.get_ident) for _ in range(3)))
    assert len(set(names)) == 1
    assert threading.get_ident() not in names


async def test_what_was_given_first_is_done_first(thread: SerialThread) -> None:
    done: list[int] = []
    await asyncio.gather(*(thread.run(done.append, n) for n in range(50)))
    assert done == list(range(50))


async def test_what_is_done_is_not_kept_until_the_next_comes(thread: SerialThread) -> None:
    class Rows(list[int]):
        """A list that can be watched."""

    rows = Rows()
    watched = weakref.ref(rows)
    await thread.run(rows.append, 1)
    del rows
    await until(lambda: watched() is None, "the rows are let go")


async def test_an_error_is_the_caller_s(thread: SerialThread) -> None:
    with pytest.raises(ZeroDivisionError):
        await thread.run(divmod, 1, 0)
    assert await thread.run(divmod, 7, 2) == (3, 1)


@pytest.mark.parametrize("fails", [False, True])
async def test_work_whose_caller_is_cancelled_comes_to_its_end(thread: SerialThread, fails: bool) -> None:
    begun, go, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        go.wait()
        ended.set()
        if fails:
            raise ValueError

    caller = asyncio.create_task(thread.run(work))
    await asyncio.to_thread(begun.wait)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go.set()
    assert await thread.run(ended.is_set)


async def test_what_is_closed_takes_nothing_and_has_done_what_it_took(thread: SerialThread) -> None:
    done: list[int] = []
    last = asyncio.create_task(thread.run(done.append, 1))
    await asyncio.sleep(0)
    thread.close()
    assert done == [1]
    await last
    with pytest.raises(RuntimeError, match="closed"):
        await thread.run(done.append, 2)


def test_a_loop_that_ended_meanwhile_harms_nothing(thread: SerialThread) -> None:
    begun, go = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        go.wait()

    async def leave() -> None:
        caller = asyncio.create_task(thread.run(work))
        await asyncio.to_thread(begun.wait)
        caller.cancel()

    asyncio.run(leave())
    go.set()
    assert asyncio.run(thread.run(divmod, 7, 2)) == (3, 1)
