from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import zlib
from typing import Any

import pytest
from aiohttp import web

from services.collector.web import fetch
from services.collector.web.fetch import Fetcher, fault_of, validators
from tests.collector.feedserver import FeedServer, Resource

LOCAL = ["127.0.0.1", "localhost"]


async def get(server: FeedServer, path: str, **more: Any) -> Any:
    async with Fetcher(
        allow_private=LOCAL, timeout=more.pop("timeout", 30.0), contact="ops@bao.example"
    ) as fetcher:
        return await fetcher.get(server.url(path), **more)


async def test_validators_go_back_exactly_as_they_came(server: FeedServer) -> None:
    server.put("/feed", b"<rss/>", Last_Modified="Tue,10 Mar 2026 01:00:00 gmt")
    first = await get(server, "/feed")
    etag, modified = first.headers["etag"], first.headers["last-modified"]
    again = await get(server, "/feed", conditions=validators(etag, modified))
    assert again.status == 304
    sent = server.asked["/feed"][1]
    assert (sent["If-None-Match"], sent["If-Modified-Since"]) == (etag, "Tue,10 Mar 2026 01:00:00 gmt")
    assert "If-None-Match" not in server.asked["/feed"][0]
    assert "If-Modified-Since" not in server.asked["/feed"][0]


async def test_honest_and_without_luggage(server: FeedServer) -> None:
    server.put("/feed", b"<rss/>", Set_Cookie="a=b")
    await get(server, "/feed")
    await get(server, "/feed")
    for sent in server.asked["/feed"]:
        assert sent["User-Agent"].startswith("tinsom/")
        assert "ops@bao.example" in sent["User-Agent"]
        assert not {"Cookie", "Referer"} & set(sent)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_followed(server: FeedServer, status: int) -> None:
    server.put("/old", status=status, Location="/new")
    server.put("/new", b"<rss/>")
    found = await get(server, "/old")
    assert (found.status, found.body, found.url) == (200, b"<rss/>", server.url("/new"))
    assert found.moved_to == (server.url("/new") if status in (301, 308) else "")


async def test_a_circle_of_redirects_ends(server: FeedServer) -> None:
    server.put("/a", status=302, Location="/b")
    server.put("/b", status=302, Location="/a")
    assert (await get(server, "/a")).fault == "redirects"
    assert len(server.asked["/a"]) + len(server.asked["/b"]) <= fetch.MAX_REDIRECTS + 1


@pytest.mark.parametrize(
    "target", ["ftp://bao.example/x", "file:///etc/passwd", "gopher://bao.example", "data:text/xml,x"]
)
async def test_only_http(server: FeedServer, target: str) -> None:
    server.put("/a", status=302, Location=target)
    assert (await get(server, "/a")).fault == "refused"
    async with Fetcher() as fetcher:
        assert (await fetcher.get(target)).fault == "refused"


async def test_too_big_after_decompression(server: FeedServer) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    server.put("/bomb", bomb, Content_Encoding="gzip")
    found = await get(server, "/bomb", limit=1_000_000)
    assert (found.fault, found.body) == ("too_big", b"")
    server.put("/plain", b"x" * 2_000)
    assert (await get(server, "/plain", limit=1_999)).fault == "too_big"
    assert (await get(server, "/plain", limit=2_000)).status == 200


async def test_packed_bodies_are_unpacked(server: FeedServer) -> None:
    server.put("/gz", gzip.compress(b"<rss/>"), Content_Encoding="gzip")
    server.put("/df", zlib.compress(b"<rss/>"), Content_Encoding="deflate")
    assert (await get(server, "/gz")).body == (await get(server, "/df")).body == b"<rss/>"
    server.put("/broken", b"no gzip", Content_Encoding="gzip")
    assert (await get(server, "/broken")).fault == "connection"


async def test_a_server_that_drips_is_left(server: FeedServer) -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        while True:
            await answer.write(b"x")
            await asyncio.sleep(0.02)

    server.resources["/drip"] = Resource(handler=drip)
    assert (await get(server, "/drip", timeout=0.2)).fault == "timeout"


async def test_a_body_that_ends_early_is_no_document(server: FeedServer) -> None:
    async def truncated(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": "1000"})
        await answer.prepare(request)
        await answer.write(b"<rss>")
        assert request.transport is not None
        request.transport.close()
        return answer

    server.resources["/cut"] = Resource(handler=truncated)
    assert (await get(server, "/cut")).fault == "connection"


async def test_nobody_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with Fetcher(allow_private=LOCAL, timeout=30.0) as fetcher:
        assert (await fetcher.get(f"http://127.0.0.1:{port}/")).fault == "connection"
        assert (await fetcher.get("http://no-such-host.invalid/")).fault in ("dns", "refused")
        assert (await fetcher.get("http://")).fault == "refused"
        assert (await fetcher.get("http://[::1/")).fault == "refused"


def test_certificates_count() -> None:
    assert fault_of(ssl.SSLCertVerificationError()) == "tls"


async def test_a_certificate_nobody_vouches_for(server: FeedServer) -> None:
    """Plain HTTP where TLS is expected is a TLS fault too."""
    server.put("/feed", b"<rss/>")
    async with Fetcher(allow_private=LOCAL, timeout=30.0) as fetcher:
        assert (await fetcher.get(f"https://127.0.0.1:{server.port}/feed")).fault == "tls"


async def test_who_waits_for_his_turn_waits_on_nobodys_time(server: FeedServer) -> None:
    """Many feeds of one slow host, two at a time, longer than a time-out in all: each has the whole for itself."""

    async def slow(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.1)
        return web.Response(body=b"<rss/>")

    server.resources["/slow"] = Resource(handler=slow)
    found = await many(server)
    for _ in range(2):  # who stands still for a moment is too late with one of them: not every time
        found = found if not any(found) else await many(server)
    assert found == [None] * 24


async def many(server: FeedServer) -> list[str | None]:
    async with Fetcher(allow_private=LOCAL, timeout=1.0) as fetcher:
        answers = await asyncio.gather(*(fetcher.get(server.url("/slow")) for _ in range(24)))
        assert fetcher._turns._hosts == {}
    assert all(one.elapsed < 1.0 for one in answers if one.fault is None)
    return [one.fault for one in answers]
