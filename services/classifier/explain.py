"""One text as the tagger sees it, in colour: the marks in the text, each tag with its score, spans and rules."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from services.classifier.evaluate import KINDS, Report
from services.classifier.tagger import Tagger, TagInput
from services.classifier.taxonomy import Taxonomy
from tinsom import messages as m

STYLES = {"initiatives": "bold black on yellow", "agencies": "bold white on blue"}
MAX_RULES = 4


def explanation(item: TagInput, tagger: Tagger) -> RenderableType:
    """The text with marks, then the tags with why; `item` as `commands.from_text` reads it."""
    tags = tagger.tag(item)
    parts: list[RenderableType] = [_marked(item, tags), ""]
    parts += [_tag_table("initiatives", tags.initiatives, tagger.taxonomy)]
    parts += [_tag_table("agencies", tags.agencies, tagger.taxonomy)]
    parts += [table for table in _other_tables(tags, tagger.taxonomy) if table.row_count]
    return Group(*parts)


def _marked(item: TagInput, tags: m.Tags) -> Text:
    whole = Text()
    for field, text in (("title", item.title), ("lede", item.lede), ("text", item.text)):
        if text:
            part = Text(text, style="bold" if field == "title" else "")
            for kind, found in (("initiatives", tags.initiatives), ("agencies", tags.agencies)):
                for evidence in (e for tag in found for e in tag.evidence if e.field == field):
                    part.stylize(STYLES[kind], evidence.start, evidence.end)
            whole.append_text(part).append("\n\n")
    return whole


def _tag_table(kind: str, tags: Iterable[m.Tag], taxonomy: Taxonomy) -> Table:
    table = Table(title=kind, title_justify="left", title_style=STYLES[kind])
    for column in ("tag", "name", "role", "score", "why"):
        table.add_column(column, justify="right" if column == "score" else "left")
    for tag in tags:
        why = f"from {tag.via}" if isinstance(tag.via, str) else _rules(tag)
        if isinstance(tag.successors, list):
            why += f"; now {', '.join(tag.successors)}"
        role = Text(tag.role, style="bold green" if tag.role == "primary" else "dim")
        table.add_row(tag.id, taxonomy.name(tag.id), role, f"{tag.score:.1f}", why)
    return table


def _rules(tag: m.Tag) -> str:
    shown = [f"{e.rule} {e.field} {e.start}-{e.end}" for e in tag.evidence[:MAX_RULES]]
    more = len(tag.evidence) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more > 0 else "")


def _other_tables(tags: m.Tags, taxonomy: Taxonomy) -> Iterable[Table]:
    yield _plain("documents", ("key", "date", "initiative", "as written"), _documents(tags))
    yield _plain("places", ("place", "role"), [(taxonomy.name(p.id), p.role) for p in tags.places])
    yield _plain("events", ("type", "body", "number", "date"), _events(tags))
    yield _plain("tasks", ("lead", "deadline", "action"), _tasks(tags))
    yield _plain(
        "indicators", ("what", "value", "unit"), [(i.name, f"{i.value:g}", i.unit) for i in tags.indicators]
    )


def _documents(tags: m.Tags) -> list[tuple[str, ...]]:
    return [(d.key, d.date or "?", d.initiative or "", d.raw) for d in tags.documents]


def _events(tags: m.Tags) -> list[tuple[str, ...]]:
    return [(e.type, e.body or "", str(e.number or ""), e.date or "") for e in tags.events]


def _tasks(tags: m.Tags) -> list[tuple[str, ...]]:
    return [(", ".join(t.lead), f"{t.deadline} ({t.precision})", t.action) for t in tags.tasks]


def _plain(title: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Table:
    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        # What was fetched is never markup.
        table.add_row(*(Text(cell) for cell in row))
    return table


def report(found: Report) -> RenderableType:
    """What `tinsom taxonomy eval` prints: the kinds, the tags that go wrong most, the worst items."""
    kinds = Table("kind", "precision", "recall", "F1", "right", "wrong", "missed")
    for kind in KINDS:
        c = found.by_kind[kind]
        shares = (f"{c.precision:.3f}", f"{c.recall:.3f}", f"{c.f1:.3f}")
        kinds.add_row(kind, *shares, str(c.right), str(c.wrong), str(c.missed))
    tags = Table("kind", "tag", "right", "wrong", "missed", title="tags that go wrong most", title_justify="left")
    ranked = sorted(found.by_tag.items(), key=lambda pair: (-(pair[1].wrong + pair[1].missed), pair[0]))
    for (kind, tag), c in ranked[:15]:
        if c.wrong or c.missed:
            tags.add_row(kind, tag, str(c.right), str(c.wrong), str(c.missed))
    items = Table("item", "faults", title="worst items", title_justify="left")
    for item, count in found.worst():
        items.add_row(item, str(count))
    off = f"off items with a false primary tag: {len(found.off_primary)} of {found.off_items}"
    return Group(kinds, off, tags, items)


def row(tag: str, taxonomy: Taxonomy) -> RenderableType:
    """What `tinsom taxonomy show ID` prints; a table of all ids when `tag` is empty."""
    if not tag:
        return _plain("taxonomy", ("id", "kind", "name"), [*_all(taxonomy)])
    found = taxonomy.initiatives.get(tag) or taxonomy.agencies.get(tag) or taxonomy.places.get(tag)
    if found is None:
        return Text(f"{tag} is not in the taxonomy ({taxonomy.version})")
    fields = [(name, _shown(getattr(found, name))) for name in found.__struct_fields__]
    return _plain(tag, ("field", "value"), [(name, value) for name, value in fields if value])


def _all(taxonomy: Taxonomy) -> Iterable[tuple[str, ...]]:
    for initiative in taxonomy.initiatives.values():
        yield initiative.id, initiative.kind, initiative.names.vi
    for agency in taxonomy.agencies.values():
        yield agency.id, agency.type, agency.names.vi


def _shown(value: object) -> str:
    if isinstance(value, list):
        return "\n".join(str(one) for one in value)
    return "" if value in (None, "", False, 0.0) else str(value)
