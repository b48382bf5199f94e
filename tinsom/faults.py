"""Faults of a YAML file, each with its line, its place and a reason in a person's words. Pure but for reading.

msgspec stops at the first fault: what it names is taken out and the rest is looked at again, so that one run
of `tinsom check` shows them all.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple, get_args

import msgspec
import yaml

from tinsom.errors import ConfigError

Place = tuple[str | int, ...]
"""`("sources", 1, "url")`"""

# A file with more faults than this is another kind of file.
MOST = 50
_AT = re.compile(r" - at `\$(.*?)`$")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
_FIELD = re.compile(r"(missing required|contains unknown) field `(.+?)`")
_EXPECTED = re.compile(r"Expected `(.+?)`, got `(.+?)`")
_WORDS = {
    "str": "text", "int": "a whole number", "float": "a number", "bool": "true or false", "array": "a list",
    "object": "a section with `key: value` lines", "null": "nothing", "datetime": "a time with its zone",
    "date": "a date",
}  # fmt: skip


class Fault(NamedTuple):
    place: Place
    reason: str

    def __str__(self) -> str:
        return ": ".join(filter(None, (place_text(self.place), self.reason)))


@dataclass(frozen=True)
class Document:
    """A YAML file as plain data; `lines` gives the line of each place, `faults` what YAML itself lets pass."""

    name: str
    data: Any
    lines: dict[Place, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def locate(self, fault: Fault) -> str:
        """`tinsom.yaml:12: sources[1].tier: expected a whole number, got text`"""
        line = self.line(fault)
        return f"{self.name}:{line}: {fault}" if line else f"{self.name}: {fault}"

    def position(self, fault: Fault) -> tuple[int, str]:
        return self.line(fault), place_text(fault.place)

    def line(self, fault: Fault) -> int:
        """The line of the fault's place, or of what holds it; 0 when the file has no lines."""
        place = fault.place
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 0)


def place_text(place: Place) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return text.removeprefix(".")


def read(path: Path) -> Document:
    """Raises ConfigError naming file, line and reason."""
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist; `tinsom init` writes one to start from") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror or type(error).__name__}") from None
    return document(text, str(path))


def document(text: str, name: str) -> Document:
    """Raises ConfigError naming file, line and reason."""
    try:
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            data = loader.construct_document(node) if node is not None else None
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"{name}{_yaml_reason(error)}") from None
    found = Document(name, data)
    if node is not None:
        _walk(node, (), found)
    return found


