"""The collector on the embedded log, against a web server on loopback."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from services.collector import catalogue, service
from services.collector.expected import Shown, expected_items
from services.collector.items import CHUNK
from services.collector.reading.documents import read as parse
from services.collector.share import Share
from services.collector.state import PartitionState
from services.collector.web.response import Response
from tests.collector.build import NOW, Post, posts, rss
from tests.collector.fakeweb import FakeWeb
from tests.collector.feedserver import FeedServer
from tests.waiting import PATIENCE, until
from tinsom import codec
from tinsom.clock import ManualClock
from tinsom.config import CollectorConfig, Config, SourceConfig
from tinsom.errors import FencedError, LogFullError
from tinsom.log import Log, Output, Record, Table
from tinsom.log.sqlite import SqliteLog
from tinsom.log.sqlite.store import Lease
from tinsom.messages import Item
from tinsom.service import Context


@dataclass
class SteppedClock(ManualClock):
    """Sleeps for ever unless told: each poll of a test is wanted."""

    async def sleep(self, seconds: float) -> None:
        while seconds > 0:
            before = self.time
            await asyncio.sleep(0.005)
            seconds -= self.time - before


def config(*sources: SourceConfig) -> Config:
    return Config(sources=list(sources), collector=CollectorConfig(allow_private=["127.0.0.1"], timeout=30.0))


def source(
    id_: str, url: str = "", publisher: str = "bao.example", *, full_text: bool = False, interval: float = 300.0
) -> SourceConfig:
    return SourceConfig(
        id=id_,
        url=url or f"https://bao.example/{id_}",
        publisher=publisher,
        full_text=full_text,
        interval=interval,
    )


async def apply(log: Log, settings: Config) -> list[str]:
    table = Table(log.tail(["sources"]))
    await table.refresh()
    await table.tail.close()
    changes = catalogue.source_outputs(settings, int(NOW * 1000), table.records)
    await log.append(changes.outputs, writer="apply")
    return changes.difference


async def records(log: Log, topic: str) -> list[Record]:
    found = [r for p in range(log.partitions_of(topic)) async for r in log.read(topic, p)]
    return sorted(found, key=lambda r: (r.timestamp, r.partition, r.offset))


async def items(log: Log) -> list[Item]:
    return [codec.decode_as(record, Item) for record in await records(log, "items")]


@asynccontextmanager
async def opened(tmp_path: Path) -> AsyncIterator[SqliteLog]:
    log = SqliteLog(tmp_path / "log.db", session=2.0)
    await log.start()
    try:
        yield log
    finally:
        await log.close()


@dataclass
class Running:
    collector: service.Collector
    context: Context
    clock: SteppedClock
    web: FakeWeb
    task: asyncio.Task[None]

    async def poll(self, url: str, *, advance: float = 700.0) -> None:
        """Let time pass until `url` was asked once more and everything of it is committed."""
        before = self.web.asked[url]
        self.clock.advance(advance)
        await until(lambda: self.web.asked[url] > before or self.task.done(), url)
        await self.idle()

    async def idle(self) -> None:
        await until(lambda: self.task.done() or not any(s.tasks for s in self.collector._shares.values()), "idle")

    async def stop(self) -> None:
        self.context.stop.set()
        await asyncio.wait_for(self.task, PATIENCE)


@asynccontextmanager
async def running(log: Log, web: FakeWeb, clock: SteppedClock | None = None) -> AsyncIterator[Running]:
    clock = clock or SteppedClock(NOW)
    context = Context(log, clock, config())
    collector = service.Collector(context, web)
    task = asyncio.create_task(collector.run())
    run = Running(collector, context, clock, web, task)
    try:
        await until(lambda: (context.health.is_ready and len(collector._shares) == 64) or task.done(), "ready")
        yield run
    finally:
        if not task.done():
            await run.stop()
        task.result()


class Collectors(Running):
    """One process's collector, started."""

    def __init__(self, log: Log, web: FakeWeb, clock: SteppedClock) -> None:
        context = Context(log, clock, config())
        collector = service.Collector(context, web)
        super().__init__(collector, context, clock, web, asyncio.create_task(collector.run()))

    @property
    def shares(self) -> dict[int, Share]:
        return self.collector._shares


URL = "https://bao.example/home"


