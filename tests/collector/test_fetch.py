from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import zlib
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from services.collector import addresses, fetch
from services.collector.fetch import Fetcher, PublicResolver, fault_of, validators
from tests.collector.feedserver import FeedServer, Resource

LOCAL = ["127.0.0.1", "localhost"]


async def get(server: FeedServer, path: str, **more: Any) -> Any:
    async with Fetcher(
        allow_private=LOCAL, timeout=more.pop("timeout", 5.0), contact="ops@bao.example"
    ) as fetcher:
        return await fetcher.get(server.url(path), **more)


async def test_validators_go_back_exactly_as_they_came(server: FeedServer) -> None:
    server.put("/feed", b"<rss/>", Last_Modified="Tue,10 Mar 2026 01:00:00 gmt")
    first = await get(server, "/feed")
    etag, modified = first.headers["etag"], first.headers["last-modified"]
    again = await get(server, "/feed", headers=validators(etag, modified))
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


HOSTILE = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.3.4",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "100.100.100.200",
    "192.0.0.192",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:a9fe:a9fe]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::a00:1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::]",
    "[fe80::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
    "localhost",
    "localhost.",
    "LOCALHOST",
    "bao.example@127.0.0.1",
    "bao.example:80@127.0.0.1",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
]


@pytest.mark.parametrize("host", HOSTILE)
async def test_inside_is_out_of_reach(server: FeedServer, host: str) -> None:
    """Directly and by redirect; nothing arrives at the server that listens there."""
    server.put("/feed", b"<rss/>")
    async with Fetcher(timeout=5.0) as fetcher:
        direct = await fetcher.get(f"http://{host}:{server.port}/feed")
    assert direct.fault in ("refused", "dns")
    server.put("/hop", status=302, Location=f"http://{host}:{server.port}/feed")
    # The first hop is allowed by name; the name covers no other one.
    async with Fetcher(timeout=5.0, allow_private=["hop.test"]) as fetcher:
        assert fetcher._session is not None
        resolver = PublicResolver(frozenset(["hop.test"]))
        resolver._inner = _Names({"hop.test": "127.0.0.1"})  # type: ignore[assignment]
        fetcher._session.connector._resolver = resolver  # type: ignore[union-attr]
        hopped = await fetcher.get(f"http://hop.test:{server.port}/hop")
    assert hopped.fault in ("refused", "dns")
    assert server.asked["/feed"] == []
    assert len(server.asked["/hop"]) == 1


class _Names:
    """A name server that says what it is told."""

    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[dict[str, object]]:
        if host not in self._names:
            return await aiohttp.ThreadedResolver().resolve(host, port, socket.AddressFamily(family))  # type: ignore[return-value]
        return [
            {"hostname": host, "host": self._names[host], "port": port, "family": family, "proto": 0, "flags": 0}
        ]

    async def close(self) -> None:
        return


async def test_a_public_name_with_a_private_address_is_refused(server: FeedServer) -> None:
    server.put("/feed", b"<rss/>")
    async with Fetcher(timeout=5.0) as fetcher:
        assert fetcher._session is not None
        resolver = PublicResolver(frozenset())
        resolver._inner = _Names({"rebind.example": "127.0.0.1"})  # type: ignore[assignment]
        fetcher._session.connector._resolver = resolver  # type: ignore[union-attr]
        assert (await fetcher.get(f"http://rebind.example:{server.port}/feed")).fault == "refused"
    assert server.asked["/feed"] == []


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "64:ff9b::808:808", "203.113.131.1"])
def test_public_addresses_are_public(address: str) -> None:
    assert addresses.refusal(address) == ""


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
    async with Fetcher(allow_private=LOCAL, timeout=2.0) as fetcher:
        assert (await fetcher.get(f"http://127.0.0.1:{port}/")).fault == "connection"
        assert (await fetcher.get("http://no-such-host.invalid/")).fault in ("dns", "refused")
        assert (await fetcher.get("http://")).fault == "refused"
        assert (await fetcher.get("http://[::1/")).fault == "refused"


def test_certificates_count() -> None:
    assert fault_of(ssl.SSLCertVerificationError()) == "tls"


async def test_a_certificate_nobody_vouches_for(server: FeedServer) -> None:
    """Plain HTTP where TLS is expected is a TLS fault too."""
    server.put("/feed", b"<rss/>")
    async with Fetcher(allow_private=LOCAL, timeout=3.0) as fetcher:
        assert (await fetcher.get(f"https://127.0.0.1:{server.port}/feed")).fault == "tls"
