"""One partition that this process owns: its memory, its sources, its polls in flight, its commits."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import inf

import msgspec

from services.collector import schedule, state
from services.collector.articles.rereading import BUDGET, HOUR
from services.collector.decide import Reading
from services.collector.known import FeedState, State, id_name
from services.collector.reading.entry import Memo
from services.collector.state import PartitionState
from services.collector.web.response import Outcome
from tinsom import metrics
from tinsom.clock import millis
from tinsom.errors import FencedError
from tinsom.log import Output, Partition
from tinsom.messages import Source

FORGET_AFTER = 43_200.0


@dataclass(slots=True)
class Fingerprints:
    """The entries of a source's last document, 16 bytes each: what is as it was needs no second look.

    Forgotten after half a day, so that every item is seen to be shown now and then.
    """

    raw: array[int] = field(default_factory=lambda: array("q"))
    items: array[int] = field(default_factory=lambda: array("q"))
    since: float = 0.0

    def memo(self, now: float) -> Memo:
        return dict(zip(self.raw, self.items, strict=True)) if now - self.since < FORGET_AFTER else {}

    def keep(self, reading: Reading, now: float) -> None:
        """What the next look may pass over: what this one passed over, and what it decided."""
        kept = set(reading.unchanged)
        pairs = {raw: item for raw, item in zip(self.raw, self.items, strict=True) if item in kept}
        for decision in reading.decisions:
            if decision.item is not None and decision.entry.raw:
                pairs[decision.entry.raw] = id_name(decision.item.id)
        self.since = self.since if kept else now
        self.raw, self.items = array("q", pairs.keys()), array("q", pairs.values())


@dataclass(slots=True)
class Run:
    """What is known of a source while the process lives; what a restart needs is in its FeedState."""

    source: Source
    outcome: Outcome | None = None
    state: schedule.State = "new"
    written_at: float = 0.0  # when its FeedState was last committed
    audited_at: float = 0.0  # when "not modified" was last put to the test
    memo: Fingerprints = field(default_factory=Fingerprints)
    longest: float = inf  # seconds between two looks in which nothing can roll off unseen
    asked_until: float = 0.0  # before this the publisher does not want to be asked
    unwritten: bool = False  # the FeedState in memory says more than the one on the log


@dataclass(slots=True, eq=False)
class Share:
    partition: Partition
    memory: PartitionState
    runs: dict[str, Run] = field(default_factory=dict)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    swept: dict[str, float] = field(default_factory=dict)  # publisher → when its old items were last looked for
    closing: bool = False
    looks: dict[str, list[float]] = field(default_factory=dict)  # publisher → when pages were read again

    def feed(self, source: Source) -> FeedState:
        found = self.memory.feeds.get(source.id)
        return found if found is not None else FeedState(source=source.id, publisher=source.publisher)

    def room_for_looks(self, publisher: str, now: float) -> int:
        """How many pages of a publisher may still be read again within this hour."""
        times = [at for at in self.looks.get(publisher, ()) if now - at < HOUR]
        if times:
            self.looks[publisher] = times
        else:
            self.looks.pop(publisher, None)
        return BUDGET - len(times)

    def count_looks(self, publisher: str, count: int, now: float) -> None:
        self.looks.setdefault(publisher, []).extend([now] * count)

    async def commit(
        self,
        now: float,
        published: Sequence[Output] = (),
        states: Sequence[State] = (),
        gone: Sequence[State] = (),
    ) -> None:
        """Write what is published with the states it leads to, then remember these; never one without the other.

        States that are `gone` end with a tombstone. Where there is nothing to write, nothing happens.
        A poll that is cancelled here leaves the commit to end by itself: half a transaction is nobody's.
        """
        at = millis(now)
        outputs = [*published, *(state.output(one, at) for one in states)]
        outputs += [state.tombstone(one, at) for one in gone]
        if outputs:
            await asyncio.shield(self._commit(outputs, states, gone))

    async def _commit(self, outputs: Sequence[Output], states: Iterable[State], gone: Iterable[State]) -> None:
        async with self.partition.lock:
            if not self.partition.owned:
                raise FencedError(f"{self.partition.topic}[{self.partition.number}] is not owned any more")
            with metrics.COMMIT_SECONDS.labels("collector").time():
                await self.partition.commit(outputs)
            self.memory.forget(gone)
            for one in states:
                self.memory.put(one)

    def unwritten(self, now: float) -> list[FeedState]:
        """What a successor would miss: validators that came with nothing new, how long a publisher wants peace."""
        found = []
        for run in self.runs.values():
            feed = self.memory.feeds.get(run.source.id)
            if feed is not None and (run.unwritten or run.asked_until > max(now, feed.next_at)):
                found.append(msgspec.structs.replace(feed, next_at=max(feed.next_at, run.asked_until)))
        return found

    async def close(self, patience: float) -> None:
        """No new polls; those in flight get `patience` seconds, then they are dropped and polled elsewhere."""
        self.closing = True
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=patience)
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
