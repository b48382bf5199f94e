"""The fake on a loopback port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from tests.fakes.telegram.core import BotApi, Reply


@asynccontextmanager
async def serve(api: BotApi, token: str = "42:secret", port: int = 0, latency: float = 0.0) -> AsyncIterator[str]:
    """The base address (`http://127.0.0.1:…`) of a server that answers for `api`."""
    app = web.Application(client_max_size=1 << 20)
    hanging, polls = asyncio.Event(), _Polls(api)

    async def method(request: web.Request) -> web.StreamResponse:
        if request.match_info["token"] != token:
            body = {"ok": False, "error_code": 401, "description": "Unauthorized"}
            return web.json_response(body, status=401)
        name, parameters = request.match_info["method"], await _parameters(request)
        reply = await polls.news(parameters) if name == "getUpdates" else api.handle(name, parameters)
        await asyncio.sleep(latency)
        return await _answer(request, reply, hanging)

    async def control(request: web.Request) -> web.StreamResponse:
        return web.json_response(_control(api, await request.json()))

    app.router.add_post("/bot{token}/{method}", method)
    app.router.add_post("/control", control)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        hanging.set()
        polls.end()
        await runner.cleanup()


class _Polls:
    """Long polling: one request for news at a time; another one ends it with a conflict, as the original does."""

    def __init__(self, api: BotApi) -> None:
        self._api = api
        self._held: asyncio.Future[None] | None = None
        api.on_update = self._wake

    async def news(self, parameters: dict[str, Any]) -> Reply:
        if self._held is not None and not self._held.done():
            self._held.cancel()
        held = self._held = asyncio.get_running_loop().create_future()
        reply = self._api.handle("getUpdates", parameters)
        try:
            if not reply.body["result"]:
                await asyncio.wait_for(asyncio.shield(held), float(parameters.get("timeout", 0)))
            return self._api.handle("getUpdates", parameters)
        except TimeoutError:
            return reply
        except asyncio.CancelledError:
            if not held.cancelled():
                raise  # the client has gone away
            self._api.conflicts += 1
            text = (
                "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
            )
            return Reply(409, {"ok": False, "error_code": 409, "description": text})

    def _wake(self) -> None:
        if self._held is not None and not self._held.done():
            self._held.set_result(None)

    def end(self) -> None:
        self._wake()


async def _parameters(request: web.Request) -> dict[str, Any]:
    if request.content_type == "application/json":
        body = await request.json()
        return body if isinstance(body, dict) else {}
    return dict(await request.post())


async def _answer(request: web.Request, reply: Reply, hanging: asyncio.Event) -> web.StreamResponse:
    if reply.fault in ("hang", "accept_hang"):
        await hanging.wait()
    if reply.fault in ("reset", "accept_reset", "hang", "accept_hang"):
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)
    if reply.fault == "html_502":
        return web.Response(status=502, text="<html>Bad Gateway</html>", content_type="text/html")
    return web.json_response(reply.body, status=reply.status)


def _control(api: BotApi, order: dict[str, Any]) -> dict[str, Any]:
    """For tests in another process: plant faults, change chats, ask what came."""
    if "faults" in order:
        target = api.chat(order["chat"]).faults if "chat" in order else api.faults
        target.extend(order["faults"])
    if "blocked" in order:
        api.chat(order["chat"]).blocked = order["blocked"]
    if "migrated_to" in order:
        api.chat(order["chat"]).migrated_to = order["migrated_to"]
    if "say" in order:
        api.say(order["say"], order["chat"], order["person"])
    if "press" in order:
        api.press(order["press"], order["chat"], order["person"])
    return {"accepted": len(api.accepted), "early": api.early, "duplicates": len(api.duplicates())}
