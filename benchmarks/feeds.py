"""A feed server in a process of its own, so that its work is not counted as ours.

/etag/N answers 304 to its ETag; /plain/N knows no validators; /grow/N shows one new entry at every request;
/mixed/N shows one at every tenth, knows ETags where N is even, and ends each connection.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from aiohttp import web

ENTRIES = 40
LEDE = "Đoạn dẫn của tin mẫu, dài như một đoạn dẫn thường thấy ở báo điện tử và không nói điều gì. " * 6


@lru_cache(maxsize=100_000)
def item(feed: int, number: int) -> str:
    link = f"https://bao{feed}.example/tin-mau-so-{number}-{100000 + number}.htm"
    return (
        f"<item><title>Tin mẫu số {number} của nguồn {feed}: kế hoạch chuyển đổi số</title><link>{link}</link>"
        f"<guid isPermaLink='false'>{link}</guid><description>{LEDE}</description>"
        f"<pubDate>Tue, 10 Mar 2026 {number // 60 % 24:02d}:{number % 60:02d}:00 +0700</pubDate></item>"
    )


def body(feed: int, newest: int) -> bytes:
    """40 entries, newest first: a document of some 35 KB, as large as real ones."""
    items = "".join(item(feed, number) for number in range(newest, newest - ENTRIES, -1))
    head = f"<title>Nguồn {feed}</title><link>https://bao{feed}.example/</link>"
    return (
        f"<?xml version='1.0' encoding='UTF-8'?><rss version='2.0'><channel>{head}{items}</channel></rss>".encode()
    )


@contextmanager
def server() -> Iterator[int]:
    """The port of the server, while it lives."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.feeds"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.communicate("")


async def serve() -> None:
    shown: Counter[tuple[str, int]] = Counter()
    asked: Counter[int] = Counter()

    async def answer(request: web.Request) -> web.Response:
        mode, feed = request.match_info["mode"], int(request.match_info["feed"])
        asked[feed] += 1
        shown[mode, feed] += mode == "grow" or (mode == "mixed" and (asked[feed] + feed) % 10 == 0)
        tag = f'"{feed}-{shown[mode, feed]}"' if mode == "etag" or (mode == "mixed" and feed % 2 == 0) else ""
        headers = {"ETag": tag} if tag else {}
        if tag and request.headers.get("If-None-Match") == tag:
            found = web.Response(status=304, headers=headers)
        else:
            text = body(feed, ENTRIES + shown[mode, feed])
            found = web.Response(body=text, headers=headers, content_type="text/xml")
        if mode == "mixed":
            found.force_close()
        return found

    app = web.Application()
    app.router.add_get("/{mode}/{feed}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve())
