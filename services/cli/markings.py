"""What `tinsom tag` shows of one text: its evidence marked, then each tag with the rules that made it."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from services.classifier.tagger import Tagger, TagInput
from services.classifier.taxonomy import Taxonomy
from services.classifier.themes import words_of
from services.classifier.workbench.rejections import rejections
from services.classifier.workbench.trial import missing
from services.cli.shared import plain
from tinsom.messages import Evidence, Tag, Tags

REJECTED = 40  # lines; a long report names the same few things in many ways
STYLES = {"primary": "bold green", "mentioned": "yellow"}


def explanation(item: TagInput, tags: Tags, tagger: Tagger) -> Iterator[Text]:
    """Line by line; colours are dropped where the output is no terminal."""
    for field in ("title", "lede", "text"):
        if content := getattr(item, field).rstrip():
            yield _marked(content, field, tags)
            yield Text()
    name = tagger.taxonomy.name
    yield from _tags("initiatives", tags.initiatives, tagger.taxonomy)
    yield from _tags("agencies", tags.agencies, tagger.taxonomy)
    yield from _facts("places", [f"{name(p.id)} ({p.id}), {p.role}" for p in tags.places])
    yield from _facts("documents", [" ".join(filter(None, (d.key, d.date, d.initiative))) for d in tags.documents])
    yield from _facts("events", [" ".join(filter(None, (e.type, e.body, e.date))) for e in tags.events])
    yield from _facts(
        "tasks", [f"{', '.join(t.lead)}: {t.action} ({t.deadline or 'no date'})" for t in tags.tasks]
    )
    yield from _facts("indicators", [f"{i.name}: {i.value:,.12g} {i.unit}" for i in tags.indicators])
    rejected = [f"{r.words!r} ({r.rule}) in {r.field}: {r.why}" for r in rejections(tagger, item, tags)]
    yield from _facts("rejected", rejected[:REJECTED])
    near = [outcome for outcome in tagger.outcomes(item) if outcome.near]
    yield from _facts("nearly", [f"{name(o.id)} ({o.id}), score {o.score:g}: {missing(o)}" for o in near])


def _marked(content: str, field: str, tags: Tags) -> Text:
    # One character stands for one, so that the evidence's places hold.
    shown = Text("".join(plain(c) or " " if c != "\n" else c for c in content))
    # Primary last: where two tags share a span, the stronger one is seen.
    for role in ("mentioned", "primary"):
        for tag in (*tags.initiatives, *tags.agencies):
            for evidence in tag.evidence:
                if evidence.field == field and tag.role == role:
                    shown.stylize(STYLES[role], evidence.start, evidence.end)
    return shown


def _tags(title: str, tags: list[Tag], taxonomy: Taxonomy) -> Iterator[Text]:
    if not tags:
        yield Text(f"{title}: none")
        return
    yield Text(f"{title}:")
    for tag in tags:
        yield Text.assemble(
            ("  " + plain(taxonomy.name(tag.id)), STYLES[tag.role]),
            f" ({tag.id}), {tag.role}, score {tag.score:g}: {_why(tag)}",
        )


def _why(tag: Tag) -> str:
    if not tag.evidence:
        return f"derived from {tag.via}" if isinstance(tag.via, str) else "derived"
    counted: dict[str, int] = {}
    for evidence in tag.evidence:
        counted[_where(evidence)] = counted.get(_where(evidence), 0) + 1
    return ", ".join(where + (f" ×{count}" if count > 1 else "") for where, count in counted.items())


def _where(evidence: Evidence) -> str:
    return f"{evidence.rule} in {evidence.field}"


def _facts(title: str, lines: list[str]) -> Iterator[Text]:
    if lines:
        yield Text(f"{title}:")
    for line in lines:
        yield Text(f"  {plain(line)}")


def taxonomy_rows(taxonomy: Taxonomy) -> Iterator[tuple[str, str, str, str]]:
    """(id, kind, name, how else it is written), in the order of the files."""
    for initiative in taxonomy.initiatives.values():
        also = (*initiative.abbreviations, *initiative.aliases)
        yield initiative.id, f"initiative/{initiative.kind}", initiative.names.vi, ", ".join(also)
    for agency in taxonomy.agencies.values():
        also = (*agency.abbreviations, *agency.aliases)
        yield agency.id, f"agency/{agency.type}", agency.names.vi, ", ".join(also)
    for place in taxonomy.places.values():
        also = (*place.abbreviations, *place.aliases)
        yield place.id, "place", place.names.vi, ", ".join(also)
    for theme in taxonomy.themes.values():
        also = tuple(words if isinstance(words, str) else words.words for words in words_of(theme))
        yield theme.id, "theme", theme.names.vi, ", ".join(also)
