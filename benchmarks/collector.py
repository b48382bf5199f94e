"""The collector's polls beside a bare aiohttp loop, in CPU milliseconds a poll."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from lxml import etree

from benchmarks import feeds, many, peers
from benchmarks.report import Figure
from services.collector.articles.pool import Pool
from services.collector.poll import LiveWeb
from services.collector.polling import Poller
from services.collector.share import Run, Share
from services.collector.state import PartitionState
from services.collector.web.fetch import ANY_HOST, Fetcher
from services.collector.web.gate import Gate
from services.collector.web.turns import PER_HOST
from tinsom.clock import SystemClock
from tinsom.log import Partition
from tinsom.log.sqlite import SqliteLog
from tinsom.messages import Source
from tinsom.topics import partition_for

FEEDS, AT_ONCE, ROUNDS = 200, 8, 3
HOSTS = AT_ONCE // PER_HOST  # as many as it takes that no poll waits for its turn at a host
AIMS = {"304": 3.0, "unchanged 200": 3.0, "1 new of 40": 3.0, "1 new, one at a time": 3.0}


async def cpu_of(work: Callable[[int], Awaitable[object]], at_once: int = AT_ONCE) -> float:
    """CPU milliseconds of one call, over all feeds, all threads of this process; the best of three rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        room = asyncio.Semaphore(at_once)

        async def one(feed: int, room: asyncio.Semaphore = room) -> None:
            async with room:
                await work(feed)

        start = time.process_time()
        await asyncio.gather(*(one(feed) for feed in range(FEEDS)))
        best = min(best, (time.process_time() - start) / FEEDS * 1_000)
    return best


# --- the floor: aiohttp, a hash, a plain lxml loop --------------------------------------------------------------


async def floors(port: int) -> dict[str, float]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=many.Loopback())) as session:

        async def get(mode: str, feed: int, etag: str = "") -> bytes:
            headers = {"If-None-Match": etag} if etag else {}
            async with session.get(_url(port, mode, feed), headers=headers) as answer:
                return await answer.read()

        async def hashed(feed: int) -> None:
            hashlib.sha256(await get("plain", feed)).digest()

        async def parsed(feed: int) -> None:
            for item in etree.fromstring(await get("grow", feed)).iter("item"):
                _ = {child.tag: child.text for child in item}

        return {
            "304": await cpu_of(lambda feed: get("etag", feed, f'"{feed}-0"')),
            "unchanged 200": await cpu_of(hashed),
            "1 new of 40": await cpu_of(parsed),
            "1 new, one at a time": await cpu_of(parsed, 1),
        }


# --- ours: fetch, judge, parse, decide, commit -----------------------------------------------------------------


@asynccontextmanager
async def owned_shares(folder: Path) -> AsyncIterator[list[Share]]:
    """All partitions, as a collector alone owns them; a publisher is in one of them."""
    shares: dict[int, Share] = {}

    async def gained(partition: Partition) -> None:
        shares[partition.number] = Share(partition, PartitionState())

    async def lost(partition: Partition) -> None:
        """Nothing is kept."""

    folder.mkdir(exist_ok=True)
    log = SqliteLog(folder / "log.db")
    await log.start()
    async with log.own("bench", ["sources"], gained=gained, lost=lost, queue=False):
        while len(shares) < log.partitions_of("sources"):
            await asyncio.sleep(0.01)
        yield [shares[number] for number in sorted(shares)]
    await log.close()


async def ours(port: int, folder: Path) -> dict[str, float]:
    found = {}
    with ThreadPoolExecutor(1) as threads:
        fetching = Fetcher(allow_private=[ANY_HOST], names=many.Loopback())
        async with fetching as fetcher, owned_shares(folder) as shares:
            poller = Poller(LiveWeb(fetcher, Pool(executor=threads), Gate(fetcher)), SystemClock())
            for name, mode in (("304", "etag"), ("unchanged 200", "plain"), ("1 new of 40", "grow")):
                runs = [_run(port, mode, feed) for feed in range(FEEDS)]

                async def poll(feed: int, runs: list[Run] = runs) -> object:
                    publisher = runs[feed].source.publisher.encode()
                    return await poller.poll(shares[partition_for(publisher, len(shares))], runs[feed])

                for feed in range(FEEDS):
                    await poll(feed)  # the baseline
                found[name] = await cpu_of(poll)
            # What polls share when they end together, one that ends alone pays by itself.
            found["1 new, one at a time"] = await cpu_of(poll, 1)
    return found


def _url(port: int, mode: str, feed: int) -> str:
    return f"http://bao{feed % HOSTS}.example:{port}/{mode}/{feed}"


def _run(port: int, mode: str, feed: int) -> Run:
    id_ = f"{mode}-{feed}"
    source = Source(id=id_, publisher=id_, url=_url(port, mode, feed), full_text=False)
    return Run(source, audited_at=time.time())


async def run() -> list[Figure]:
    with feeds.server() as port, tempfile.TemporaryDirectory() as folder:
        beside, found = await floors(port), await ours(port, Path(folder))
        peer = await asyncio.to_thread(peers.reader, f"http://127.0.0.1:{port}")
    figures = [
        Figure(f"poll, {name}", found[name], "ms CPU", beside[name], "bare aiohttp", AIMS[name]) for name in AIMS
    ]
    figures += [Figure(f"poll, {name}", found[name], "ms CPU", peer[name], "reader") for name in peer]
    return [*figures, *await asyncio.to_thread(many.figures)]
