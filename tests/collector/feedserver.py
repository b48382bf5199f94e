"""A loopback web server that answers as it is told, and writes down what it was asked."""

from __future__ import annotations

import ssl
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from hashlib import sha256

from aiohttp import web


@dataclass
class Resource:
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    validators: bool = True
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None

    @property
    def etag(self) -> str:
        return f'W/"{sha256(self.body).hexdigest()[:16]}"'


@dataclass
class FeedServer:
    resources: dict[str, Resource] = field(default_factory=dict)
    asked: defaultdict[str, list[dict[str, str]]] = field(default_factory=lambda: defaultdict(list))
    statuses: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    port: int = 0
    tls: ssl.SSLContext | None = None
    _runner: web.AppRunner | None = None

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http{'s' if self.tls else ''}://{host}:{self.port}{path}"

    def put(self, path: str, body: bytes = b"", status: int = 200, **headers: str) -> Resource:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        found = self.resources[path] = Resource(body, status, named)
        return found

    async def __aenter__(self) -> FeedServer:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self.tls)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked[request.path].append(dict(request.headers))
        resource = self.resources.get(request.path, Resource(status=404))
        if resource.handler is not None:
            return await resource.handler(request)
        headers = dict(resource.headers)
        if resource.validators and resource.status == 200:
            headers.setdefault("ETag", resource.etag)
        status = resource.status
        if status == 200 and request.headers.get("If-None-Match") == headers.get("ETag", "-"):
            status = 304
        self.statuses[request.path].append(status)
        return web.Response(body=b"" if status == 304 else resource.body, status=status, headers=headers)
