"""Commands that record and play again: dump, replay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.running import service
from services.cli.shared import (
    DEFAULT_CONFIG,
    ConfigPath,
    Namespace,
    console,
    counting,
    load_config,
    note,
    opened_log,
    run_async,
    say,
    show,
)
from tinsom import replay as recording
from tinsom.config import Config
from tinsom.errors import InputError
from tinsom.log import Log
from tinsom.topics import TOPICS
from tinsom.words import counted

if TYPE_CHECKING:
    from services.cli.rerunning import Outcome

TopicName = Annotated[str, typer.Argument(help="Short name of a topic: " + ", ".join(TOPICS), show_default=False)]
_UNITS = {"m": 60, "h": 3600, "d": 86_400}


def register(app: typer.Typer) -> None:
    app.command()(dump)
    app.command()(replay)


def known_topic(topic: str) -> str:
    if topic not in TOPICS:
        raise InputError(f"there is no topic {topic!r}; there are {', '.join(TOPICS)}")
    return topic


def moment(text: str) -> int:
    """`30m`, `2h`, `3d` (ago) or an ISO time, as ms; raises InputError."""
    if text[:-1].isdecimal() and text[-1:] in _UNITS:
        return int((datetime.now(UTC) - timedelta(seconds=int(text[:-1]) * _UNITS[text[-1]])).timestamp() * 1000)
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise InputError(f"{text!r} is no time; write 2h, 3d or 2026-10-01T08:00+07:00") from None


def dump(
    topic: TopicName,
    path: Annotated[
        Path, typer.Argument(help="File to write; .gz compresses, - is standard output.", show_default=False)
    ],
    config: ConfigPath = DEFAULT_CONFIG,
    since: Annotated[str | None, typer.Option(help="From this time on: 2h, 3d or an ISO time.")] = None,
    until: Annotated[str | None, typer.Option(help="Before this time.")] = None,
    namespace: Namespace = None,
) -> None:
    """Write a topic's records to a file, as they are."""
    settings, name = load_config(config), known_topic(topic)
    first, last = (None if text is None else moment(text) for text in (since, until))
    piped = str(path) == "-"

    async def work() -> int:
        async with opened_log(settings, namespace) as log:
            return await recording.dump(
                log, name, None if piped else path, since=first, until=last, progress=progress
            )

    with counting(f"dumping {name}") as progress:
        count = run_async(work())
    (note if piped else say)(f"{counted(count, 'record')} of {name} in {'standard output' if piped else path}")


def replay(
    path: Annotated[Path, typer.Argument(help="A file written by `tinsom dump`.", show_default=False)],
    namespace: Annotated[str, typer.Option(help="The scratch namespace to fill.")],
    config: ConfigPath = DEFAULT_CONFIG,
    run: Annotated[
        bool, typer.Option("--run", help="Tag and alert there, and show what would have been sent.")
    ] = False,
    append: Annotated[bool, typer.Option("--append", help="Add to what the namespace holds.")] = False,
) -> None:
    """Put a dump into a scratch namespace; nothing there can notify anybody."""
    settings = load_config(config)
    if namespace == settings.namespace:
        raise InputError(f"namespace {namespace!r} is the live one; a replay needs another")
    topic = recording.topic_of(path)  # before a namespace is made for nothing

    async def work() -> tuple[int, Outcome | None]:
        async with opened_log(settings, namespace, new=True) as log:
            if not append:
                await _check_empty(log, topic)
            if run:
                return await _rerun(settings, log, path, progress)
            _, count = await recording.load(log, path, live_namespace=settings.namespace, progress=progress)
            return count, None

    with counting(f"replaying into {namespace}") as progress:
        count, outcome = run_async(work())
    say(f"{counted(count, 'record')} of {topic} in namespace {namespace}")
    if outcome is not None:
        _show(outcome)


async def _check_empty(log: Log, topic: str) -> None:
    if any(end > first for first, end in (await log.ends(topic)).values()):
        raise InputError(f"namespace {log.namespace} holds {topic} already; name another one, or --append")


async def _rerun(settings: Config, log: Log, path: Path, progress: Callable[[int], None]) -> tuple[int, Outcome]:
    """How many records went in, and what came of them."""
    from services.cli.rerunning import rerun

    topic, records = recording.read_dump(path)
    given = list(records)
    services = [service("classifier"), service("alerter")]
    return len(given), await rerun(settings, log, topic, given, services, progress)


def _show(outcome: Outcome) -> None:
    from services.cli import summing

    console.print(summing.table(outcome.books))
    show(("initiative", "items"), outcome.tags.most_common(), empty="no item has an initiative")
    rows = [(destination, what, count) for (destination, what), count in sorted(outcome.told.items())]
    show(("destination", "would be told", "times"), rows, empty="nobody would have been told anything")
    if any(book.unaccounted for book in outcome.books):
        raise typer.Exit(1)
