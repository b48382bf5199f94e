"""Writes docs/messages.md and docs/configuration.md from the code: `python -m deploy.contracts`.

A test writes them again and compares. A field's note is the comment beside it or above it in the code.
"""

from __future__ import annotations

import ast
import inspect
import re
import typing
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import msgspec

import services.classifier.story.storystage  # noqa: F401 (registers the story step's own messages)
from services.classifier.story import pulses
from services.collector import known, state
from tinsom import codec, config, items, messages
from tinsom.topics import DAY_MS, QUEUES, TOPICS, Topic

DOCS = Path(__file__).parent.parent / "docs"
PARTS = Path(__file__).with_name("contracts.md")

# Topic → (who writes, who reads besides the queue's group, types that travel there).
TRAFFIC: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "sources": ("apply", "collector (table, owner)", ("source", "version")),
    "feed-state": ("collector", "collector (own state)", ("collector.feed-state", "collector.item-state")),
    "items": ("collector", "", ("item",)),
    "taxonomy": ("apply", "tag (table)", ("taxonomy-file", "version")),
    "names": ("apply", "deliver (table)", ("name", "version")),
    "tagged": ("tag", "why", ("tagged-item",)),
    "stories": ("stories", "stories (own state)", ("story", "classifier.pulse")),
    "reminders": ("stories", "stories (own state)", ("reminder",)),
    "story-changes": ("stories", "why", ("story-change",)),
    "subscriptions": ("apply, deliver", "plan, deliver (table)", ("subscription", "mute", "version")),
    "alerts": ("plan, deliver", "why", ("alert", "suppression")),
    "deliveries": ("deliver", "deliver (own state), why", ("delivery",)),
    "destinations": ("apply, deliver", "deliver (table)", ("destination", "version")),
    "verdicts": ("deliver", "deliver (own state)", ("verdict",)),
    "dead-letters": ("every stage", "dead-letters", ()),
}


def built() -> dict[str, str]:
    """File name → content of every generated document."""
    return {"messages.md": message_page(), "configuration.md": configuration_page()}


def message_page() -> str:
    """Fixed parts from contracts.md, with the generated tables in their places."""
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
    # By name: services register theirs when they are imported, in whatever order.
    types = sorted(codec.TYPES.items())
    rows = [f"| `{name}` | {_shown(struct)} | {_where(name)} |\n" for name, struct in types]
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
    modules = (items, messages, known, pulses)
    return "\n".join(_struct(node, module) for module in modules for node in _structs(module)) + "\n"


def _structs(module: ModuleType) -> Iterator[ast.ClassDef]:
    return (node for node in _classes(module) if _is_message(getattr(module, node.name)))


def _is_message(found: object) -> bool:
    return isinstance(found, type) and issubclass(found, items.Message) and found is not items.Message


def _struct(node: ast.ClassDef, module: ModuleType, title: str = "") -> str:
    lines = inspect.getsource(module).splitlines()
    about = " ".join((ast.get_docstring(node) or "").split())
    rows = [_field(field, lines) for field in node.body if isinstance(field, ast.AnnAssign)]
    head = f"### {title or node.name}\n\n" + (f"{about}\n\n" if about else "")
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


# --- configuration ------------------------------------------------------------------------------------------

CONFIGURATION = """# Configuration

Written by `python -m deploy.contracts` from `tinsom/config.py`; change it there. One YAML file, `tinsom.yaml`
unless `-c` names another. `tinsom init` writes one to start from, `tinsom check` names every fault of it at once;
unknown keys are faults. Secrets are never in the file: a `…_file` names a file that holds one line, a `…_env` an
environment variable; set exactly one of the two. Durations are seconds. What `tinsom apply` has written holds
until the next `tinsom apply`; `tinsom run` begins with one.

A running process reads the file again when it changes, or a taxonomy file or `ca_file` that it names, and at
SIGHUP (on a terminal that still ends it). Under `tinsom run` a good one takes effect as by `tinsom apply`:
sources, destinations, subscriptions, mutes, taxonomy and `collector.catalogue`; other services leave these to
`tinsom apply`. All other settings, and secrets, hold from the next start; a line of the log names those that
changed. A bad or empty file, or under `tinsom run` one that asks for an id that the taxonomy does not have, is
refused with line and reason, and the former configuration holds
(`tinsom_config_last_reload_successful` 0).

"""


def configuration_page() -> str:
    """The whole file first, then each of its sections under its key, in the order of the code."""
    nodes = {node.name: node for node in _classes(config)}
    whole = nodes.pop("Config")
    keys = {kind: key for key, kind in _kinds(whole)}
    parts = [_struct(whole, config, "The file")]
    parts += [_struct(node, config, f"`{keys[name]}`") for name, node in nodes.items() if name in keys]
    parts.append(_struct(nodes["SelectorsConfig"], config, "`selectors`"))
    parts.append(_struct(nodes["PageSelectorsConfig"], config, "`page`"))
    parts.append(_struct(nodes["KafkaSecurityConfig"], config, "`kafka.security`"))
    match = next(node for node in _classes(messages) if node.name == "Match")
    return CONFIGURATION + "\n".join([*parts, _struct(match, messages, "`match`")])


def _classes(module: ModuleType) -> Iterator[ast.ClassDef]:
    return (node for node in ast.parse(inspect.getsource(module)).body if isinstance(node, ast.ClassDef))


def _kinds(whole: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """Key of the file → name of its section's class."""
    for field in whole.body:
        if isinstance(field, ast.AnnAssign):
            for name in re.findall(r"\w+Config", ast.unparse(field.annotation)):
                yield ast.unparse(field.target), name


def main() -> None:
    for name, content in built().items():
        (DOCS / name).write_text(content, "utf-8")


if __name__ == "__main__":
    main()