async def test_baseline_new_changed_same(tmp_path: Path) -> None:
    web = FakeWeb({URL: rss(posts(2, 1))})
    async with opened(tmp_path) as log:
        await apply(log, config(source("home")))
        async with running(log, web) as run:
            await run.poll(URL)
            web.feeds[URL] = rss([Post(3), Post(2, title="Tin số 2 được sửa lại"), Post(1)])
            await run.poll(URL)
            await run.poll(URL)
        found = await items(log)
    assert {(i.title[:8], i.revision, i.baseline) for i in found} == {
        ("Tin số 1", 1, True),
        ("Tin số 2", 1, True),
        ("Tin số 3", 1, False),
        ("Tin số 2", 2, False),
    }
    assert [i.changed for i in found if i.revision == 2] == [["title"]]
    assert web.asked[URL] == 3


async def test_a_source_that_fails_is_a_warning_once_and_its_return_is_told(tmp_path: Path) -> None:
    web = FakeWeb({URL: rss(posts(1))})
    async with opened(tmp_path) as log:
        await apply(log, config(source("home")))
        with capture_logs() as lines:
            async with running(log, web) as run:
                await run.poll(URL)
                web.feeds[URL] = b"no feed"
                for _ in range(3):
                    await run.poll(URL, advance=5_000.0)
                web.feeds[URL] = rss(posts(1))
                await run.poll(URL, advance=5_000.0)
    told = [(line["log_level"], line["event"]) for line in lines if line.get("source") == "home"]
    assert told == [("info", "source answers"), ("warning", "source fails"), ("info", "source answers")]


async def test_state_survives_a_restart_and_is_asked_conditionally(tmp_path: Path) -> None:
    web = FakeWeb({URL: rss(posts(2, 1))})
    clock = SteppedClock(NOW)
    async with opened(tmp_path) as log:
        await apply(log, config(source("home")))
        async with running(log, web, clock) as run:
            await run.poll(URL)
    statuses: list[str] = []
    original = web.feed

    async def watched(url: str, etag: str, last_modified: str, hold_at: str) -> Response:
        statuses.append(etag)
        return await original(url, etag, last_modified, hold_at)

    web.feed = watched
    async with opened(tmp_path) as log:
        async with running(log, web, clock) as run:
            await run.poll(URL)
            web.feeds[URL] = rss(posts(3, 2, 1))
            await run.poll(URL)
        found = await items(log)
    assert all(statuses)
    assert sorted((i.title[:8], i.baseline) for i in found) == [
        ("Tin số 1", True),
        ("Tin số 2", True),
        ("Tin số 3", False),
    ]


async def test_three_feeds_of_a_paper_and_two_papers_alike(tmp_path: Path) -> None:
    feeds = ["home", "politics", "digital"]
    urls = [f"https://bao.example/{f}" for f in feeds]
    other = "https://khac.example/home"
    web = FakeWeb({url: rss(posts(1)) for url in [*urls, other]})
    async with opened(tmp_path) as log:
        await apply(log, config(*(source(f) for f in feeds), source("khac", other, "khac.example")))
        async with running(log, web) as run:
            for url in [*urls, other]:
                await run.poll(url) if not web.asked[url] else None
            for url in urls:
                web.feeds[url] = rss(posts(2, 1))
            for url in urls:
                await run.poll(url)
        found = await items(log)
    assert Counter(i.publisher for i in found) == {"bao.example": 2, "khac.example": 1}
    assert len({i.id for i in found}) == 3


async def test_apply_takes_effect_without_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "REFRESH_SECONDS", 0.02)
    second = "https://bao.example/second"
    web = FakeWeb({URL: rss(posts(1)), second: rss(posts(2))})
    async with opened(tmp_path) as log:
        assert await apply(log, config(source("home"))) == ["+ home"]
        async with running(log, web) as run:
            await run.poll(URL)
            assert await apply(log, config(source("home"), source("second"))) == ["+ second"]
            await until(lambda: "second" in run.collector._share_of, "second source")
            await run.poll(second)
            assert await apply(log, config(source("second"))) == ["- home"]
            await until(lambda: "home" not in run.collector._share_of, "removed source")
            await run.idle()
            asked = web.asked[URL]
            await run.poll(second)
            assert web.asked[URL] == asked
        memory = PartitionState()
        for record in await records(log, "feed-state"):
            memory.apply(record)
    assert set(memory.feeds) == {"second"}
    assert len(memory.known("bao.example")) == 2


async def test_nothing_is_polled_before_the_table_is_whole(tmp_path: Path) -> None:
    web = FakeWeb({URL: rss(posts(1))})
    async with opened(tmp_path) as log:
        changes = catalogue.source_outputs(config(source("home")), 1, {})
        await log.append(changes.outputs[:-1], writer="apply")  # without the version record
        async with running(log, web) as run:
            run.clock.advance(1_000)
            await asyncio.sleep(0.05)
            assert web.asked[URL] == 0


