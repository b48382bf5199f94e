"""A server that gives marks to whoever polls it, by the public rules of Rachel Kroll's Feed Reader Score.

Its rules (rachelbythebay.com/fs/help.html): validators are opaque, go back exactly as they came, and are stored
again with every answer; nothing is invented; no unconditional request where a conditional one could be made, after
a restart neither; no cookies, referrers or queries; 429 is obeyed. To these come what HTTP asks for (Retry-After,
caching, redirects, 410), what a feed asks for, and how much one host is asked at a time.

The clock is the test's. `FeedScore.marks` says what was kept, of how many occasions, and where it was not.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import pairwise
from typing import Any

from aiohttp import web

from tests.collector.build import posts, rss

HOUR = 3_600.0
DAY = 24 * HOUR
LUGGAGE = ("cookie", "referer", "authorization", "origin")
PER_HOST = 2
SLACK = 1.0  # a second: HTTP's dates have no fractions


@dataclass(frozen=True)
class Visit:
    """One request, and what it was answered."""

    at: float
    host: str
    path: str
    query: str
    headers: dict[str, str]
    reply: web.Response = field(default_factory=web.Response)

    @property
    def conditions(self) -> tuple[str, str]:
        return self.headers.get("if-none-match", ""), self.headers.get("if-modified-since", "")


@dataclass(frozen=True)
class Mark:
    rule: str
    occasions: int
    faults: list[str]

    @property
    def full(self) -> bool:
        return self.occasions > 0 and not self.faults


Behaviour = Callable[[Visit, float], web.Response]
"""What a path answers, `hours` after the beginning."""


def http_date(at: float) -> str:
    return format_datetime(datetime.fromtimestamp(at, UTC), usegmt=True)


def document(version: int, inside: str = "") -> bytes:
    return rss(posts(*range(version + 3, 0, -1))).replace(b"</link>", b"</link>" + inside.encode(), 1)


def feed(etag: str = "", modified: str = "", inside: str = "", changes: float = 8.0, **headers: str) -> Behaviour:
    """A feed that changes every `changes` hours; `{}` in a validator is its version."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    def answer(visit: Visit, hours: float) -> web.Response:
        version = int(hours // changes)
        given = {"ETag": etag.format(version), "Last-Modified": modified.format(version)}
        given = {name: value for name, value in given.items() if value}
        same = any(visit.conditions) and all(
            asked == given.get(name, "")
            for name, asked in zip(("ETag", "Last-Modified"), visit.conditions, strict=True)
        )
        sent = {**given, **named}
        return (
            web.Response(status=304, headers=sent)
            if same
            else web.Response(body=document(version, inside), headers=sent)
        )

    return answer


def renewed(visit: Visit, hours: float) -> web.Response:
    """A new ETag with every answer, with "not modified" too."""
    tag = {"ETag": f'"{visit.at}"'}
    return (
        web.Response(status=304, headers=tag)
        if visit.conditions[0]
        else web.Response(body=document(0), headers=tag)
    )


def taken_back(visit: Visit, hours: float) -> web.Response:
    """Validators until the tenth hour, none after it."""
    return feed(etag='"old"')(visit, 0.0) if hours < 10 else web.Response(body=document(int(hours // 8)))


def troubled(trouble: Callable[[float], web.Response], begin: float = 6.0, end: float = 6.9) -> Behaviour:
    """An ordinary feed, but for a while."""
    ordinary = feed(etag='"{}"')

    def answer(visit: Visit, hours: float) -> web.Response:
        return trouble(visit.at) if begin <= hours < end else ordinary(visit, hours)

    return answer


def moved(status: int, to: str) -> Behaviour:
    return lambda visit, hours: web.Response(status=status, headers={"Location": to})


def missing(visit: Visit, hours: float) -> web.Response:
    return web.Response(status=404)


def gone(visit: Visit, hours: float) -> web.Response:
    return feed(etag='"{}"')(visit, hours) if hours < 4 else web.Response(status=410)


@dataclass
class FeedScore:
    """Behaviours by host and path; everything else is 404. Use as an async context manager."""

    now: Callable[[], float]
    behaviours: dict[tuple[str, str], Behaviour] = field(default_factory=dict)
    visits: list[Visit] = field(default_factory=list)
    restarts: list[float] = field(default_factory=list)
    most: Counter[str] = field(default_factory=Counter)  # host → most requests at a time
    delay: float = 0.0  # real seconds an answer takes, so that requests could overlap
    begin: float = 0.0
    port: int = 0
    _busy: Counter[str] = field(default_factory=Counter)
    _runner: web.AppRunner | None = None

    async def __aenter__(self) -> FeedScore:
        self.begin = self.now()
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        host = request.host.partition(":")[0]
        headers = {name.lower(): value for name, value in request.headers.items()}
        visit = Visit(self.now(), host, request.path, request.query_string, headers)
        self._busy[host] += 1
        self.most[host] = max(self.most[host], self._busy[host])
        try:
            await asyncio.sleep(self.delay if host.startswith("slow") else 0.0)
            behaviour = self.behaviours.get((host, request.path), missing)
            reply = behaviour(visit, (visit.at - self.begin) / HOUR)
            self.visits.append(Visit(visit.at, host, visit.path, visit.query, headers, reply))
            return reply
        finally:
            self._busy[host] -= 1

    # --- marks ------------------------------------------------------------------------------------------

    def marks(self) -> list[Mark]:
        return [
            self._mark("validators go back exactly as they came last", self._echoed()),
            self._mark("no validator is invented, or carried to another server", self._invented()),
            self._mark("no unconditional request where a conditional one could be made", self._unconditional()),
            self._mark("a restart forgets no validator", self._after_restarts()),
            self._mark("no cookies, referrers, queries; an honest name with a contact", self._luggage()),
            self._mark("Retry-After is kept, in both forms, whatever the status", self._retry_after()),
            self._mark("429 and 5xx without a time are backed off from", self._backed_off()),
            self._mark("Cache-Control and Expires are kept, for an hour at most", self._cached()),
            self._mark(
                "what moved for good is asked where it is, from the second day", self._moved(permanent=True)
            ),
            self._mark("what moved for now is asked where it was", self._moved(permanent=False)),
            self._mark("what is gone is left alone", self._gone()),
            self._mark("skipHours and ttl are kept", self._wishes()),
            self._mark(f"never more than {PER_HOST} requests at a time to a host", self._at_once()),
        ]

    def _mark(self, rule: str, checks: Iterator[tuple[bool, str]]) -> Mark:
        found = list(checks)
        return Mark(rule, len(found), [what for kept, what in found if not kept])

    def _by_path(self) -> dict[tuple[str, str], list[Visit]]:
        found: dict[tuple[str, str], list[Visit]] = defaultdict(list)
        for visit in self.visits:
            found[visit.host, visit.path].append(visit)
        return found

    def _says(self, visit: Visit, what: str) -> str:
        return f"{visit.host}{visit.path} after {(visit.at - self.begin) / HOUR:.2f} h: {what}"

    def _with_known(self) -> Iterator[tuple[Visit, tuple[str, str]]]:
        """Every request after a good answer, with the validators that hold then."""
        for visits in self._by_path().values():
            known: tuple[str, str] | None = None
            for visit in visits:
                if known is not None:
                    yield visit, known
                status, headers = visit.reply.status, visit.reply.headers
                if status in (200, 304):
                    kept = known if status == 304 and known is not None else ("", "")
                    known = headers.get("ETag", kept[0]), headers.get("Last-Modified", kept[1])

    def _echoed(self) -> Iterator[tuple[bool, str]]:
        for visit, known in self._with_known():
            if any(visit.conditions) or not any(known):
                yield visit.conditions == known, self._says(visit, f"{visit.conditions} for {known}")

    def _invented(self) -> Iterator[tuple[bool, str]]:
        for visits in self._by_path().values():
            given = {("", "")}
            for visit in visits:
                asked = visit.conditions
                yield asked in given, self._says(visit, f"{asked} was never given here")
                tag, modified = visit.reply.headers.get("ETag", ""), visit.reply.headers.get("Last-Modified", "")
                given |= {(tag, modified)}

    def _unconditional(self) -> Iterator[tuple[bool, str]]:
        """One full request a day is allowed: a server may lie when it says "not modified"."""
        full: dict[tuple[str, str], float] = {}
        for visit, known in self._with_known():
            if any(known):
                place = visit.host, visit.path
                bare = not any(visit.conditions)
                yield (
                    not bare or visit.at - full.get(place, self.begin) > 0.7 * DAY,
                    self._says(visit, "no condition"),
                )
                if bare:
                    full[place] = visit.at

    def _after_restarts(self) -> Iterator[tuple[bool, str]]:
        for restart in self.restarts:
            seen = set()
            for visit, known in self._with_known():
                if visit.at >= restart and (visit.host, visit.path) not in seen and any(known):
                    seen.add((visit.host, visit.path))
                    yield any(visit.conditions), self._says(visit, "forgot its validators")

    def _luggage(self) -> Iterator[tuple[bool, str]]:
        for visit in self.visits:
            agent = visit.headers.get("user-agent", "")
            clean = not visit.query and not any(name in visit.headers for name in LUGGAGE)
            honest = (
                agent.startswith("tinsom/") and "+" in agent and "gzip" in visit.headers.get("accept-encoding", "")
            )
            yield clean and honest, self._says(visit, f"{visit.query} {agent} {sorted(visit.headers)}")

    def _pairs(self) -> Iterator[tuple[Visit, Visit]]:
        for visits in self._by_path().values():
            yield from pairwise(visits)

    def _retry_after(self) -> Iterator[tuple[bool, str]]:
        for before, after in self._pairs():
            if until := before.reply.headers.get("X-Until"):
                yield after.at >= float(until) - SLACK, self._says(after, "sooner than Retry-After said")

    def _backed_off(self) -> Iterator[tuple[bool, str]]:
        """Each wait in a row of failures is longer than the last; a server that fails may be asked hourly."""
        for visits in self._by_path().values():
            wait = 0.0
            for before, after in pairwise(visits):
                failed = before.reply.status in (429, 500, 503) and "X-Until" not in before.reply.headers
                now = after.at - before.at
                if failed:
                    longer = now > wait or (before.reply.status >= 500 and now > 0.85 * HOUR)
                    yield longer, self._says(after, f"{now:.0f} s, {wait:.0f} before")
                wait = after.at - before.at if failed else 0.0

    def _cached(self) -> Iterator[tuple[bool, str]]:
        for before, after in self._pairs():
            fresh = before.reply.headers.get("X-Fresh")
            if fresh:
                kept = after.at - before.at >= min(float(fresh), HOUR) - SLACK
                yield kept, self._says(after, f"{after.at - before.at:.0f} s later, fresh for {fresh} s")

    def _moved(self, *, permanent: bool) -> Iterator[tuple[bool, str]]:
        statuses = (301, 308) if permanent else (302, 303, 307)
        for place, visits in self._by_path().items():
            if visits[0].reply.status not in statuses:
                continue
            hours = [(visit.at - self.begin) / HOUR for visit in visits]
            ends, last = (self.visits[-1].at - self.begin) / HOUR, hours[-1]
            says = f"{place} asked {len(visits)} times, last after {last:.1f} h of {ends:.1f}"
            yield (22 < last < 26 < ends) if permanent else last > ends - 2, says

    def _gone(self) -> Iterator[tuple[bool, str]]:
        for visits in self._by_path().values():
            for before, after in pairwise(visits):
                if before.reply.status == 410:
                    yield False, self._says(after, "asked again")
            if visits[-1].reply.status == 410:
                yield True, ""

    def _wishes(self) -> Iterator[tuple[bool, str]]:
        for before, after in self._pairs():
            if after.path == "/skip-hours" and (after.at - self.begin) / HOUR > 1:
                yield (
                    datetime.fromtimestamp(after.at, UTC).hour not in SKIPPED,
                    self._says(after, "in a skipped hour"),
                )
            if after.path == "/ttl" and before.reply.status in (200, 304):
                yield after.at - before.at >= TTL - SLACK, self._says(after, f"{after.at - before.at:.0f} s later")

    def _at_once(self) -> Iterator[tuple[bool, str]]:
        for host, most in self.most.items():
            if host.startswith("slow"):
                yield most <= PER_HOST, f"{most} at a time to {host}"


SKIPPED = (5, 6, 7, 18)
TTL = 900.0  # what a feed of tier 2 may ask for


def fresh(seconds: float, **headers: str) -> dict[str, Any]:
    """Headers that call an answer fresh for so long; `X-Fresh` is for the marks."""
    return {"X-Fresh": str(seconds), **headers}


def wait(status: int, seconds: float, *, as_date: bool = False) -> Callable[[float], web.Response]:
    def answer(now: float) -> web.Response:
        until = int(now + seconds)
        value = http_date(until) if as_date else str(int(seconds))
        return web.Response(status=status, headers={"Retry-After": value, "X-Until": str(until)})

    return answer


def _expires(visit: Visit, hours: float) -> web.Response:
    reply = feed(etag='"{}"')(visit, hours)
    reply.headers.update({"Date": http_date(visit.at), "Expires": http_date(visit.at + 2_700), "X-Fresh": "2700"})
    return reply


def _elsewhere(visit: Visit, hours: float) -> web.Response:
    """Leads to one server in the morning and to another in the afternoon, which knows nothing of the first."""
    host = "first" if hours < 9 else "second"
    return web.Response(
        status=302, headers={"Location": f"http://{host}.test:{visit.headers['host'].partition(':')[2]}/f"}
    )


def _skipping() -> Behaviour:
    hours = "".join(f"<hour>{hour}</hour>" for hour in SKIPPED)
    return feed(etag='"{}"', inside=f"<skipHours>{hours}</skipHours>")


# What is polled: each path on a host of its own, named after it, except those of `slow.test`.
POLLED: dict[str, Behaviour] = {
    "/both": feed(etag='"v{}"', modified="Tue, 10 Mar 2026 0{}:00:00 GMT"),
    "/etag-only": feed(etag='W/"{}-x"'),
    "/modified-only": feed(modified="tuesday, 10-mar-26 0{}:00 gmt+7"),
    "/bare-etag": feed(etag="abc,d\\{}"),
    "/no-validators": feed(),
    "/often": feed(etag='"{}"', changes=0.9),
    "/renewed": renewed,
    "/taken-back": taken_back,
    "/429-seconds": troubled(wait(429, 9_000)),
    "/429-date": troubled(wait(429, 9_000, as_date=True)),
    "/503-seconds": troubled(wait(503, 7_200)),
    "/503-date": troubled(wait(503, 7_200, as_date=True)),
    "/403-seconds": troubled(wait(403, 9_000)),
    "/200-seconds": lambda visit, hours: feed(etag='"{}"', Retry_After="5400", X_Until=str(visit.at + 5_400))(
        visit, hours
    ),
    "/429-bare": troubled(lambda now: web.Response(status=429), end=12.0),
    "/500": troubled(lambda now: web.Response(status=500), end=12.0),
    "/max-age": feed(etag='"{}"', **fresh(3_000, Cache_Control="public, max-age=3000")),
    "/half-a-day": feed(etag='"{}"', **fresh(43_200, Cache_Control="max-age=43200")),
    "/aged": feed(etag='"{}"', **fresh(2_400, Cache_Control="max-age=3000", Age="600")),
    "/expires": _expires,
    "/ttl": feed(etag='"{}"', inside="<ttl>60</ttl>"),
    "/skip-hours": _skipping(),
    "/301": moved(301, "/home"),
    "/308": moved(308, "/home"),
    "/302": moved(302, "/home"),
    "/303": moved(303, "/home"),
    "/307": moved(307, "/home"),
    "/elsewhere": _elsewhere,
    "/gone": gone,
    **{f"/slow-{n}": feed(etag='"{}"') for n in range(6)},
}


def host_of(path: str) -> str:
    return "slow.test" if path.startswith("/slow") else f"{path[1:]}.test"


def behaviours() -> dict[tuple[str, str], Behaviour]:
    found = {(host_of(path), path): behaviour for path, behaviour in POLLED.items()}
    found |= {(host_of(path), "/home"): feed(etag='"home"') for path in ("/301", "/308", "/302", "/303", "/307")}
    return found | {(host, "/f"): feed(etag=f'"{host}"') for host in ("first.test", "second.test")}
