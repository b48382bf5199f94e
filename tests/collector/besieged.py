"""A real collector in a process of its own, besieged by `tests.fakes.hostile`; prints what it cost, as JSON.

python -m tests.collector.besieged PORT FOLDER
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from aiohttp.abc import AbstractResolver, ResolveResult

from services.collector import catalogue, poll, service
from services.collector.articles.pool import Pool
from services.collector.poll import LiveWeb
from services.collector.web.fetch import ANY_HOST, Fetcher
from services.collector.web.gate import Gate
from tests.fakes.hostile import ATTACKS
from tinsom.clock import SystemClock
from tinsom.config import CollectorConfig, Config, SourceConfig
from tinsom.log.sqlite import SqliteLog
from tinsom.service import Context

GOOD = 10
ROUNDS = 2  # polls of each good source
TIMEOUT = 15.0  # seconds; short for who drips, long enough for a million entries on a busy machine
PATIENCE = 20 * TIMEOUT
EXPECTED = {path[1:].replace(".", "-"): names for path, (_, names) in ATTACKS.items()}
EXPECTED |= {f"good-{n}": {"ok"} for n in range(GOOD)}


class Here(AbstractResolver):
    """Every host is this machine, so that each source has a host of its own."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host="127.0.0.1",
                port=port,
                family=socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        return


def sources(port: int) -> list[SourceConfig]:
    bad = [_source(path[1:].replace(".", "-"), path, port) for path in ATTACKS]
    return bad + [_source(f"good-{n}", f"/good/{n}", port) for n in range(GOOD)]


def _source(id_: str, path: str, port: int) -> SourceConfig:
    return SourceConfig(id=id_, url=f"http://{id_}.test:{port}{path}", interval=5.0, full_text=False)


def peak(pid: int | str = "self") -> float:
    """Megabytes that were ever resident."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1_024


def children(pid: int | str = "self") -> Iterable[int]:
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield int(child)
            yield from children(int(child))


async def watch(found: dict[str, float]) -> None:
    """Peak memory of the workers, the worst delay of this loop."""
    while True:
        before = time.monotonic()
        await asyncio.sleep(0.05)
        found["stall"] = max(found["stall"], time.monotonic() - before - 0.05)
        try:
            found["workers"] = max(found["workers"], *(peak(child) for child in children()), 0.0)
        except (OSError, StopIteration):
            continue  # one of them just ended


async def besieged(port: int, folder: Path) -> dict[str, object]:
    config = Config(sources=sources(port), collector=CollectorConfig(timeout=TIMEOUT))
    log = SqliteLog(folder / "log.db")
    await log.start()
    await log.append(catalogue.source_outputs(config, 0, {}).outputs, writer="apply")
    context, pool = Context(log, SystemClock(), config), Pool()
    found = {"stall": 0.0, "workers": 0.0}
    watcher = asyncio.create_task(watch(found))
    poll.PARSE_SECONDS = PATIENCE / 4  # a million entries are read at last, on a busy machine too
    start = time.monotonic()
    async with Fetcher(timeout=TIMEOUT, allow_private=[ANY_HOST], names=Here()) as fetcher:
        collector = service.Collector(context, LiveWeb(fetcher, pool, Gate(fetcher)))
        running = asyncio.create_task(collector.run())
        outcomes = await _outcomes(collector, running, start)
        context.stop.set()
        await running
    seconds = time.monotonic() - start
    watcher.cancel()
    items = len([1 for p in range(log.partitions_of("items")) async for _ in log.read("items", p)])
    pool.close()
    await log.close()
    return {"outcomes": outcomes, "seconds": seconds, "own": peak(), "items": items, **found}


async def _outcomes(collector: service.Collector, running: asyncio.Task[None], start: float) -> dict[str, str]:
    """The first outcome of every source; waits until each has one, and the good ones were polled again.

    On a busy machine the time may run out over what is only large: then the next poll tells.
    """
    first: dict[str, str] = {}
    polls: dict[str, set[float]] = {}
    while time.monotonic() - start < PATIENCE and not running.done():
        await asyncio.sleep(0.02)
        for share in list(collector._shares.values()):
            for id_, run in share.runs.items():
                if run.outcome is not None:
                    if first.get(id_, "timeout") == "timeout" and first.get(id_) not in EXPECTED[id_]:
                        first[id_] = run.outcome
                    polls.setdefault(id_, set()).add(share.feed(run.source).document_at)
        settled = all(first.get(id_) in names for id_, names in EXPECTED.items())
        if settled and all(len(polls.get(f"good-{n}", ())) >= ROUNDS for n in range(GOOD)):
            break
    return first


if __name__ == "__main__":
    print(json.dumps(asyncio.run(besieged(int(sys.argv[1]), Path(sys.argv[2])))))