def _yaml_reason(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or " ".join(str(error).split())
    context = getattr(error, "context", None)
    line = f":{mark.line + 1}" if mark is not None else ""
    return f"{line}: not valid YAML: {problem}" + (f" ({context})" if context else "")


def _walk(node: yaml.Node, place: Place, found: Document) -> None:
    found.lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        for number, child in enumerate(node.value):
            _walk(child, (*place, number), found)
    elif isinstance(node, yaml.MappingNode):
        for key, child in node.value:
            name = (*place, str(key.value))
            if name in found.lines:
                found.faults.append(Fault(name, f"stands twice, first in line {found.lines[name]}; join them"))
                _forget(name, found)  # YAML keeps the last one
            _walk(child, name, found)
            found.lines[name] = key.start_mark.line + 1


def _forget(place: Place, found: Document) -> None:
    for line in [line for line in found.lines if line[: len(place)] == place]:
        del found.lines[line]


# --- types --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Converted:
    """`value`: what can be used (None: nothing); `taken`: what was taken out, in that order."""

    value: Any
    faults: list[Fault]
    taken: list[Place]

    def original(self, fault: Fault) -> Fault:
        """A fault of `value` with its place in the file: what stood before it in a list counts again."""
        return Fault(_before(fault.place, self.taken), fault.reason)


def convert(data: Any, struct: type[msgspec.Struct]) -> Converted:
    """The data as a `struct` without what is wrong in it, and all that is wrong."""
    rest, faults = copy.deepcopy(data), list[Fault]()
    taken: list[Place] = []
    while len(faults) < MOST:
        try:
            return Converted(msgspec.convert(rest, struct), faults, taken)
        except msgspec.ValidationError as error:
            fault, gone = _understood(str(error), rest, struct)
            fault = Fault(_before(fault.place, taken), fault.reason)
            # What is missing only because it was wrong has been named already.
            if not any(known.place and _missing(known.place) == fault for known in faults):
                faults.append(fault)
            if not gone or not _take_out(rest, gone):
                break
            taken.append(gone)
    return Converted(None, faults, taken)


def _before(place: Place, taken: Sequence[Place]) -> Place:
    for gone in reversed(taken):
        holder, step = gone[:-1], gone[-1]
        if len(place) > len(holder) and place[: len(holder)] == holder:
            here = place[len(holder)]
            if isinstance(step, int) and isinstance(here, int) and here >= step:
                place = (*holder, here + 1, *place[len(gone) :])
    return place


def _understood(message: str, data: Any, struct: type[msgspec.Struct]) -> tuple[Fault, Place]:
    """The fault that a message of msgspec means, and the place to take out to look further."""
    at = _AT.search(message)
    place = _steps(at[1]) if at else ()
    message = message[: at.start()] if at else message
    if (named := _FIELD.search(message)) is None:
        return Fault(place, _reason(message, _at(data, place), struct, place)), place
    if named[1].startswith("missing"):
        return _missing((*place, named[2])), place
    reason = f"unknown key{_meant(named[2], _fields(struct, place))}"
    return Fault((*place, named[2]), reason), (*place, named[2])


def _missing(place: Place) -> Fault:
    return Fault(place[:-1], f"`{place[-1]}` is missing")


def _steps(text: str) -> Place:
    return tuple(int(m[2]) if m[2] else m[1] for m in _STEP.finditer(text))


def _at(data: Any, place: Place) -> Any:
    for step in place:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _take_out(data: Any, place: Place) -> bool:
    holder = _at(data, place[:-1])
    try:
        del holder[place[-1]]
    except (KeyError, IndexError, TypeError):
        return False
    return True


def _reason(message: str, value: Any, struct: type[msgspec.Struct], place: Place) -> str:
    if message.startswith("Invalid enum value"):
        allowed = [str(word) for word in _literals(_type_at(struct, place))]
        return f"{value!r} is not one of {', '.join(allowed)}"
    if "RFC3339" in message:
        return f"{value!r} is no time with a zone; write it as 2026-12-01T00:00:00+07:00"
    if (types := _EXPECTED.fullmatch(message)) is None:
        return message[:1].lower() + message[1:]
    wanted = " or ".join(_WORDS.get(word, word) for word in types[1].split(" | "))
    got = _WORDS.get(types[2], types[2])
    quote = "; put it in quotes" if types[1].startswith("str") and isinstance(value, int | float) else ""
    return f"expected {wanted}, got {got}{quote}"


def _meant(word: str, known: Sequence[str]) -> str:
    close = get_close_matches(word, known, 1)
    return f"; did you mean `{close[0]}`?" if close else f"; there are {', '.join(known)}" if known else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean de-an-06?`, or nothing when nothing is near."""
    close = get_close_matches(word, list(known), 1)
    return f"; did you mean {close[0]}?" if close else ""


def _type_at(struct: Any, place: Place) -> Any:
    """The annotation that holds at a place of a struct; lists and optional sections are looked through."""
    for step in place:
        if isinstance(step, int):
            struct = next(iter(get_args(struct)), None)
            continue
        kinds = [struct, *get_args(struct)]
        struct = next((k for k in kinds if isinstance(k, type) and issubclass(k, msgspec.Struct)), None)
        if struct is None:
            return None
        struct = {f.name: f.type for f in msgspec.structs.fields(struct)}.get(step)
    return struct


def _fields(struct: Any, place: Place) -> tuple[str, ...]:
    found = _type_at(struct, place)
    for kind in (found, *get_args(found)):
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return kind.__struct_fields__
    return ()


def _literals(annotation: Any) -> tuple[Any, ...]:
    return tuple(arg for arg in get_args(annotation) if arg is not type(None))
