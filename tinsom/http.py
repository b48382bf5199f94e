"""/metrics, /live, /ready, and what services answer (`tinsom.doors`).

Metrics are rendered in a thread: 50,000 series would stall the loop for a second.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from tinsom import metrics
from tinsom.config import HttpConfig
from tinsom.doors import Doors
from tinsom.errors import UnreachableError
from tinsom.health import Health

EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"
# Nobody's slow scrape may hold up the end of the process.
CLOSE_SECONDS = 1.0
_INDEX = (
    "tinsom\n/metrics  for Prometheus\n/live     503 when a part is stuck\n/ready    503 until all parts are\n"
)


@dataclass(frozen=True)
class _Pages:
    health: Health
    doors: Doors

    async def index(self, request: web.Request) -> web.Response:
        return web.Response(text=_INDEX)

    async def metrics(self, request: web.Request) -> web.Response:
        body = await asyncio.to_thread(metrics.render)
        return web.Response(body=body, headers={"Content-Type": EXPOSITION})

    async def live(self, request: web.Request) -> web.Response:
        stuck = self.health.stuck()
        return web.json_response({"alive": not stuck, "stuck": stuck}, status=503 if stuck else 200)

    async def ready(self, request: web.Request) -> web.Response:
        is_ready = self.health.is_ready
        return web.json_response({"ready": is_ready}, status=200 if is_ready else 503)

    async def enter(self, request: web.Request) -> web.Response:
        """What a service answers itself."""
        door = self.doors.open.get(request.match_info["door"])
        if door is None:
            raise web.HTTPNotFound
        answer = await door(request.method, request.match_info["rest"])
        headers = {"Cache-Control": "no-store"}
        if answer.retry_after:
            headers["Retry-After"] = str(answer.retry_after)
        return web.Response(status=answer.status, text=answer.html, content_type="text/html", headers=headers)


def application(health: Health, doors: Doors) -> web.Application:
    pages, app = _Pages(health, doors), web.Application()
    app.router.add_get("/", pages.index)
    app.router.add_get("/metrics", pages.metrics)
    app.router.add_get("/live", pages.live)
    app.router.add_get("/ready", pages.ready)
    app.router.add_route("*", "/{door}/{rest:.+}", pages.enter)
    return app


@asynccontextmanager
async def serve(config: HttpConfig, health: Health, doors: Doors | None = None) -> AsyncIterator[int]:
    """Serve while the block runs; yields the port (0 in the configuration serves nothing).

    Raises UnreachableError when the port cannot be had.
    """
    if config.port == 0:
        yield 0
        return
    runner = web.AppRunner(application(health, doors or Doors()), access_log=None, shutdown_timeout=CLOSE_SECONDS)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, config.host, config.port).start()
        except OSError as error:
            raise UnreachableError(_cannot_listen(config, error)) from error
        yield config.port
    finally:
        await runner.cleanup()


def _cannot_listen(config: HttpConfig, error: OSError) -> str:
    reason = "another process uses it" if error.errno == errno.EADDRINUSE else error.strerror or str(error)
    return f"cannot serve /metrics on {config.host}:{config.port}: {reason}; set http.port or --port (0: none)"