async def test_a_long_wait_that_a_server_asked_for_survives_a_restart(tmp_path: Path) -> None:
    web, clock = FakeWeb(), SteppedClock(NOW)
    waiting = Response(URL, 429, {"retry-after": "7200"})

    async def limited(url: str, etag: str, last_modified: str, hold_at: str) -> Response:
        web.asked[url] += 1
        return waiting

    web.feed = limited
    async with opened(tmp_path) as log:
        await apply(log, config(source("home")))
        async with running(log, web, clock) as run:
            await run.poll(URL)
    async with opened(tmp_path) as log, running(log, web, clock) as run:
        clock.advance(3_000)
        await asyncio.sleep(0.05)
        assert web.asked[URL] == 1
        await run.poll(URL, advance=5_000)
        assert web.asked[URL] == 2


@pytest.mark.parametrize("written", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("crash_at", range(1, 7))
async def test_a_crash_at_any_commit_loses_and_repeats_nothing(
    tmp_path: Path, crash_at: int, written: bool
) -> None:
    """A baseline of three chunks, then news of two: the log equals the pure function, byte for byte."""
    many = [Post(n) for n in range(1, 2 * CHUNK + 6)]
    more = [Post(n) for n in range(100, 100 + CHUNK + 4)]
    bodies = [rss(many[::-1]), rss([*more[::-1], *many[::-1]])]
    web, clock = FakeWeb({URL: bodies[0]}), SteppedClock(NOW)
    settings = config(source("home"))
    clock.advance(1_000)
    async with opened(tmp_path) as log:
        await apply(log, settings)
        async with _dying(log, web, clock, crash_at, written) as died:
            for body in bodies:
                web.feeds[URL] = body
                if not await died(URL):
                    break
    async with opened(tmp_path) as log:
        async with running(log, web, clock) as run:
            for body in bodies:
                web.feeds[URL] = body
                run.clock.advance(0)
                await run.poll(URL, advance=400)
        found = await records(log, "items")
    ids = [(i.id, i.revision) for i in map(_item, found)]
    assert len(ids) == len(set(ids)) == len(many) + len(more)
    document = [Shown(catalogue.source_of(settings.sources[0]), parse(body, "", URL), NOW) for body in bodies]
    wanted = {out.key: out.value for out in expected_items(document)}
    assert {r.key: _timeless(r.value) for r in found} == {k: _timeless(v) for k, v in wanted.items()}


def _item(record: Record) -> Item:
    return codec.decode_as(record, Item)


def _timeless(value: bytes | None) -> Item:
    """Without the time of the poll, which the crash moved."""
    assert value is not None
    return msgspec.structs.replace(codec.from_bytes(value, Item), fetched_at=datetime.fromtimestamp(NOW, UTC))


@asynccontextmanager
async def _dying(
    log: SqliteLog, web: FakeWeb, clock: SteppedClock, crash_at: int, written: bool
) -> AsyncIterator[Callable[[str], Awaitable[bool]]]:
    """A collector whose process dies at its n-th commit: whatever it would do next never happens.

    The commit in flight ends when the process is buried: its lock is waited for by whoever hands over.
    """
    context = Context(log, clock, config())
    collector = service.Collector(context, web)
    task = asyncio.create_task(collector.run())
    commits, dead, buried = 0, asyncio.Event(), asyncio.Event()
    original = log.commit

    async def commit(outputs: Iterable[Output], lease: Lease, offset: int | None) -> None:
        nonlocal commits
        commits += 1
        if commits < crash_at or (written and commits == crash_at):
            await original(outputs, lease, offset)
        if commits >= crash_at:
            dead.set()
            await buried.wait()
            raise FencedError("the process is dead")

    log.commit = commit
    await until(lambda: len(collector._shares) == 64, "shares")

    async def poll(url: str) -> bool:
        before = web.asked[url]
        clock.advance(400)
        await until(lambda: web.asked[url] > before or dead.is_set(), url)
        await until(lambda: dead.is_set() or not any(s.tasks for s in collector._shares.values()), "done")
        return not dead.is_set()

    try:
        yield poll
    finally:
        task.cancel()
        for share in collector._shares.values():
            for poll_task in share.tasks:
                poll_task.cancel()
        buried.set()
        await asyncio.gather(task, return_exceptions=True)
        log.commit = original


async def test_two_collectors_share_the_sources_and_one_takes_over(tmp_path: Path) -> None:
    """Each source is polled by one of them; what the one that stops leaves behind the other continues."""
    publishers = [f"p{n}.example" for n in range(8)]
    urls = [f"https://{p}/rss" for p in publishers]
    web, clock = FakeWeb({url: rss(posts(1)) for url in urls}), SteppedClock(NOW)
    settings = config(*(source(p, u, p) for p, u in zip(publishers, urls, strict=True)))
    async with opened(tmp_path) as one, opened(tmp_path) as two:
        await apply(one, settings)
        first = Collectors(one, web, clock)
        second = Collectors(two, web, clock)
        await until(lambda: len(first.shares) == len(second.shares) == 32, "split")
        clock.advance(400)
        await until(lambda: all(web.asked[url] for url in urls), "baselines")
        await asyncio.gather(first.idle(), second.idle())
        assert max(web.asked.values()) == 1
        await first.stop()
        await until(lambda: len(second.shares) == 64, "take-over")
        web.feeds = {url: rss(posts(2, 1)) for url in urls}
        clock.advance(700)
        await until(lambda: all(web.asked[url] == 2 for url in urls), "second polls")
        await second.idle()
        await second.stop()
        found = await items(two)
    assert Counter((i.publisher, i.baseline) for i in found) == {
        (p, b): 1 for p in publishers for b in (True, False)
    }


async def test_a_fenced_collector_writes_nothing_and_remembers_nothing(tmp_path: Path) -> None:
    web = FakeWeb({URL: rss(posts(1))})
    async with opened(tmp_path) as log:
        await apply(log, config(source("home")))
        async with running(log, web) as run:
            share = run.collector._share_of["home"]
            share.partition.owned = False  # type: ignore[misc]
            run.clock.advance(700)
            await until(lambda: share.closing, "closing")
            assert share.memory.feeds == {}
            assert await items(log) == []
            run.clock.advance(7_000)
            await asyncio.sleep(0.05)
            assert web.asked[URL] == 1
            share.partition.owned = True  # type: ignore[misc]


async def test_a_full_log_is_tried_again_and_nothing_is_lost(tmp_path: Path) -> None:
    web = FakeWeb({URL: rss(posts(2, 1))})
    async with opened(tmp_path) as log:
        await apply(log, config(source("home")))
        original, full = log.commit, True

        async def commit(outputs: Iterable[Output], lease: Lease, offset: int | None) -> None:
            if full:
                raise LogFullError("no room left")
            await original(outputs, lease, offset)

        log.commit = commit
        async with running(log, web) as run:
            await run.poll(URL)
            assert await items(log) == []
            full = False
            await run.poll(URL)
        assert len(await items(log)) == 2


async def test_over_real_http_with_pages(tmp_path: Path, server: FeedServer) -> None:
    """The whole service, one feed, one page; the lead is joined to the text."""
    lead = "Đoạn dẫn của bài viết nói điều quan trọng nhất trước tiên."
    paragraphs = "".join(
        f"<p>Đoạn thân bài thứ {n}, đủ dài để được coi là nội dung của bài viết này.</p>" for n in range(9)
    )
    page = (
        f"<html lang='vi'><head><meta property='og:description' content='{lead}'><title>Tin</title></head>"
        f"<body><article><h1>Tin</h1>{paragraphs}</article></body></html>"
    )
    server.put("/bai-100002.htm", page.encode(), Content_Type="text/html; charset=utf-8")
    server.put("/rss", rss([Post(1)]))
    settings = config(source("home", server.url("/rss"), full_text=True, interval=5.0))
    async with opened(tmp_path) as log:
        await apply(log, settings)
        context = Context(log, SteppedClock(NOW), settings)
        task = asyncio.create_task(service.run(context))
        assert isinstance(context.clock, SteppedClock)
        await _ticking(context.clock, lambda: server.statuses["/rss"].count(304) > 0)
        server.put("/rss", rss([Post(2, link=server.url("/bai-100002.htm")), Post(1)]))
        seen = server.statuses["/rss"]
        await _ticking(context.clock, lambda: seen.count(200) == 2 and seen[-1] == 304)
        context.stop.set()
        await asyncio.wait_for(task, PATIENCE)
        found = {i.title[:8]: i for i in await items(log)}
    assert found["Tin số 1"].baseline
    assert found["Tin số 1"].text == ""
    assert found["Tin số 2"].text.startswith(lead)
    assert "Đoạn thân bài thứ 8" in found["Tin số 2"].text
    assert found["Tin số 2"].language == "vi"


async def _ticking(clock: SteppedClock, condition: Callable[[], object]) -> None:
    for _ in range(12_000):
        if condition():
            return
        clock.advance(1.0)
        await asyncio.sleep(0.01)
    raise AssertionError("did not happen")
