"""Article pages: the pool's readers beside trafilatura alone; restoring a collector from the embedded log."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import trafilatura

from benchmarks.report import Figure
from services.collector import state
from services.collector.articles.extract import extract_selected
from services.collector.articles.pool import Pool
from services.collector.known import FeedState, ItemState
from services.collector.state import PartitionState
from tinsom.log import Log, Output
from tinsom.log.sqlite import SqliteLog
from tinsom.messages import PageSelectors

PAGES, ROUNDS = 60, 5
STATES, CHUNK = 100_000, 5_000
SELECTORS = PageSelectors(body=".detail-content", title="h1", lead=".detail-sapo")
LINE = "Đoạn {n} của bài {page} nói về kế hoạch chuyển đổi số của một bộ, dài như một đoạn của báo điện tử. "


def article(page: int) -> bytes:
    """A page of some 120 kB as papers make them: menus, teasers and scripts around twenty paragraphs."""
    menu = "".join(f"<li><a class='nav-link' href='/muc-{n}'>Chuyên mục {n}</a></li>" for n in range(150))
    text = "".join(f"<p>{LINE.format(n=n, page=page) * 3}</p>" for n in range(20))
    boxes = "".join(
        f"<div class='box-item'><a href='/tin-{n}.htm' title='Tin khác {n}'><img src='/a{n}.jpg' alt=''></a>"
        f"<h3><a href='/tin-{n}.htm'>Một tin khác số {n} của chuyên mục này</a></h3><i>{n} phút trước</i></div>"
        for n in range(200)
    )
    script = f"<script>var a = [{','.join(map(str, range(4_000)))}]</script>"
    head = f"<title>Bài {page}</title><meta property='og:title' content='Bài {page}'>{script}"
    lead = f"<h2 class='detail-sapo'>Đoạn dẫn của bài {page}, nói điều quan trọng nhất trước tiên.</h2>"
    main = f"<main><h1>Bài {page}</h1>{lead}<div class='detail-content'>{text}</div></main>"
    body = f"<nav><ul>{menu}</ul></nav>{main}<aside>{boxes}</aside>{script}"
    return f"<html lang='vi'><head>{head}</head><body>{body}</body></html>".encode()


def plain(pages: Sequence[bytes]) -> None:
    for page in pages:
        trafilatura.extract(page.decode(), include_comments=False)


async def in_pool(pool: Pool, pages: Sequence[bytes], selectors: PageSelectors | None) -> None:
    await asyncio.gather(
        *(pool.run(extract_selected, page, "text/html", "", selectors, False, timeout=120) for page in pages)
    )


async def side_by_side(processes: Executor, cores: int, pages: Sequence[bytes]) -> None:
    """Every process with its share of the pages and nothing else to do."""
    loop = asyncio.get_running_loop()
    await asyncio.gather(*(loop.run_in_executor(processes, plain, pages[n::cores]) for n in range(cores)))


async def extraction() -> list[Figure]:
    """Pages a second of the pool, beside trafilatura alone in one process for each core."""
    cores, pages = len(os.sched_getaffinity(0)), [article(n) for n in range(PAGES)]
    pool, processes = Pool(cores), ProcessPoolExecutor(cores, mp_context=get_context("spawn"))
    ways: dict[str, Callable[[], Awaitable[None]]] = {
        "alone": lambda: side_by_side(processes, cores, pages),
        "ours": lambda: in_pool(pool, pages, None),
        "selected": lambda: in_pool(pool, pages, SELECTORS),
    }
    best = dict.fromkeys(ways, float("inf"))
    for number in range(ROUNDS + 1):  # in turn, so that a neighbour's load meets all; the first starts the workers
        for name, way in ways.items():
            start = time.perf_counter()
            await way()
            best[name] = min(best[name], time.perf_counter() - start) if number else best[name]
    pool.close()
    processes.shutdown()
    rate = {name: PAGES / seconds for name, seconds in best.items()}
    floor = f"trafilatura alone × {cores}"
    return [
        Figure("pages extracted", rate["ours"], "pages/s", rate["alone"], floor, 0.9),
        Figure("pages read by selectors", rate["selected"], "pages/s", rate["alone"], floor),
    ]


# --- restore ----------------------------------------------------------------------------------------------------


def remembered(count: int) -> list[Output]:
    """States as a collector leaves them: one source for forty items."""
    found: list[Output] = []
    for n in range(count):
        publisher = f"bao{n // 41}.example"
        names = [(n * 7_919 + i) % 2**53 for i in range(3)]
        feed = FeedState(source=f"s{n}", publisher=publisher, url=f"https://{publisher}/rss", etag='"1"')
        shown = {f"s{n}": "0" * 24}
        item = ItemState(id=f"{n:024x}", publisher=publisher, aliases=names, shown=shown, seen_at=1e9)
        message = feed if n % 41 == 0 else item
        found.append(state.output(message, 0))
    return found


async def restored(log: Log) -> tuple[float, int]:
    start, count = time.perf_counter(), 0
    for partition in range(log.partitions_of(state.TOPIC)):
        memory = PartitionState()
        async for record in log.read(state.TOPIC, partition):
            memory.apply(record)
            count += 1
    return time.perf_counter() - start, count


async def restoring() -> Figure:
    with tempfile.TemporaryDirectory() as folder:
        log = SqliteLog(Path(folder) / "log.db")
        await log.start()
        outputs = remembered(STATES)
        for begin in range(0, STATES, CHUNK):
            await log.append(outputs[begin : begin + CHUNK], writer="bench")
        best = min([await restored(log) for _ in range(ROUNDS)])
        await log.close()
    assert best[1] == STATES
    return Figure(f"restore of {STATES:,} feed states", best[0], "s", 5.0, "allowed", 1.0)


async def run() -> list[Figure]:
    return [*await extraction(), await restoring()]
