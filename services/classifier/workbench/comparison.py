"""Two taxonomies over the same items: which tags differ, and which rules made the difference. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from services.classifier.tagger import Tagger
from tinsom import messages as m


class Difference(NamedTuple):
    """`change` is +, - or ~; `why` names the rules that only one of the two has there."""

    item: str
    title: str
    change: str
    tag: str
    role: str
    why: str


@dataclass
class Comparison:
    items: int = 0
    changed: int = 0
    differences: list[Difference] = field(default_factory=list)

    def by_tag(self) -> list[tuple[str, int, int, int]]:
        """Tag, how often it came, went, changed its role; the most frequent first."""
        count: Counter[tuple[str, str]] = Counter((d.tag, d.change) for d in self.differences)
        tags = Counter(d.tag for d in self.differences)
        ranked = sorted(tags, key=lambda tag: (-tags[tag], tag))
        return [(tag, count[tag, "+"], count[tag, "-"], count[tag, "~"]) for tag in ranked]


def compared(old: Tagger, new: Tagger, items: Iterable[m.Item]) -> Comparison:
    comparison = Comparison()
    for item in items:
        comparison.items += 1
        found = list(_differences(item, old.tag(item), new.tag(item)))
        comparison.changed += bool(found)
        comparison.differences += found
    return comparison


class _Tag(NamedTuple):
    role: str
    score: float
    rules: frozenset[str]
    via: str


def _differences(item: m.Item, old: m.Tags, new: m.Tags) -> Iterator[Difference]:
    before, after = _by_id(old), _by_id(new)
    for tag in sorted(before.keys() | after.keys()):
        a, b = before.get(tag), after.get(tag)
        if a is None and b is not None:
            yield Difference(item.id, item.title, "+", tag, b.role, _by(b))
        elif b is None and a is not None:
            yield Difference(item.id, item.title, "-", tag, a.role, _by(a))
        elif a is not None and b is not None and a.role != b.role:
            yield Difference(item.id, item.title, "~", tag, f"{a.role} → {b.role}", _between(a, b))


def _by_id(tags: m.Tags) -> dict[str, _Tag]:
    found = {tag.id: _tag(tag) for tag in (*tags.initiatives, *tags.agencies)}
    found |= {f"place:{place.id}": _Tag(place.role, 0.0, frozenset(), "") for place in tags.places}
    keys = [document.key for document in tags.documents]
    return found | {f"document:{key}": _Tag("named", 0.0, frozenset(), "") for key in keys}


def _tag(tag: m.Tag) -> _Tag:
    via = tag.via if isinstance(tag.via, str) else ""
    return _Tag(tag.role, tag.score, frozenset(evidence.rule for evidence in tag.evidence), via)


def _by(tag: _Tag) -> str:
    if tag.via:
        return f"as parent of {tag.via}"
    return f"by {', '.join(sorted(tag.rules))}" if tag.rules else ""


def _between(a: _Tag, b: _Tag) -> str:
    parts = [f"score {a.score:g} → {b.score:g}"] if a.score != b.score else []
    parts += [f"+ {rule}" for rule in sorted(b.rules - a.rules)]
    parts += [f"- {rule}" for rule in sorted(a.rules - b.rules)]
    parts += [f"via {a.via or '-'} → {b.via or '-'}"] if a.via != b.via else []
    return ", ".join(parts)
