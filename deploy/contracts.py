"""Writes docs/messages.md from messages, codec and topics: `python -m deploy.contracts`.

A test writes it again and compares. A field's note is the comment beside it or above it in the code.
"""

from __future__ import annotations

import ast
import inspect
import typing
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import msgspec

from services.collector import known, state
from tinsom import codec, messages
from tinsom.topics import DAY_MS, QUEUES, TOPICS, Topic

PAGE = Path(__file__).parent.parent / "docs" / "messages.md"
PARTS = Path(__file__).with_name("contracts.md")

# Topic → (who writes, who reads besides the queue's group, types that travel there).
TRAFFIC: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "sources": ("apply", "collector (table, owner)", ("source", "version")),
    "feed-state": ("collector", "collector (own state)", ("collector.feed-state", "collector.item-state")),
    "items": ("collector", "", ("item",)),
    "taxonomy": ("nobody yet", "", ()),
    "tagged": ("tag", "why", ("tagged-item",)),
    "stories": ("stories", "stories (own state)", ("story",)),
    "reminders": ("nobody yet", "", ()),
    "story-changes": ("stories", "why", ("story-change",)),
    "subscriptions": ("apply", "plan (table)", ("subscription", "mute", "version")),
    "alerts": ("plan", "why", ("alert", "suppression")),
    "deliveries": ("deliver", "deliver (own state), why", ("delivery",)),
    "destinations": ("apply, deliver", "deliver (table)", ("destination", "version")),
    "verdicts": ("nobody yet", "", ()),
    "dead-letters": ("every stage", "dead-letters", ()),
}


def page() -> str:
    """The whole document: fixed parts from contracts.md, with the generated tables in their places."""
    text = PARTS.read_text("utf-8")
    tables = {"topics": _topics(), "types": _types(), "words": _words(), "messages": _messages()}
    for name, table in tables.items():
        text = text.replace(f"<!-- {name} -->\n", table)
    return text


# --- topics -------------------------------------------------------------------------------------------------


def _table(*titles: str) -> str:
    return f"| {' | '.join(titles)} |\n{'|---' * len(titles)}|\n"


def _topics() -> str:
    head = _table("topic", "partitions", "kept", "largest record", "written by", "read by", "what")
    return head + "".join(_topic(topic) for topic in TOPICS.values())


def _topic(topic: Topic) -> str:
    writer, others, _ = TRAFFIC[topic.name]
    queue = [f"{group} (queue)" for group, name in QUEUES.items() if name == topic.name]
    readers = ", ".join([*queue, *([others] if others else [])]) or "–"
    kept = topic.cleanup if topic.retention_ms is None else f"{topic.cleanup}, {topic.retention_ms // DAY_MS} d"
    cells = (f"`{topic.name}`", topic.partitions, kept, f"{topic.max_bytes:,}", writer, readers, topic.what)
    return "| " + " | ".join(map(str, cells)) + " |\n"


# --- types --------------------------------------------------------------------------------------------------


def _types() -> str:
    rows = [f"| `{name}` | {_shown(struct)} | {_where(name)} |\n" for name, struct in codec.TYPES.items()]
    return _table("`ce_type`", "message", "on topic") + "".join(rows)


def _shown(struct: type[msgspec.Struct]) -> str:
    return f"[{struct.__name__}](#{struct.__name__.lower()})"


def _where(ce_type: str) -> str:
    short = ce_type.removeprefix("vn.tinsom.").removesuffix(".v1")
    return ", ".join(f"`{topic}`" for topic, (_, _, types) in TRAFFIC.items() if short in types) or "–"


def _words() -> str:
    named = [(name, value) for name, value in vars(messages).items() if typing.get_origin(value) is typing.Literal]
    rows = [f"| {name} | {', '.join(f'`{word}`' for word in typing.get_args(value))} |\n" for name, value in named]
    return _table("type", "words") + "".join(rows)


# --- messages -----------------------------------------------------------------------------------------------


def _messages() -> str:
    """Every struct in the order of the code, then the collector's own state."""
    assert state.TOPIC in TOPICS  # and its types are registered with the codec by the import
    return "\n".join(_struct(node, module) for module in (messages, known) for node in _structs(module)) + "\n"


def _structs(module: ModuleType) -> Iterator[ast.ClassDef]:
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.ClassDef) and _is_message(getattr(module, node.name)):
            yield node


def _is_message(found: object) -> bool:
    return isinstance(found, type) and issubclass(found, messages.Message) and found is not messages.Message


def _struct(node: ast.ClassDef, module: ModuleType) -> str:
    lines = inspect.getsource(module).splitlines()
    about = " ".join((ast.get_docstring(node) or "").split())
    rows = [_field(field, lines) for field in node.body if isinstance(field, ast.AnnAssign)]
    head = f"### {node.name}\n\n" + (f"{about}\n\n" if about else "")
    return head + _table("field", "type", "default", "what") + "".join(rows)


def _field(field: ast.AnnAssign, lines: list[str]) -> str:
    kind = ast.unparse(field.annotation).replace("msgspec.UnsetType", "absent").replace("msgspec.Raw", "Raw")
    default = "required" if field.value is None else f"`{ast.unparse(field.value)}`"
    if default == "`msgspec.UNSET`":
        default = "absent"
    name = ast.unparse(field.target)
    cells = (f"`{name}`", f"`{kind}`".replace(" | ", "` or `"), default, _note(field.lineno, lines))
    return "| " + " | ".join(cells) + " |\n"


def _note(line: int, lines: list[str]) -> str:
    """The comment on the field's own line, or the ones right above it."""
    _, mark, beside = lines[line - 1].partition("  # ")
    if mark:
        return beside.strip()
    above: list[str] = []
    while lines[line - 2].strip().startswith("# "):
        line -= 1
        above.insert(0, lines[line - 1].strip().removeprefix("# "))
    return " ".join(above)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
