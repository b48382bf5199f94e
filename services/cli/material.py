"""Items and verdicts to try rules on: from a dump, from JSON lines, or from the log itself."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from services.cli.replaying import moment
from services.cli.shared import load_config, opened_log, run_async
from tinsom import codec
from tinsom import replay as recording
from tinsom.errors import DecodeError, InputError
from tinsom.log import Record
from tinsom.messages import Item, TaggedItem, Verdict

HEAD = b'{"format":"' + recording.FORMAT.encode()


@contextmanager
def items(over: Path | None, config: Path, since: str | None) -> Iterator[Iterator[Item]]:
    """Each item once, as it was last; of the log's `items` unless a file is given. Not older than `since`."""
    first = None if since is None else moment(since)
    with tempfile.TemporaryDirectory() as folder:
        path = over
        if path is None:
            path = Path(folder) / "items.jsonl"
            _copied(config, "items", path, first)
        yield _items(path, first)


def _copied(config: Path, topic: str, path: Path, since: int | None) -> None:
    """By way of a file, so that no month of articles has to fit into memory."""

    async def work() -> None:
        async with opened_log(load_config(config)) as log:
            await recording.dump(log, topic, path, since=since)

    run_async(work())


def _items(path: Path, since: int | None) -> Iterator[Item]:
    if not is_dump(path):
        from services.classifier.commands import item_of

        for number, line in enumerate(lines(path), 1):
            if line.strip():
                yield item_of(line, number)
        return
    _, records = recording.read_dump(path)
    last = {record.key: number for number, record in enumerate(records)}
    for number, record in enumerate(recording.read_dump(path)[1]):
        wanted = record.value is not None and (since is None or record.timestamp >= since)
        if wanted and last[record.key] == number and (item := _item(record)) is not None:
            yield item


def _item(record: Record) -> Item | None:
    try:
        found = codec.decode(record)
        if isinstance(found, TaggedItem):
            return codec.from_bytes(found.item, Item)
    except DecodeError:
        return None  # it is among the dead letters
    if isinstance(found, Item):
        return found
    raise InputError(f"topic {record.topic} holds no items; dump `items` or `tagged`")


def verdicts(path: Path) -> list[Verdict]:
    """Of a dump of topic `verdicts`, or of JSON lines of such; raises InputError."""
    if not is_dump(path):
        return [_verdict(line, f"{path}:{number}") for number, line in enumerate(lines(path), 1) if line.strip()]
    topic, records = recording.read_dump(path)
    if topic != "verdicts":
        raise InputError(f"{path} is a dump of {topic}, not of verdicts")
    standing: dict[bytes | None, Verdict] = {}
    for number, record in enumerate(records, 2):
        if record.value is None:
            standing.pop(record.key, None)  # who has left takes the judgements along, compacted or not
        else:
            standing[record.key] = _verdict(record.value, f"{path}:{number}")
    return list(standing.values())


def _verdict(line: bytes, where: str) -> Verdict:
    try:
        return msgspec.json.decode(line, type=Verdict)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{where}: no verdict: {error}") from None


def holds_verdicts(path: Path) -> bool:
    """By its first line: a dump says so, and of the two kinds of labels only a verdict has a reader."""
    if is_dump(path):
        return True  # one of another topic is refused by its name, as no labels at all
    first = next((line for line in lines(path) if line.strip()), b"{}")
    try:
        row = msgspec.json.decode(first)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False  # said by whoever reads all of it
    return isinstance(row, dict) and {"reader", "verdict"} <= row.keys()


def is_dump(path: Path) -> bool:
    return next(lines(path), b"").replace(b" ", b"").startswith(HEAD)


def lines(path: Path) -> Iterator[bytes]:
    """Raises InputError when the file cannot be read."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            yield from file
    except recording.UNREADABLE as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise InputError(f"cannot read {path}: {reason}") from None
