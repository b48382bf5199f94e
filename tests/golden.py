"""One record of every message type as a released version wrote it; `python -m tests.golden` adds.

A line that was released is never written anew: a newer version adds a line below it. Every field is set, so
that a renamed or retyped one cannot hide behind its default.
"""

from __future__ import annotations

import types
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

import services.classifier.story.storystage
import services.collector.state  # noqa: F401 (registers the collector's own messages)
from tinsom import codec, replay
from tinsom.log import Record
from tinsom.messages import Item, Message, TaggedItem

FOLDER = Path(__file__).parent / "data" / "records"
WHEN = datetime(2026, 10, 14, 1, 35, 0, 250_000, UTC)
TIMESTAMP = 1_791_941_700_250
TEXT = 'Đề án 06: "thử" & <b>đậm</b> – 🎉'


def path_of(name: str) -> Path:
    return FOLDER / f"{name}.jsonl"


def example(struct: type[msgspec.Struct]) -> Any:
    """A value of the struct with every field set to something other than its default."""
    hints = get_type_hints(struct)
    return struct(**{field.name: _filled(hints[field.name], field) for field in msgspec.structs.fields(struct)})


def _filled(annotation: Any, field: msgspec.structs.FieldInfo) -> Any:
    origin, args = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return _filled(next(a for a in args if a not in (type(None), msgspec.UnsetType)), field)
    if origin is Literal:
        return next(word for word in args if word != field.default)
    if origin is list:
        return [_filled(args[0], field)]
    if origin is tuple:
        return (_filled(args[0], field),)
    if origin is dict:
        return {TEXT: _filled(args[1], field)}
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return example(annotation)
    if annotation is bool:
        return not field.default
    if annotation is msgspec.Raw:
        inner = Item if field.name == "item" else TaggedItem
        return msgspec.Raw(codec.to_bytes(example(inner)))
    plain = {str: f"{field.name}: {TEXT}", int: 7, float: 2.5, datetime: WHEN, bytes: b"\x07\x00\x00\x00"}
    return plain[annotation]


def record_of(name: str) -> Record:
    message: Message = example(codec.TYPES[name])
    made = codec.output("items", "khoá", message, TIMESTAMP, source="golden", partition=3)
    return Record("items", 3, 9, made.timestamp, made.key, made.value, made.headers)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in codec.TYPES:
        line, path = replay.line_of(record_of(name)), path_of(name)
        known = path.read_bytes().splitlines() if path.exists() else []
        if line not in known:
            path.write_bytes(b"".join(one + b"\n" for one in (*known, line)))
            print(f"{path.name}: a line added")


if __name__ == "__main__":
    main()
