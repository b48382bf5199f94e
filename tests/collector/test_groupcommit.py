"""Commits that come together: one transaction, and to each of them as if it had been alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.groupcommit import GroupCommit
from tinsom.errors import FencedError, LogFullError, OversizeError
from tinsom.log import Output
from tinsom.topics import TOPICS

TOO_LARGE = TOPICS["items"].max_bytes + 1


@dataclass
class Slow:
    """A partition whose commits take as long as its gate is shut; those whose number is in `full` find no room."""

    topic: str = "sources"
    number: int = 0
    position: int = 0
    owned: bool = True
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    full: frozenset[int] = frozenset()
    asked: list[list[str]] = field(default_factory=list)
    written: list[str] = field(default_factory=list)

    async def commit(self, outputs: Sequence[Output], offset: int | None = None) -> None:
        names = [(output.key or b"").decode() for output in outputs]
        self.asked.append(names)
        number = len(self.asked)
        await self.gate.wait()
        if number in self.full:
            raise LogFullError("no room left")
        self.written += names

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    async def seek(self, offset: int) -> None: ...


@dataclass
class World:
    partition: Slow = field(default_factory=Slow)
    remembered: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.commits = GroupCommit(self.partition)

    def commit(self, name: str, size: int = 1) -> asyncio.Task[None]:
        output = Output("items", name.encode(), b"x" * size, 0)
        return asyncio.create_task(self.commits.commit([output], lambda: self.remembered.append(name)))

    async def under_way(self, count: int) -> None:
        while len(self.partition.asked) < count:
            await asyncio.sleep(0)


async def test_what_comes_while_one_is_written_is_written_as_one_in_its_order() -> None:
    world = World()
    first = world.commit("a")
    await world.under_way(1)
    others = [world.commit(name) for name in "bcd"]
    await asyncio.sleep(0)
    assert world.remembered == []
    world.partition.gate.set()
    await asyncio.gather(first, *others)
    assert world.partition.asked == [["a"], ["b", "c", "d"]]
    assert world.remembered == ["a", "b", "c", "d"]


async def test_what_no_topic_takes_is_nobody_elses_failure() -> None:
    world = World()
    world.partition.gate.set()
    found = await asyncio.gather(
        world.commit("a"), world.commit("b", TOO_LARGE), world.commit("c"), return_exceptions=True
    )
    assert [type(one) for one in found] == [type(None), OversizeError, type(None)]
    assert world.partition.written == world.remembered == ["a", "c"]


async def test_a_full_disk_is_told_to_all_and_the_next_one_may_find_room() -> None:
    world = World(Slow(full=frozenset((1,))))
    world.partition.gate.set()
    found = await asyncio.gather(world.commit("a"), world.commit("b"), return_exceptions=True)
    assert [type(one) for one in found] == [LogFullError, LogFullError]
    await world.commit("c")
    assert world.partition.written == world.remembered == ["c"]


async def test_a_memory_that_takes_nothing_in_is_its_own_polls_failure() -> None:
    world = World()
    world.partition.gate.set()

    def refuse() -> None:
        raise ValueError("not this one")

    wrong = asyncio.create_task(world.commits.commit([Output("items", b"a", b"x", 0)], refuse))
    found = await asyncio.gather(wrong, world.commit("b"), return_exceptions=True)
    assert [type(one) for one in found] == [ValueError, type(None)]
    assert (world.partition.written, world.remembered) == (["a", "b"], ["b"])


async def test_a_partition_that_was_lost_while_it_waited_is_not_written() -> None:
    world = World()
    waiting = world.commit("a")
    await asyncio.sleep(0)
    world.partition.owned = False
    with pytest.raises(FencedError, match=r"sources\[0\]"):
        await waiting
    assert world.partition.asked == []


async def test_who_is_cancelled_leaves_it_to_happen_and_settled_waits_for_it() -> None:
    world = World()
    await world.commits.settled()  # nothing waits
    poll = world.commit("a")
    await world.under_way(1)
    poll.cancel()
    settled = asyncio.create_task(world.commits.settled())
    await asyncio.wait({poll, settled}, timeout=0.01)
    assert (poll.cancelled(), settled.done()) == (True, False)
    world.partition.gate.set()
    await settled
    assert world.partition.written == world.remembered == ["a"]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.booleans()), max_size=12),
    st.frozensets(st.integers(1, 6)),
)
def test_what_is_remembered_is_what_was_written(plan: list[tuple[int, bool, bool]], full: frozenset[int]) -> None:
    """Each after so many turns of the loop, some too large, some cancelled in the middle, some disks full."""

    async def run() -> None:
        world, tasks = World(Slow(full=full)), []
        world.partition.gate.set()
        for name, (turns, large, cancelled) in enumerate(plan):
            tasks.append(world.commit(str(name), TOO_LARGE if large else 1))
            for _ in range(turns):
                await asyncio.sleep(0)
            if cancelled:
                tasks[-1].cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        await world.commits.settled()
        written = world.partition.written
        assert world.remembered == written
        assert written == sorted(set(written), key=int)
        assert {str(name) for name, one in enumerate(found) if one is None} <= set(written)
        assert not {str(name) for name, one in enumerate(found) if isinstance(one, LogFullError)} & set(written)

    asyncio.run(run())
