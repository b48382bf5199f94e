"""The demo's run: a sample day of feeds goes through all three services on the embedded log."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
from rich.progress import BarColumn, Progress, TextColumn

from services.cli import applying, summing
from services.cli.shared import console
from services.demo import edition as editions
from services.demo.edition import Edition
from services.demo.site import DemoSite
from services.demo.timeline import Timeline, expected
from tinsom import process
from tinsom.clock import ScaledClock
from tinsom.config import Config, HttpConfig, LogConfig, TelegramConfig
from tinsom.log import Log
from tinsom.service import Context, Service
from tinsom.topics import QUEUES
from tinsom.words import counted

# Nothing new on any topic for so long, with all caught up: the day is through.
QUIET_SECONDS = 2.0
# A stage that hangs must not hang the demo.
PATIENCE_SECONDS = 120.0


async def play(
    path: Path, seconds: float, port: int, *, once: bool, telegram: TelegramConfig | None = None
) -> bool:
    """Run the day; True when every stage's outcomes add up to what went in. `telegram`: a bot that listens."""
    edition = editions.load()
    timeline = Timeline.of(edition)
    clock = ScaledClock(timeline.start, timeline.speed(seconds))
    site = DemoSite(edition, clock)
    await site.start()
    try:
        config = msgspec.structs.replace(site.config(), log=LogConfig(path=str(path)), http=HttpConfig(port=port))
        config = msgspec.structs.replace(config, telegram=telegram)
        return await _run(config, clock, site, timeline, once=once)
    finally:
        await site.close()


async def _run(config: Config, clock: ScaledClock, site: DemoSite, timeline: Timeline, *, once: bool) -> bool:
    log = process.open_log(config)
    await log.start()
    try:
        await applying.apply(config, log, clock)
        _welcome(config, site.edition, once=once)
        context = Context(log, clock, config)
        with _progress_bar() as bar:
            watcher = asyncio.create_task(_watch(context, site, timeline, bar, once=once))
            try:
                watcher.add_done_callback(lambda _: context.stop.set())
                await process.run(_services(), context)
            finally:
                watcher.cancel()
                (fault,) = await asyncio.gather(watcher, return_exceptions=True)
            if isinstance(fault, Exception):
                raise fault
        books = await summing.books(log)
        console.print(summing.table(books))
        console.print(_found(books, site.edition))
        # Whoever ends it early leaves records on their way.
        return _adds_up(books) or not once
    finally:
        await log.close()


def _adds_up(books: list[summing.Book]) -> bool:
    """Every record accounted for; and none of this day's is poison, whatever the books say of it."""
    letters = sum(book.outcomes.get("dead-letter", 0) for book in books)
    if letters:
        lost = counted(letters, "record")
        console.print(f"{lost} could not be processed: a fault in tinsom itself.", style="red")
    return not letters and all(book.unaccounted == 0 for book in books)


def _services() -> list[Service]:
    from services.alerter.service import run_on
    from services.classifier.service import run as classify
    from services.collector.service import run as collect

    return [collect, classify, lambda context: run_on(context, console)]


def _welcome(config: Config, edition: Edition, *, once: bool) -> None:
    console.print(
        f"A sample day, made up: {len(config.sources)} feeds, {len(edition.articles)} articles, played fast. "
        f"What {len(config.destinations)} readers are told appears below."
    )
    if config.http.port:
        console.print(f"Metrics: http://{config.http.host}:{config.http.port}/metrics")
    if config.telegram is not None:
        console.print("Your bot listens: write /start to it, then follow something.")
    if not once:
        console.print("Ctrl-C ends it.")


def _progress_bar() -> Progress:
    columns = TextColumn("{task.fields[hour]}"), BarColumn(), TextColumn("{task.fields[counts]}")
    return Progress(*columns, console=console, disable=not console.is_terminal, transient=True)


async def _watch(context: Context, site: DemoSite, timeline: Timeline, bar: Progress, *, once: bool) -> None:
    """Move the progress line; with `once`, stop when the day is through and everything is delivered."""
    task = bar.add_task("day", total=1.0, hour="", counts="")
    loop = asyncio.get_running_loop()
    ends: tuple[int, ...] = ()
    quiet_since = loop.time()
    deadline: float | None = None
    while True:
        await asyncio.sleep(0.25)
        if console.gone:
            return
        now = context.clock.now()
        seen = await _ends(context.log)
        if seen != ends:
            ends, quiet_since = seen, loop.time()
        counts = f"{counted(seen[0], 'item')} · {counted(seen[3], 'alert')}"
        bar.update(task, completed=timeline.progress(now), hour=timeline.label(now), counts=counts)
        if not once or not timeline.done(now):
            continue
        deadline = deadline or loop.time() + PATIENCE_SECONDS
        quiet = loop.time() - quiet_since > QUIET_SECONDS and site.caught_up()
        if (quiet and not await summing.is_busy(context.log, now)) or loop.time() > deadline:
            context.stop.set()
            return


async def _ends(log: Log) -> tuple[int, ...]:
    """Records on each topic of the way, `deliveries` last."""
    return tuple(
        [sum(end for _, end in (await log.ends(topic)).values()) for topic in (*QUEUES.values(), "deliveries")]
    )


def _found(books: list[summing.Book], edition: Edition) -> str:
    wanted = expected(edition)
    outcomes = books[0].outcomes
    return (
        f"In the feeds: {wanted.items} new articles, {wanted.revisions} edits, {wanted.baseline} older ones. "
        f"Found: {outcomes.get('new', 0)}, {outcomes.get('revised', 0)}, {outcomes.get('baseline', 0)}."
    )
