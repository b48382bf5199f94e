"""Which items an address means: by the state of the publishers whose sources are of its host."""

from __future__ import annotations

from services.collector import identity, state
from services.collector.known import ItemState
from tinsom import codec
from tinsom.errors import DecodeError
from tinsom.log import Log, read_table
from tinsom.messages import Item, Source
from tinsom.topics import partition_for


async def items_at(log: Log, url: str) -> list[str]:
    """Ids, none when nothing is known. Reads a partition of the state for each publisher; where that knows of
    nothing (a replay has no state, an old item is forgotten), all of `items`.
    """
    publishers = await _publishers(log, _host(url))
    count = log.partitions_of(state.TOPIC)
    found: dict[str, None] = {}
    for partition in sorted({partition_for(publisher.encode(), count) for publisher in publishers}):
        found |= dict.fromkeys(await _known(log, partition, identity.link_alias(url), publishers))
    return list(found) or await _published(log, url)


def _host(url: str) -> str:
    return identity.canonical(url).partition("/")[0]


async def _publishers(log: Log, host: str) -> set[str]:
    found = set()
    for record in (await read_table(log, "sources")).records.values():
        try:
            source = codec.decode_as(record, Source)
        except DecodeError:
            continue  # the collector reports it
        if _host(source.url) == host:
            found.add(source.publisher)
    return found


async def _known(log: Log, partition: int, alias: int, publishers: set[str]) -> list[str]:
    mentioned = str(alias).encode()  # most records are not worth decoding
    found: dict[str, None] = {}
    async for record in log.read(state.TOPIC, partition):
        if record.value is None or mentioned not in record.value:
            continue
        try:
            message = codec.decode(record)
        except DecodeError:
            continue  # the collector counts it
        if isinstance(message, ItemState) and alias in message.aliases and message.publisher in publishers:
            found[message.id] = None
    return list(found)


async def _published(log: Log, url: str) -> list[str]:
    found: dict[str, None] = {}
    for number in range(log.partitions_of("items")):
        async for record in log.read("items", number):
            try:
                item = codec.decode_as(record, Item)
            except DecodeError:
                continue  # it is among the dead letters
            if item.url == url:
                found[item.id] = None
    return list(found)
