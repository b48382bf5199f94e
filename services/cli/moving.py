"""Commands about topics: topics, dump, replay, dead-letters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table as View

from services.cli.shared import DEFAULT_CONFIG, ConfigPath, console, errors, load_config, opened_log, run_async
from tinsom import deadletters
from tinsom import replay as replaying
from tinsom.errors import InputError
from tinsom.log import Log, Record
from tinsom.topics import TOPICS

TopicName = Annotated[str, typer.Argument(help="Short name of a topic: " + ", ".join(TOPICS))]


def register(app: typer.Typer) -> None:
    app.command()(dump)
    app.command()(replay)
    topics = typer.Typer(help="The topics and their contracts.", no_args_is_help=True)
    topics.command("apply")(topics_apply)
    topics.command("check")(topics_check)
    topics.command("seek")(topics_seek)
    app.add_typer(topics, name="topics")
    letters = typer.Typer(help="What could not be processed.", no_args_is_help=True)
    letters.command("list")(letters_list)
    letters.command("show")(letters_show)
    letters.command("redrive")(letters_redrive)
    app.add_typer(letters, name="dead-letters")


def _known(topic: str) -> str:
    if topic not in TOPICS:
        raise InputError(f"no topic {topic!r}; there are {', '.join(TOPICS)}")
    return topic


def _moment(text: str | None) -> int | None:
    """`2h`, `3d` (ago) or an ISO time, as ms; None stays None."""
    if text is None:
        return None
    units = {"m": 60, "h": 3600, "d": 86400}
    if text[:-1].isdigit() and text[-1:] in units:
        when = datetime.now(UTC) - timedelta(seconds=int(text[:-1]) * units[text[-1]])
    else:
        try:
            when = datetime.fromisoformat(text)
        except ValueError:
            raise InputError(f"not a time: {text!r}; write 2h, 3d or 2026-10-01T08:00+07:00") from None
    return int(when.timestamp() * 1000)


def _progress(text: str) -> tuple[Progress, Callable[[int], None]]:
    """A counting line on a terminal; nothing in a pipe."""
    bar = Progress(
        SpinnerColumn(),
        TextColumn(text),
        TextColumn("{task.completed}"),
        console=errors,
        disable=not errors.is_terminal,
    )
    task = bar.add_task(text, total=None)
    return bar, lambda count: bar.update(task, completed=count)


def dump(
    topic: TopicName,
    path: Annotated[Path, typer.Argument(help="File to write; .gz compresses.")],
    config: ConfigPath = DEFAULT_CONFIG,
    since: Annotated[str | None, typer.Option(help="From this time on: 2h, 3d or an ISO time.")] = None,
    until: Annotated[str | None, typer.Option(help="Before this time.")] = None,
) -> None:
    """Write a topic's records to a file, as they are."""
    settings, name = load_config(config), _known(topic)
    bar, progress = _progress(f"dumping {name}")

    async def work() -> int:
        async with opened_log(settings) as log:
            return await replaying.dump(
                log, name, path, since=_moment(since), until=_moment(until), progress=progress
            )

    with bar:
        count = run_async(work())
    console.print(f"{count} records of {name} in {path}")


