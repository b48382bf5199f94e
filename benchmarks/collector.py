"""The collector's polls beside a bare aiohttp loop, in CPU milliseconds a poll; its memory and its restore."""

from __future__ import annotations

import asyncio
import hashlib
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import aiohttp
from lxml import etree

from benchmarks import peers
from benchmarks.feeds import ENTRIES, body
from benchmarks.report import Figure
from services.collector import state
from services.collector.articles.pool import Pool
from services.collector.decide import decide
from services.collector.known import FeedState, ItemState
from services.collector.poll import LiveWeb
from services.collector.polling import Poller
from services.collector.reading import documents
from services.collector.share import Run, Share
from services.collector.state import PartitionState
from services.collector.web.fetch import Fetcher
from services.collector.web.gate import Gate
from tinsom.clock import SystemClock
from tinsom.log import Partition, Record
from tinsom.log.sqlite import SqliteLog
from tinsom.messages import Source

FEEDS, AT_ONCE, ROUNDS = 200, 8, 3
AIMS = {"304": 3.0, "unchanged 200": 3.0, "1 new of 40": 3.0}


@contextmanager
def feed_server() -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.feeds"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.communicate("")


async def cpu_of(work: Callable[[int], Awaitable[object]]) -> float:
    """CPU milliseconds of one call, over all feeds, all threads of this process; the best of three rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        room = asyncio.Semaphore(AT_ONCE)

        async def one(feed: int, room: asyncio.Semaphore = room) -> None:
            async with room:
                await work(feed)

        start = time.process_time()
        await asyncio.gather(*(one(feed) for feed in range(FEEDS)))
        best = min(best, (time.process_time() - start) / FEEDS * 1_000)
    return best


# --- the floor: aiohttp, a hash, a plain lxml loop --------------------------------------------------------------


async def floors(server: str) -> dict[str, float]:
    async with aiohttp.ClientSession() as session:

        async def get(path: str, etag: str = "") -> bytes:
            headers = {"If-None-Match": etag} if etag else {}
            async with session.get(server + path, headers=headers) as answer:
                return await answer.read()

        async def hashed(feed: int) -> None:
            hashlib.sha256(await get(f"/plain/{feed}")).digest()

        async def parsed(feed: int) -> None:
            data = await get(f"/grow/{feed}")
            hashlib.sha256(data).digest()
            for item in etree.fromstring(data).iter("item"):
                for name in ("title", "link", "guid", "description", "pubDate"):
                    item.findtext(name)

        return {
            "304": await cpu_of(lambda feed: get(f"/etag/{feed}", f'"{feed}"')),
            "unchanged 200": await cpu_of(hashed),
            "1 new of 40": await cpu_of(parsed),
        }


# --- ours: fetch, judge, parse, decide, commit -----------------------------------------------------------------


@asynccontextmanager
async def owned_share(folder: Path) -> AsyncIterator[Share]:
    shares: list[Share] = []

    async def gained(partition: Partition) -> None:
        shares.append(Share(partition, PartitionState()))

    async def lost(partition: Partition) -> None:
        """Nothing is kept."""

    folder.mkdir(exist_ok=True)
    log = SqliteLog(folder / "log.db")
    await log.start()
    async with log.own("bench", ["sources"], gained=gained, lost=lost, queue=False):
        while not shares:
            await asyncio.sleep(0.01)
        yield shares[0]
    await log.close()


async def ours(server: str, folder: Path) -> dict[str, float]:
    found = {}
    with ThreadPoolExecutor(1) as threads:
        async with Fetcher(allow_private=["127.0.0.1"]) as fetcher, owned_share(folder) as share:
            poller = Poller(LiveWeb(fetcher, Pool(executor=threads), Gate(fetcher)), SystemClock())
            for name, mode in (("304", "etag"), ("unchanged 200", "plain"), ("1 new of 40", "grow")):
                runs = [_run(server, mode, feed) for feed in range(FEEDS)]
                for run in runs:
                    await poller.poll(share, run)  # the baseline
                found[name] = await cpu_of(lambda feed, runs=runs: poller.poll(share, runs[feed]))  # type: ignore[misc]
    return found


def _run(server: str, mode: str, feed: int) -> Run:
    id_ = f"{mode}-{feed}"
    source = Source(id=id_, publisher=id_, url=f"{server}/{mode}/{feed}", full_text=False)
    return Run(source, audited_at=time.time())


# --- memory and restore, in a process of its own ---------------------------------------------------------------


def remembered(feeds: int) -> Iterator[Record]:
    """The `feed-state` records of sources that each showed one document, with as many items as entries."""
    for feed in range(feeds):
        source = Source(id=f"s{feed}", publisher=f"bao{feed}.example", url=f"https://bao{feed}.example/rss")
        document = documents.read(body(feed % 50, ENTRIES + feed // 50), "", source.url)
        states: list[FeedState | ItemState] = [
            FeedState(source=source.id, publisher=source.publisher, url=source.url, etag='"1"', baseline_done=True)
        ]
        reading = decide(
            document.entries, PartitionState().known("x"), FeedState(source="s", publisher="x"), source, 1e9
        )
        states += [d.item for d in reading.decisions if d.item is not None]
        for message in states:
            out = state.output(message, 0)
            yield Record(out.topic, 0, 0, 0, out.key, out.value, out.headers)


def restore(feeds: int) -> None:
    """Print what remembering costs: seconds of restoring a tenth of it, megabytes of all, records of the tenth.

    At the end the megabytes of the process without it.
    """
    before, memory = _megabytes(), PartitionState()
    for record in remembered(feeds):
        memory.apply(record)
    megabytes = _megabytes() - before
    records = list(remembered(feeds // 10))
    start, memory = time.process_time(), PartitionState()
    for record in records:
        memory.apply(record)
    print(time.process_time() - start, megabytes, len(records), before, flush=True)


def _megabytes() -> float:
    """Resident now. A peak (`ru_maxrss`) would begin with that of the process which started this one."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1_048_576


def restored(feeds: int) -> tuple[float, float, int, float]:
    code = f"from benchmarks.collector import restore; restore({feeds})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, megabytes, records, bare = done.stdout.split()
    return float(seconds), float(megabytes), int(records), float(bare)


async def run() -> list[Figure]:
    with feed_server() as server, tempfile.TemporaryDirectory() as folder:
        beside, found = await floors(server), await ours(server, Path(folder))
        peer = await asyncio.to_thread(peers.reader, server)
    figures = [
        Figure(f"poll, {name}", found[name], "ms CPU", beside[name], "bare aiohttp", AIMS[name]) for name in AIMS
    ]
    figures += [Figure(f"poll, {name}", found[name], "ms CPU", peer[name], "reader") for name in peer]
    seconds, megabytes, records, bare = await asyncio.to_thread(restored, 2_000)
    mixed = 0.9 * found["unchanged 200"] + 0.1 * found["1 new of 40"]
    return [
        *figures,
        Figure("10,000 sources every 5 min, 10 % changed (aim: 6)", mixed * 10_000 / 300_000 * 100, "% of a core"),
        Figure("restore, state records", records / seconds, "records/s"),
        Figure("memory of 1,000 sources of 40 items", megabytes / 2, "MB"),
        Figure("of 10,000 and the process itself (aim: 300)", bare + megabytes * 5, "MB"),
    ]
