"""/metrics, /live, /ready. Metrics are rendered in a thread: 50,000 series would stall the loop for a second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from tinsom import metrics
from tinsom.config import HttpConfig
from tinsom.errors import UnreachableError
from tinsom.health import Health

EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"


def application(health: Health) -> web.Application:
    async def show_metrics(request: web.Request) -> web.Response:
        body = await asyncio.to_thread(metrics.render)
        return web.Response(body=body, headers={"Content-Type": EXPOSITION})

    async def live(request: web.Request) -> web.Response:
        stuck = health.stuck()
        return web.json_response({"alive": not stuck, "stuck": stuck}, status=503 if stuck else 200)

    async def ready(request: web.Request) -> web.Response:
        return web.json_response({"ready": health.is_ready}, status=200 if health.is_ready else 503)

    app = web.Application()
    app.router.add_get("/metrics", show_metrics)
    app.router.add_get("/live", live)
    app.router.add_get("/ready", ready)
    return app


@asynccontextmanager
async def serve(config: HttpConfig, health: Health) -> AsyncIterator[int]:
    """Serve while the block runs; yields the port (0 in the configuration serves nothing)."""
    if config.port == 0:
        yield 0
        return
    runner = web.AppRunner(application(health), access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, config.host, config.port)
        try:
            await site.start()
        except OSError as error:
            raise UnreachableError(
                f"cannot listen on {config.host}:{config.port} ({error.strerror or error}); set http.port"
            ) from error
        yield config.port
    finally:
        await runner.cleanup()
