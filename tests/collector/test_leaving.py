"""What a collector writes when it stops, for whoever polls next."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import pytest

from services.collector import service
from services.collector.known import FeedState
from services.collector.web.response import Response
from tests.collector.build import posts, rss
from tests.collector.fakeweb import FakeWeb
from tests.collector.test_service import URL, apply, config, opened, records, running, source
from tinsom import codec
from tinsom.log import Log, Output
from tinsom.log.sqlite.store import Lease


async def states(log: Log) -> list[FeedState]:
    return [m for r in await records(log, "feed-state") if isinstance(m := codec.decode(r), FeedState)]


async def test_a_stop_writes_what_no_poll_has_written(tmp_path: Path) -> None:
    """Validators of a document with nothing new are not worth a record; whoever comes next asks with them."""
    web = FakeWeb({URL: rss(posts(2, 1))})
    async with opened(tmp_path) as log:
        await apply(log, config(source("home")))
        async with running(log, web) as run:
            await run.poll(URL)
            web.feeds[URL] = rss(posts(2, 1), title="Tên khác")
            await run.poll(URL)
        found = await states(log)
    assert [feed.etag for feed in found][1:] == [f'"{hash(web.feeds[URL])}"']


async def test_a_stop_writes_nothing_older_than_the_commit_in_flight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A first document that is just being written, after a poll that failed: it stays the baseline."""
    monkeypatch.setattr(service, "STOP_PATIENCE", 0.05)

    async def unnamed(url: str, etag: str, last_modified: str, hold_at: str) -> Response:
        web.asked[url] += 1
        return Response(url, fault="dns")

    web = FakeWeb({URL: rss(posts(2, 1))})
    answered, web.feed = web.feed, unnamed
    async with opened(tmp_path) as log:
        await apply(log, config(source("home")))
        original, slow = log.commit, asyncio.Event()

        async def commit(outputs: Iterable[Output], lease: Lease, offset: int | None) -> None:
            slow.set()
            await asyncio.sleep(0.07)
            await original(outputs, lease, offset)

        async with running(log, web) as run:
            await run.poll(URL)
            web.feed, log.commit = answered, commit
            run.clock.advance(7_000)
            await slow.wait()
        log.commit = original
        found = await states(log)
    assert found[-1].baseline_done
