"""`tinsom why`: from an item's id or address to what became of it, from the log alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from services.cli.shared import DEFAULT_CONFIG, ConfigPath, Namespace, load_config, opened_log, run_async, say
from tinsom import codec
from tinsom.clock import SystemClock, millis
from tinsom.errors import DecodeError, InputError
from tinsom.log import Log, Record, read_table
from tinsom.messages import Destination, Item, Tags
from tinsom.topics import partition_for

DAY_MS = 86_400_000
BACK_MS = (DAY_MS, 10 * DAY_MS)  # an item is mostly asked for when it is young: the newest records are read first


def why(
    item: Annotated[str, typer.Argument(help="Id or address of an item.")],
    destination: Annotated[str, typer.Argument(help="Alias of a destination.", show_default=False)] = "",
    config: ConfigPath = DEFAULT_CONFIG,
    namespace: Namespace = None,
    whole: Annotated[bool, typer.Option(help="Read whole topics: also what came far from its time.")] = False,
) -> None:
    """Why an item was or was not tagged and sent, from the log alone."""
    settings = load_config(config)

    async def work() -> list[str]:
        async with opened_log(settings, namespace) as log:
            if destination:
                await _check_destination(log, destination)
            ids = await _ids(log, item)
            return [line for id_ in ids for line in await told(log, id_, destination, whole)]

    lines = run_async(work())
    if any(line.startswith("nothing is known") for line in lines):
        raise InputError(f"nothing is known of item {item!r}; ids and addresses are those of topic `items`")
    for line in lines:
        say(line)


async def _ids(log: Log, wanted: str) -> list[str]:
    """The ids of the items with this id or address; an item may be gone that was tagged once, so its id stands."""
    from services.collector.locating import items_at

    return (await items_at(log, wanted) if "://" in wanted else []) or [wanted]


async def told(log: Log, id_: str, destination: str, whole: bool) -> list[str]:
    """All that is known of one item. `whole`: read topics from end to end instead of where its times are."""
    from services.alerter import trail
    from services.classifier.story.reminders import moments_of

    records = await _revisions(log, id_)
    # An item may be gone that was tagged once.
    own = records or [record async for record in log.find("tagged", keys={id_.encode()})]
    spans = trail.WHOLE if whole else trail.at(record.timestamp for record in own)
    now = datetime.now(UTC)

    def due(tags: Tags) -> list[datetime]:
        return [moment for moment in moments_of(tags) if moment < now]

    lines = [line async for line in trail.why(log, id_, destination, spans, due)]
    return [f"item {id_}", *lines, *await _nearly(log, records)]


async def _revisions(log: Log, id_: str) -> list[Record]:
    """The records of an item, oldest first; reads back no further than to its first revision."""
    key, partition = id_.encode(), partition_for(id_.encode(), log.partitions_of("items"))
    until: int | None = None
    found: list[Record] = []
    for since in (*(millis(SystemClock().now()) - back for back in BACK_MS), 0):
        span = log.find("items", since=since, until=until, keys={key}, partitions=[partition])
        found = [record async for record in span] + found
        if found and _is_first(found[0]):
            break
        until = since - 1
    return found


def _is_first(record: Record) -> bool:
    try:
        return codec.decode_as(record, Item).revision == 1
    except DecodeError:
        return False  # it is among the dead letters


async def _check_destination(log: Log, alias: str) -> None:
    known = []
    for key, record in (await read_table(log, "destinations")).records.items():
        if not key.startswith((b"file/", b"bot/")):
            continue  # `tinsom pause` stands there too
        try:
            known.append(codec.decode_as(record, Destination).alias)
        except DecodeError:
            continue
    if alias not in known:
        raise InputError(
            f"there is no destination {alias!r}; there are: {', '.join(sorted(set(known))) or 'none'}"
        )


async def _nearly(log: Log, records: Sequence[Record]) -> list[str]:
    """Themes that were near, by the rules of now: what they lacked is written nowhere."""
    from services.classifier import rulebook
    from services.classifier.workbench import trial

    tagger = await rulebook.of_log(log) if records else None
    if tagger is None or not tagger.taxonomy.themes:
        return []
    try:
        item = codec.decode_as(records[-1], Item)
    except DecodeError:
        return []  # it is among the dead letters
    outcomes = [outcome for outcome in tagger.outcomes(item) if outcome.near]
    return [f"nearly {o.id}: score {o.score:g}, {trial.missing(o)}" for o in outcomes]
