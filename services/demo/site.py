"""The sample day on loopback: what a source would be, at the moment that the demo's clock shows.

site = DemoSite(edition.load(), clock)
await site.start()
config = site.config()          # sources, subscriptions, destinations, loopback allowed
...                             # run the pipeline with the same clock
while not (timeline.done(clock.now()) and site.caught_up()): ...
await site.close()
"""

from __future__ import annotations

from collections import Counter

from aiohttp import web

from services.demo import answers
from services.demo.documents import feed_path
from services.demo.edition import Edition, Feed
from tinsom.clock import Clock
from tinsom.config import CollectorConfig, Config, SourceConfig

HOST = "127.0.0.1"
INTERVAL = 300.0  # seconds of the demo's clock between two polls


class DemoSite:
    """All publishers of the day behind one address.

    The first good answer of each feed shows what stood there when the day opened, however late the poll comes:
    a pipeline that is slow to start has its baseline all the same, and nothing of the day disappears in it.
    """

    def __init__(self, edition: Edition, clock: Clock) -> None:
        self.edition = edition
        self.clock = clock
        self.requests: Counter[tuple[str, int]] = Counter()  # by feed id (or "page") and status
        self._shown_until: dict[str, float] = {}
        self._runner: web.AppRunner | None = None
        self.base = ""

    async def start(self, port: int = 0) -> str:
        """Serve on a free loopback port; returns the address without a final slash. Raises OSError."""
        app = web.Application()
        app.router.add_get("/{publisher}/rss/{feed}.xml", self._feed)
        app.router.add_get("/{publisher}/tin/{slug}.html", self._page)
        app.router.add_get("/{publisher}/", self._front)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, port).start()
        self.base = f"http://{HOST}:{self._runner.addresses[0][1]}"
        return self.base

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def caught_up(self) -> bool:
        """Every feed has been polled, with success, after the last change that it had by now."""
        now = self.clock.now()
        return all(
            self._shown_until.get(feed, -1.0) >= self.edition.changed_at(feed, now) for feed in self.edition.feeds
        )

    def sources(self, interval: float = INTERVAL) -> list[SourceConfig]:
        """The feeds as a configuration names them; publishers are told apart by name, their host being one."""
        return [
            SourceConfig(
                id=feed.id,
                url=self.base + feed_path(feed),
                publisher=feed.publisher,
                name=self.edition.publishers[feed.publisher].name,
                tier=feed.tier,
                interval=interval,
            )
            for feed in self.edition.feeds.values()
        ]

    def config(self, interval: float = INTERVAL) -> Config:
        """A whole configuration: these sources, the day's audience on the terminal, defaults for the rest."""
        return Config(
            collector=CollectorConfig(allow_private=[HOST]),
            sources=self.sources(interval),
            destinations=self.edition.audience.destinations,
            subscriptions=self.edition.audience.subscriptions,
        )

    async def _feed(self, request: web.Request) -> web.Response:
        feed = self.edition.feeds.get(request.match_info["feed"])
        if feed is None or feed.publisher != request.match_info["publisher"]:
            raise web.HTTPNotFound
        if feed.delay:
            await self.clock.sleep(feed.delay)
        moment = self._moment(feed)
        answer = answers.feed_answer(
            self.edition,
            feed,
            moment,
            self.base,
            none_match=request.headers.get("If-None-Match", ""),
            modified_since=request.headers.get("If-Modified-Since", ""),
        )
        if answer.good:
            self._shown_until[feed.id] = moment
        return self._respond(feed.id, answer)

    def _moment(self, feed: Feed) -> float:
        return self.clock.now() if feed.id in self._shown_until else self.edition.opens

    async def _page(self, request: web.Request) -> web.Response:
        match = request.match_info
        answer = answers.page_answer(self.edition, match["publisher"], match["slug"], self.clock.now(), self.base)
        return self._respond("page", answer)

    async def _front(self, request: web.Request) -> web.Response:
        return self._respond("page", answers.front_answer(self.edition, request.match_info["publisher"]))

    def _respond(self, what: str, answer: answers.Answer) -> web.Response:
        self.requests[what, answer.status] += 1
        return web.Response(status=answer.status, body=answer.body or None, headers=answer.headers)
