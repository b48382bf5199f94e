"""What the command line needs of the classifier: JSON lines in and out, an explanation, the taxonomy's lint."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec

from services.classifier import taxonomy as taxonomies
from services.classifier.tagger import Tagger, TagInput
from services.classifier.workbench import evaluate as evaluation
from services.classifier.workbench import lint as linting
from tinsom import messages as m
from tinsom.errors import InputError

ERROR = b'{"error":'
_ENCODER = msgspec.json.Encoder()
_VIETNAMESE_DATE = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")


def tagger_for(folder: Path | None = None) -> Tagger:
    """The tagger of the shipped taxonomy, extended by `folder`; raises ConfigError."""
    return Tagger(taxonomies.load(folder))


def tag_lines(lines: Iterable[bytes], tagger: Tagger | None = None) -> Iterator[bytes]:
    """One JSON line out for each line in, in order (design §8); a bad line gives `{"error": …, "line": n}`."""
    tagger = tagger or tagger_for()
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield tag_json(line, tagger, number)


def tag_json(line: bytes, tagger: Tagger, number: int = 1) -> bytes:
    try:
        item = _input(msgspec.json.decode(line))
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        return _ENCODER.encode({"error": f"line {number}: {' '.join(str(error).split())}", "line": number})
    return _ENCODER.encode(tagger.tag(item))


def _input(raw: Any) -> TagInput:
    """Only what tagging reads is checked; raises ValueError naming the field."""
    if not isinstance(raw, dict):
        raise ValueError('expected an object with "id", "title" and "text"')
    title, lede, text = (_string(raw, name) for name in ("title", "lede", "text"))
    if not (title or lede or text):
        raise ValueError('neither "title" nor "text" is there')
    when = published(raw.get("published_at"))
    return TagInput(id=str(raw.get("id") or ""), title=title, lede=lede, text=text, published_at=when)


def _string(raw: dict[str, Any], name: str) -> str:
    value = raw.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{name!r} is not a string")
    return value or ""


def published(raw: object) -> datetime | date | None:
    """RFC 3339, a date alone, or day first as papers print it; raises ValueError for anything else."""
    if raw is None or raw == "":
        return None
    if not isinstance(raw, str):
        raise ValueError("'published_at' is not a string")
    try:
        return datetime.fromisoformat(raw.strip())
    except ValueError:
        pass
    match = _VIETNAMESE_DATE.search(raw)
    if match is None:
        raise ValueError(f"'published_at' is no date: {raw[:40]!r}")
    return date(int(match[3]), int(match[2]), int(match[1]))


def from_text(text: str) -> TagInput:
    """One plain text: its first line is the title when it is short, also where there is nothing else."""
    title, _, rest = text.strip().partition("\n")
    if len(title) > 250:
        return TagInput(text=text)
    return TagInput(title=title, text=rest, published_at=_dateline(rest))


_DATELINE = re.compile(r"(?:^|\s)(\d{1,2})/(\d{1,2})/(20\d{2})\b")


def _dateline(text: str) -> date | None:
    """The first full date within the first lines, where pages print when they were published."""
    match = _DATELINE.search(text[:600])
    try:
        return date(int(match[3]), int(match[2]), int(match[1])) if match else None
    except ValueError:
        return None


def tag_text(text: str, tagger: Tagger | None = None) -> m.Tags:
    return (tagger or tagger_for()).tag(from_text(text))


def lint(folder: Path | None = None) -> list[str]:
    """Faults of the shipped taxonomy joined with `folder`, one line each; raises ConfigError for a broken file."""
    return linting.faults(taxonomies.load(folder))


def evaluate(lines: Iterable[bytes], tagger: Tagger | None = None) -> evaluation.Report:
    """Score labelled JSON lines; raises InputError naming the line that is none."""
    return evaluation.evaluate(_labelled(lines), tagger or tagger_for())


def _labelled(lines: Iterable[bytes]) -> Iterator[evaluation.Labelled]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield msgspec.json.decode(line, type=evaluation.Labelled)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise InputError(f"line {number} is no labelled item: {error}") from None


def item_of(line: bytes, number: int) -> m.Item:
    """A line as `tinsom tag` reads it, or an item as it is on the log; raises InputError."""
    try:
        return msgspec.json.decode(line, type=m.Item)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:
        given = _input(msgspec.json.decode(line))
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise InputError(f"line {number}: {' '.join(str(error).split())}") from None
    when = given.published_at or datetime.fromtimestamp(0, UTC)
    moment = when if isinstance(when, datetime) else datetime(when.year, when.month, when.day)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return m.Item(
        id=given.id, publisher="", source="", url="", title=given.title, lede=given.lede, text=given.text,
        fetched_at=moment, published_at=None if given.published_at is None else moment,
    )  # fmt: skip
