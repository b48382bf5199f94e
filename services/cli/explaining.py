"""`tinsom why`: from an item's id or address to what became of it, from the log alone."""

from __future__ import annotations

from typing import Annotated

import typer

from services.cli.shared import DEFAULT_CONFIG, ConfigPath, Namespace, load_config, opened_log, run_async, say
from tinsom import codec
from tinsom.errors import DecodeError, InputError
from tinsom.log import Log, Table
from tinsom.messages import Destination, Item
from tinsom.topics import partition_for


def why(
    item: Annotated[str, typer.Argument(help="Id or address of an item.")],
    destination: Annotated[str, typer.Argument(help="Alias of a destination.", show_default=False)] = "",
    config: ConfigPath = DEFAULT_CONFIG,
    namespace: Namespace = None,
) -> None:
    """Why an item was or was not tagged and sent, from the log alone."""
    from services.alerter.commands import why as explain

    settings = load_config(config)

    async def work() -> list[str]:
        async with opened_log(settings, namespace) as log:
            if destination:
                await _check_destination(log, destination)
            return [
                line
                for id_ in await _ids(log, item)
                for line in (
                    f"item {id_}",
                    *[line async for line in explain(log, id_, destination)],
                    *await _nearly(log, id_),
                )
            ]

    lines = run_async(work())
    if any(line.startswith("nothing is known") for line in lines):
        raise InputError(f"nothing is known of item {item!r}; ids and addresses are those of topic `items`")
    for line in lines:
        say(line)


async def _ids(log: Log, wanted: str) -> list[str]:
    """The ids of the items with this id or address; an item may be gone that was tagged once, so its id stands."""
    found: dict[str, None] = {}
    for number in range(log.partitions_of("items")):
        async for record in log.read("items", number):
            try:
                item = codec.decode_as(record, Item)
            except DecodeError:
                continue  # it is among the dead letters
            if wanted in (item.id, item.url):
                found[item.id] = None
    return list(found) or [wanted]


async def _check_destination(log: Log, alias: str) -> None:
    table = Table(log.tail(["destinations"]))
    await table.refresh()
    await table.tail.close()
    known = []
    for key, record in table.records.items():
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


async def _nearly(log: Log, id_: str) -> list[str]:
    """Themes that were near, by the rules of now: what they lacked is written nowhere."""
    from services.classifier import rulebook
    from services.classifier.workbench import trial

    tagger = await rulebook.of_log(log)
    if tagger is None or not tagger.taxonomy.themes:
        return []
    item: Item | None = None
    partition = partition_for(id_.encode(), log.partitions_of("items"))
    async for record in log.read("items", partition):
        if record.key == id_.encode():
            try:
                item = codec.decode_as(record, Item)
            except DecodeError:
                continue  # it is among the dead letters
    outcomes = [outcome for outcome in tagger.outcomes(item) if outcome.near] if item else []
    return [f"nearly {o.id}: score {o.score:g}, {trial.missing(o)}" for o in outcomes]
