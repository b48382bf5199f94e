"""Commands about topics: what is in them, where a group goes on, what could not be processed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from services.cli.replaying import TopicName, known_topic, moment
from services.cli.shared import DEFAULT_CONFIG, ConfigPath, load_config, note, opened_log, run_async, say, show
from tinsom import deadletters
from tinsom import replay as recording
from tinsom.errors import InputError
from tinsom.log import Log, Record
from tinsom.topics import DAY_MS, QUEUES, TOPICS

LETTERS = "dead-letters"


def register(app: typer.Typer) -> None:
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


# --- topics -------------------------------------------------------------------------------------------------


def topics_apply(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Create the topics that are missing."""
    settings = load_config(config)

    async def work() -> None:
        async with opened_log(settings, new=True):
            """Starting a log creates what is missing and refuses what differs."""

    run_async(work())
    say(f"{len(TOPICS)} topics are in place in namespace {settings.namespace}")


def topics_check(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Show each topic: partitions, what is kept, how many records; which are missing or kept otherwise."""
    settings = load_config(config)

    async def work() -> tuple[dict[str, int | str], list[str]]:
        async with opened_log(settings, create=False) as log:
            return {name: await _records(log, name) for name in TOPICS}, await _differences(log)

    rows = []
    records, differences = run_async(work())
    for name, topic in TOPICS.items():
        days = "" if topic.retention_ms is None else topic.retention_ms // DAY_MS
        rows.append((name, topic.partitions, topic.cleanup, days, records[name], topic.what))
    show(("topic", "partitions", "cleanup", "days", "records", "what"), rows)
    for line in differences:
        note(line)
    if differences:
        raise typer.Exit(1)


async def _records(log: Log, name: str) -> int | str:
    return "missing" if name in log.missing else sum(end - first for first, end in (await log.ends(name)).values())


async def _differences(log: Log) -> list[str]:
    missing = [f"missing: {', '.join(log.missing)}; `tinsom topics apply` creates them"] if log.missing else []
    return [*missing, *await log.differences()]


def topics_seek(
    group: Annotated[
        str, typer.Argument(help=f"{', '.join(QUEUES)}; it must not be running.", show_default=False)
    ],
    topic: TopicName,
    to: Annotated[str, typer.Option(help="earliest, latest, or a time: 2h, 3d, ISO.")],
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Decide where a stopped group goes on, when its offsets were lost or a span is to be read again."""
    settings, name = load_config(config), known_topic(topic)
    if QUEUES.get(group) != name:
        pairs = ", ".join(f"{reader} reads {queue}" for reader, queue in QUEUES.items())
        raise InputError(f"{group!r} does not read {name}; {pairs}")
    at = None if to in ("earliest", "latest") else moment(to)

    async def work() -> dict[int, int]:
        async with opened_log(settings) as log:
            positions = await _positions(log, name, to, at)
            for number, offset in positions.items():
                await log.reset(group, name, number, offset)
            return positions

    for number, offset in run_async(work()).items():
        say(f"{group} goes on at {name}[{number}] {offset}")


async def _positions(log: Log, topic: str, to: str, at: int | None) -> dict[int, int]:
    ends = await log.ends(topic)
    if at is not None:
        return {number: await log.offset_at(topic, number, at) for number in ends}
    return {number: first if to == "earliest" else end for number, (first, end) in ends.items()}


# --- dead letters -------------------------------------------------------------------------------------------


async def _letters(log: Log) -> list[Record]:
    """Oldest first."""
    numbers = range(log.partitions_of(LETTERS))
    found = [record for number in numbers async for record in log.read(LETTERS, number)]
    return sorted(found, key=lambda record: int(deadletters.reasons(record).get("at", "0")))


def _letter_id(record: Record) -> str:
    return f"{record.partition}-{record.offset}"


def letters_list(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """List what is parked, oldest first."""
    settings = load_config(config)

    async def work() -> list[Record]:
        async with opened_log(settings) as log:
            return await _letters(log)

    rows = []
    for record in run_async(work()):
        why = deadletters.reasons(record)
        at = datetime.fromtimestamp(int(why.get("at", "0")) / 1000, UTC).isoformat(timespec="seconds")
        origin = f"{why.get('topic')}[{why.get('partition')}] {why.get('offset')}"
        rows.append((_letter_id(record), at, why.get("stage"), origin, why.get("reason"), why.get("detail")))
    show(("id", "at", "stage", "from", "reason", "detail"), rows, empty="there is no dead letter")


async def _wanted(log: Log, ids: list[str]) -> list[Record]:
    """The letters with these ids, in that order; raises InputError for an id that is none."""
    letters = {_letter_id(record): record for record in await _letters(log)}
    for id_ in ids:
        if id_ not in letters:
            raise InputError(f"there is no dead letter {id_!r}; `tinsom dead-letters list` shows their ids")
    return [letters[id_] for id_ in ids]


def letters_show(
    wanted: Annotated[str, typer.Argument(help="Id as `list` shows it.", metavar="ID")],
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Show one dead letter: why it is here, its headers, its bytes."""
    settings = load_config(config)

    async def work() -> Record:
        async with opened_log(settings) as log:
            return (await _wanted(log, [wanted]))[0]

    record = run_async(work())
    for name, value in deadletters.reasons(record).items():
        say(f"{name}: {value}")
    say(recording.line_of(deadletters.original(record)).decode())


def letters_redrive(
    wanted: Annotated[
        list[str] | None, typer.Argument(help="Ids as `list` shows them.", metavar="ID...", show_default=False)
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Put dead letters back into the topics they came from, as they were; the letters stay where they are."""
    if bool(wanted) == everything:
        raise typer.BadParameter("name the ids, or --all")
    settings = load_config(config)

    async def work() -> list[Record]:
        async with opened_log(settings) as log:
            letters = await _letters(log) if everything else await _wanted(log, wanted or [])
            originals = [deadletters.original(letter) for letter in letters]
            await log.append([record.again() for record in originals], writer="redrive")
            return originals

    records = run_async(work())
    for record in records:
        say(f"back in {record.topic}[{record.partition}]: {_key(record)}")
    if not records:
        say("there is no dead letter")


def _key(record: Record) -> str:
    return (record.key or b"").decode("utf-8", "replace") or "a record without a key"
