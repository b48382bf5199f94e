"""A web server that means harm: endless, enormous when unpacked, slow without end, nested without bottom.

It speaks below HTTP, since no library would send what it sends. Every path of `ATTACKS` is one attack, `/good/…`
an ordinary feed with one more entry at each request.
"""

from __future__ import annotations

import asyncio
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from tests.collector.build import posts, rss

MB = 1_000_000
_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\n"
_CHANNEL = b"<rss version='2.0'><channel><title>t</title>"

Attack = Callable[[asyncio.StreamWriter, str], Awaitable[None]]


async def _send(writer: asyncio.StreamWriter, *parts: bytes) -> None:
    for part in parts:
        writer.write(part)
        await writer.drain()


async def _endlessly(writer: asyncio.StreamWriter, part: bytes, pause: float = 0.0) -> None:
    while not writer.is_closing():
        await _send(writer, part)
        await asyncio.sleep(pause)


def packed(gigabytes: int) -> Iterator[bytes]:
    """Gzip of that many gigabytes of spaces, in pieces: one piece over and over, each ended at a byte's edge."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    yield b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"
    yield packer.compress(b"<rss version='2.0'>") + packer.flush(zlib.Z_FULL_FLUSH)
    piece = packer.compress(b" " * 50 * MB) + packer.flush(zlib.Z_FULL_FLUSH)
    for _ in range(gigabytes * 20):
        yield piece


async def _bomb(writer: asyncio.StreamWriter, path: str) -> None:
    await _send(writer, _OK + b"Content-Encoding: gzip\r\n\r\n", *packed(10))


async def _packed_file(writer: asyncio.StreamWriter, path: str) -> None:
    """A file that is itself packed, as sitemaps are, just below the limit of a body."""
    await _body(writer, b"".join(packed(8))[: 8 * MB])


async def _drip(writer: asyncio.StreamWriter, path: str) -> None:
    await _send(writer, _OK + b"\r\n")
    await _endlessly(writer, b" ", 0.05)


async def _drip_headers(writer: asyncio.StreamWriter, path: str) -> None:
    await _send(writer, _OK)
    await _endlessly(writer, b"x", 0.05)


async def _silence(writer: asyncio.StreamWriter, path: str) -> None:
    await asyncio.sleep(3_600)


async def _headers(writer: asyncio.StreamWriter, path: str) -> None:
    await _send(writer, _OK)
    await _endlessly(writer, b"X-More: " + b"a" * 100 + b"\r\n")


async def _header(writer: asyncio.StreamWriter, path: str) -> None:
    await _send(writer, _OK + b"X-Long: ")
    await _endlessly(writer, b"a" * 65_536)


async def _continue(writer: asyncio.StreamWriter, path: str) -> None:
    await _endlessly(writer, b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


async def _endless(writer: asyncio.StreamWriter, path: str) -> None:
    await _send(writer, _OK + b"\r\n" + _CHANNEL)
    await _endlessly(writer, b"<item/>" * 10_000)


async def _chunks(writer: asyncio.StreamWriter, path: str) -> None:
    await _send(writer, _OK + b"Transfer-Encoding: chunked\r\n\r\n")
    await _endlessly(writer, b"1;" + b"a" * 4_000 + b"\r\n \r\n")


async def _trailers(writer: asyncio.StreamWriter, path: str) -> None:
    await _send(writer, _OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n")
    await _endlessly(writer, b"X-More: " + b"a" * 100 + b"\r\n")


async def _garbage(writer: asyncio.StreamWriter, path: str) -> None:
    await _endlessly(writer, bytes(range(256)) * 100)


async def _redirect(writer: asyncio.StreamWriter, path: str) -> None:
    """To itself, and a little longer each time."""
    location = b"Location: " + path.encode() + b"x" * 100
    await _send(writer, b"HTTP/1.1 302 Found\r\n" + location + b"\r\nContent-Length: 0\r\n\r\n")


async def _body(writer: asyncio.StreamWriter, body: bytes) -> None:
    await _send(writer, _OK + f"Content-Length: {len(body)}\r\n\r\n".encode(), body)


def _of(make: Callable[[], bytes]) -> Attack:
    async def attack(writer: asyncio.StreamWriter, path: str) -> None:
        await _body(writer, make())

    return attack


def laughs() -> bytes:
    names = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    item = b"<item><title>&a9;</title><link>https://x.example/1</link></item></channel></rss>"
    return f'<!DOCTYPE rss [<!ENTITY a0 "ha">{names}]>'.encode() + _CHANNEL + item


def quadratic() -> bytes:
    item = b"<item><title>" + b"&a;" * 20_000 + b"</title></item></channel></rss>"
    return b'<!DOCTYPE rss [<!ENTITY a "' + b"A" * MB + b'">]>' + _CHANNEL + item


def foreign_file() -> bytes:
    head = b"<!DOCTYPE rss [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
    return head + _CHANNEL + b"<item><title>&x;</title><link>https://x.example/1</link></item></channel></rss>"


def _million(item: bytes, count: int = MB) -> bytes:
    return _CHANNEL + item * min(count, 8 * MB // len(item)) + b"</channel></rss>"


def _json(inside: bytes) -> bytes:
    return b'{"version":"https://jsonfeed.org/version/1","items":[' + inside + b"{}]}"


# path → the attack, and the outcomes that name it
ATTACKS: dict[str, tuple[Attack, set[str]]] = {
    "/bomb": (_bomb, {"too_big"}),
    "/bomb.gz": (_packed_file, {"no_entries", "parse"}),
    "/drip": (_drip, {"timeout"}),
    "/drip-headers": (_drip_headers, {"timeout", "connection"}),
    "/silence": (_silence, {"timeout"}),
    "/headers": (_headers, {"connection"}),
    "/header": (_header, {"connection"}),
    "/continue": (_continue, {"timeout"}),
    "/endless": (_endless, {"too_big"}),
    "/chunks": (_chunks, {"too_big", "timeout", "connection"}),
    "/trailers": (_trailers, {"connection", "timeout"}),
    "/garbage": (_garbage, {"connection"}),
    "/redirect": (_redirect, {"redirects"}),
    "/laughs": (_of(laughs), {"ok", "parse"}),
    "/quadratic": (_of(quadratic), {"ok", "parse", "no_entries"}),
    "/foreign-file": (_of(foreign_file), {"ok"}),
    "/million": (_of(lambda: _million(b"<item/>")), {"ok"}),
    "/million-broken": (_of(lambda: _million(b"<item>&</item>")), {"ok"}),
    "/million-atom": (_of(lambda: b"<feed xmlns='http://www.w3.org/2005/Atom'>" + b"<entry/>" * 999_000), {"ok"}),
    "/million-urls": (_of(lambda: b"<urlset>" + b"<url><loc>/1</loc></url>" * 320_000 + b"</urlset>"), {"ok"}),
    "/million-json": (_of(lambda: _json(b"{}," * 2_600_000)), {"ok"}),
    "/deep": (_of(lambda: _million(b"<a>", 2_600_000)), {"no_entries"}),
    "/deep-names": (
        _of(lambda: _CHANNEL + b"".join(b"<x%d:a xmlns:x%d='u'>" % (n, n) for n in range(250_000))),
        {"no_entries"},
    ),
    "/deep-items": (_of(lambda: _million(b"<item>")), {"ok", "parse"}),
    "/deep-json": (_of(lambda: _json(b"[" * 7 * MB)), {"parse"}),
    "/deep-markup": (_of(lambda: _million(b"<item><description>" + b"&lt;div&gt;" * 700_000)), {"ok"}),
}


@dataclass
class HostileServer:
    asked: Counter[str] = field(default_factory=Counter)
    port: int = 0
    _server: asyncio.Server | None = None
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> HostileServer:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await self._answer(writer, head.split(b" ", 2)[1].decode())
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the other side had enough, or the test has
        finally:
            self._open.discard(task)
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, path: str) -> None:
        self.asked[path] += 1
        if path.startswith("/good/"):
            return await _body(writer, rss(posts(*range(self.asked[path] + 5, self.asked[path], -1))))
        attack, _ = ATTACKS["/redirect" if path.startswith("/redirect") else path]
        await attack(writer, path)


def unpacked_size(pieces: Iterator[bytes]) -> int:
    """What a bomb unpacks to, counted without keeping it."""
    unpacker, size = zlib.decompressobj(31), 0
    for piece in pieces:
        size += len(unpacker.decompress(piece))
    return size