def replay(
    path: Annotated[Path, typer.Argument(help="A file written by `tinsom dump`.")],
    namespace: Annotated[str, typer.Option(help="The scratch namespace to fill.")],
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Put a dump into a scratch namespace; nothing there can notify anybody."""
    settings = load_config(config)
    if namespace == settings.namespace:
        raise InputError(f"namespace {namespace!r} is the live one; a replay needs another")
    bar, progress = _progress(f"replaying into {namespace}")

    async def work() -> tuple[str, int]:
        async with opened_log(settings, namespace) as log:
            return await replaying.load(log, path, live_namespace=settings.namespace, progress=progress)

    with bar:
        topic, count = run_async(work())
    console.print(f"{count} records of {topic} in namespace {namespace}")


def topics_apply(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Create the topics that are missing."""
    settings = load_config(config)

    async def work() -> None:
        async with opened_log(settings):
            """Starting a log creates what is missing and refuses what differs."""

    run_async(work())
    console.print(f"{len(TOPICS)} topics are in place in namespace {settings.namespace}")


def topics_check(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Show each topic: partitions, what is kept, how many records."""
    settings = load_config(config)

    async def work() -> dict[str, dict[int, tuple[int, int]]]:
        async with opened_log(settings) as log:
            return {name: await log.ends(name) for name in TOPICS}

    view = View("topic", "partitions", "cleanup", "days", "records", "what")
    for name, ends in run_async(work()).items():
        topic = TOPICS[name]
        days = "" if topic.retention_ms is None else str(topic.retention_ms // 86_400_000)
        records = sum(end - first for first, end in ends.values())
        view.add_row(name, str(topic.partitions), topic.cleanup, days, str(records), topic.what)
    console.print(view)


def topics_seek(
    group: Annotated[str, typer.Argument(help="tag, stories, plan or deliver; it must not be running.")],
    topic: TopicName,
    to: Annotated[str, typer.Option(help="earliest, latest, or a time: 2h, 3d, ISO.")],
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Decide where a stopped group goes on, when its offsets were lost or a span is to be read again."""
    settings, name = load_config(config), _known(topic)

    async def work() -> None:
        async with opened_log(settings) as log:
            for number, offset in (await _positions(log, name, to)).items():
                await log.reset(group, name, number, offset)
                console.print(f"{group} goes on at {name}[{number}] {offset}")

    run_async(work())


async def _positions(log: Log, topic: str, to: str) -> dict[int, int]:
    ends = await log.ends(topic)
    if to == "earliest":
        return {number: first for number, (first, _) in ends.items()}
    if to == "latest":
        return {number: end for number, (_, end) in ends.items()}
    moment = _moment(to) or 0
    return {number: await log.offset_at(topic, number, moment) for number in ends}


async def _letters(log: Log) -> list[Record]:
    numbers = range(log.partitions_of("dead-letters"))
    return [record for number in numbers async for record in log.read("dead-letters", number)]


def _letter_id(record: Record) -> str:
    return f"{record.partition}-{record.offset}"


def letters_list(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """List what is parked, oldest first."""
    settings = load_config(config)

    async def work() -> list[Record]:
        async with opened_log(settings) as log:
            return await _letters(log)

    view = View("id", "at", "stage", "from", "reason", "detail")
    for record in sorted(run_async(work()), key=lambda r: deadletters.reasons(r).get("at", "")):
        why = deadletters.reasons(record)
        at = datetime.fromtimestamp(int(why.get("at", "0")) / 1000, UTC).isoformat(timespec="seconds")
        origin = f"{why.get('topic')}[{why.get('partition')}] {why.get('offset')}"
        view.add_row(_letter_id(record), at, why.get("stage"), origin, why.get("reason"), why.get("detail"))
    console.print(view)


async def _letter(log: Log, wanted: str) -> Record:
    for record in await _letters(log):
        if _letter_id(record) == wanted:
            return record
    raise InputError(f"no dead letter {wanted!r}; `tinsom dead-letters list` shows their ids")


LetterId = Annotated[str, typer.Argument(help="Id as `list` shows it.")]


def letters_show(wanted: LetterId, config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Show one dead letter: why it is here, its headers, its bytes."""
    settings = load_config(config)

    async def work() -> Record:
        async with opened_log(settings) as log:
            return await _letter(log, wanted)

    record = run_async(work())
    for name, value in deadletters.reasons(record).items():
        console.print(f"{name}: {value}", markup=False, highlight=False)
    console.print(replaying.line_of(deadletters.original(record)).decode(), markup=False, highlight=False)


def letters_redrive(wanted: LetterId, config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Put one dead letter back into the topic it came from, as it was."""
    settings = load_config(config)

    async def work() -> Record:
        async with opened_log(settings) as log:
            record = deadletters.original(await _letter(log, wanted))
            await log.append([record.again()], writer="redrive")
            return record

    record = run_async(work())
    console.print(f"{wanted} is back in {record.topic}[{record.partition}]")
