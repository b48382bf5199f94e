"""Commits that go together: one transaction, and to each of them as if it had been alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.waiting import until
from tinsom.errors import FencedError, LogFullError
from tinsom.log.sqlite.groupcommit import GroupCommit
from tinsom.log.sqlite.store import Commit, Lease
from tinsom.log.sqlite.thread import SerialThread


@dataclass
class World:
    """What is written, group by group; `full` groups find no room, `fenced` commits have no lease."""

    thread: SerialThread
    full: frozenset[int] = frozenset()
    fenced: frozenset[str] = frozenset()
    gate: threading.Event = field(default_factory=threading.Event)
    asked: list[list[str]] = field(default_factory=list)
    written: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.commits = GroupCommit(self.thread, self.write)

    def write(self, group: Sequence[Commit]) -> list[FencedError | None]:
        names = [commit.lease.member for commit in group]
        self.asked.append(names)
        number = len(self.asked)
        self.gate.wait()
        if number in self.full:
            raise LogFullError("no room left")
        self.written += [name for name in names if name not in self.fenced]
        return [FencedError(name) if name in self.fenced else None for name in names]

    def commit(self, name: str) -> asyncio.Task[None]:
        return asyncio.create_task(self.commits.commit(Commit([], Lease("g", 0, name, 1), None)))


@contextmanager
def serial() -> Iterator[SerialThread]:
    thread = SerialThread("test")
    thread.start()
    yield thread
    thread.close()


@pytest.fixture
def world() -> Iterator[World]:
    with serial() as thread:
        world = World(thread)
        yield world
        world.gate.set()


async def one_made_and_one_waiting(world: World) -> tuple[asyncio.Task[None], asyncio.Task[None]]:
    """`a` is in the thread, `b` comes after it."""
    made = world.commit("a")
    await until(lambda: world.asked)
    waiting = world.commit("b")
    await asyncio.sleep(0)
    return made, waiting


async def test_what_is_asked_for_while_one_is_made_is_made_together_in_its_order(world: World) -> None:
    first = world.commit("a")
    await until(lambda: world.asked)
    others = [world.commit(name) for name in "bcd"]
    await asyncio.sleep(0)
    world.gate.set()
    await asyncio.gather(first, *others)
    assert world.asked == [["a"], ["b", "c", "d"]]
    assert world.written == ["a", "b", "c", "d"]


async def test_who_lost_his_lease_fails_alone(world: World) -> None:
    world.gate.set()
    world.fenced = frozenset("b")
    found = await asyncio.gather(*map(world.commit, "abc"), return_exceptions=True)
    assert world.asked == [["a", "b", "c"]]
    assert [type(one) for one in found] == [type(None), FencedError, type(None)]


async def test_a_full_disk_is_told_to_all_and_the_next_one_may_find_room(world: World) -> None:
    world.gate.set()
    world.full = frozenset((1,))
    found = await asyncio.gather(*map(world.commit, "ab"), return_exceptions=True)
    assert [type(one) for one in found] == [LogFullError, LogFullError]
    await world.commit("c")
    assert world.written == ["c"]


async def test_who_is_cancelled_leaves_it_to_happen(world: World) -> None:
    made, waiting = await one_made_and_one_waiting(world)
    made.cancel()
    waiting.cancel()
    await asyncio.wait({made, waiting})
    world.gate.set()
    await until(lambda: world.written == ["a", "b"])


async def test_what_is_pushed_comes_before_what_the_thread_is_given_next(world: World) -> None:
    made, waiting = await one_made_and_one_waiting(world)
    world.commits.push()
    next_one = asyncio.create_task(world.thread.run(lambda: [*world.written]))
    await asyncio.sleep(0)
    world.gate.set()
    assert await next_one == ["a", "b"]
    await asyncio.gather(made, waiting, world.commit("c"))
    assert world.written == ["a", "b", "c"]


async def test_who_waits_when_the_thread_is_closed_is_told(world: World) -> None:
    made, waiting = await one_made_and_one_waiting(world)
    world.gate.set()
    world.thread.close()
    await made
    with pytest.raises(RuntimeError, match="closed"):
        await waiting
    assert world.written == ["a"]


@given(
    st.lists(st.tuples(st.sampled_from([0, 1, 2, 30]), st.booleans(), st.booleans()), max_size=12),
    st.frozensets(st.integers(1, 6)),
)
def test_each_is_told_what_became_of_it(plan: list[tuple[int, bool, bool]], full: frozenset[int]) -> None:
    """Asked for after so many turns of the loop; leases are lost, callers cancelled, disks full."""

    async def run(world: World) -> list[BaseException | None]:
        tasks = []
        for name, (turns, _, cancelled) in enumerate(plan):
            tasks.append(world.commit(f"{name:02}"))
            for _ in range(turns):
                await asyncio.sleep(0)
            if cancelled:
                tasks[-1].cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        if plan:  # what a cancelled caller left behind has happened before this
            await asyncio.gather(world.commit("end"), return_exceptions=True)
        return found

    with serial() as thread:
        lost = frozenset(f"{name:02}" for name, (_, fenced, _) in enumerate(plan) if fenced)
        world = World(thread, full, lost)
        world.gate.set()
        found = asyncio.run(run(world))
    told = {f"{name:02}": one for name, one in enumerate(found)}
    assert world.written == sorted(set(world.written))
    assert {name for name, one in told.items() if one is None} <= set(world.written)
    failed = {name for name, one in told.items() if isinstance(one, LogFullError | FencedError)}
    assert not failed & set(world.written)
    assert {name for name, one in told.items() if isinstance(one, FencedError)} <= lost
    asked = [name for group in world.asked for name in group]
    assert asked == sorted(set(asked))
    assert {name for name, one in told.items() if not isinstance(one, asyncio.CancelledError)} <= set(asked)
