"""/metrics, /live, /ready in this process."""

from __future__ import annotations

import asyncio
import socket
import threading
import time

import aiohttp
import pytest

from tests.ports import free_port
from tinsom import http, metrics
from tinsom.config import HttpConfig
from tinsom.errors import UnreachableError
from tinsom.health import Health


async def fetch(port: int, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as answer:
        return answer.status, await answer.text()


async def test_rendering_metrics_does_not_stall_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    rendering, came_round = threading.Event(), threading.Event()

    def slow() -> bytes:
        rendering.set()
        return b"1" if came_round.wait(10) else b"the loop stood still"

    monkeypatch.setattr(metrics, "render", slow)
    port = free_port()
    async with http.serve(HttpConfig(port=port), Health()):
        scrape = asyncio.create_task(fetch(port, "/metrics"))
        while not rendering.is_set():
            await asyncio.sleep(0.01)
        came_round.set()
        assert await scrape == (200, "1")


async def test_probes_say_what_health_says() -> None:
    health, port = Health(), free_port()
    async with http.serve(HttpConfig(port=port), health):
        assert (await fetch(port, "/ready"))[0] == 503
        health.ready("a")
        assert (await fetch(port, "/ready"))[0] == 200
        assert (await fetch(port, "/live"))[0] == 200
        health.stuck_after = -1.0
        assert await fetch(port, "/live") == (503, '{"alive": false, "stuck": ["a"]}')


async def test_a_port_in_use_says_which_and_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UnreachableError, match=rf"127.0.0.1:{port}: another process uses it; set http.port"):
            async with http.serve(HttpConfig(port=port), Health()):
                pass


async def test_an_address_that_is_not_here_is_one_line() -> None:
    with pytest.raises(UnreachableError, match=r"cannot serve /metrics on 203.0.113.1"):
        async with http.serve(HttpConfig(host="203.0.113.1", port=free_port()), Health()):
            pass


async def test_port_0_serves_nothing() -> None:
    async with http.serve(HttpConfig(port=0), Health()) as port:
        assert port == 0


async def test_a_scrape_that_hangs_does_not_hold_up_the_end() -> None:
    port = free_port()
    async with http.serve(HttpConfig(port=port), Health()):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\n")
        await asyncio.sleep(0.05)
        began = time.monotonic()
    assert time.monotonic() - began < 30, "aiohttp alone would wait for a minute"
    writer.close()
