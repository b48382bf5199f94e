"""What can be followed and how it is called: the taxonomy as a table that other services read. Pure but for the
codec.

A reader writes "đề án 06" or "so y te dong thap"; who finds what is meant needs the names, not the rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

from services.classifier import patterns
from services.classifier import taxonomy as taxonomies
from services.classifier.taxonomy import Taxonomy
from tinsom.config import Config
from tinsom.log import Record
from tinsom.messages import Name
from tinsom.tables import Changes, changes
from tinsom.text import slug

TOPIC = "names"
SPELLINGS, LONGEST = 24, 80  # an alias with alternatives has hundreds; nobody types the long ones


def name_outputs(config: Config, now_ms: int, existing: Mapping[bytes, Record]) -> Changes:
    """The records that make topic `names` say what the taxonomy says; raises ConfigError when it is wrong."""
    taxonomy = taxonomies.load(Path(config.taxonomy) if config.taxonomy else None)
    wanted = {f"{name.kind}/{name.id}": name for name in names(taxonomy)}
    return changes(TOPIC, wanted, now_ms, existing, partition_by=lambda key: key)


def names(taxonomy: Taxonomy) -> Iterator[Name]:
    """In the order of the files; local bodies, which have no rows, of the places that there are today."""
    # Themes last: one more must not give all others another place, and so another record.
    parts = (_initiatives, _agencies, _places, _local, _themes)
    rows = (name for part in parts for name in part(taxonomy))
    for number, name in enumerate(rows, 1):
        yield Name(**{field: getattr(name, field) for field in name.__struct_fields__} | {"place": number})


def _initiatives(taxonomy: Taxonomy) -> Iterator[Name]:
    for row in taxonomy.initiatives.values():
        also = _spellings(row.names.vi, row.abbreviations, _expanded(row.aliases))
        yield Name(
            id=row.id, kind="initiative", name=row.names.vi, name_en=row.names.en, spellings=also,
            parents=row.parents,
        )  # fmt: skip


def _themes(taxonomy: Taxonomy) -> Iterator[Name]:
    """Asked for by the name that its author gave it: its words are a rule, not names."""
    for row in taxonomy.themes.values():
        yield Name(id=row.id, kind="initiative", name=row.names.vi, name_en=row.names.en)


def _agencies(taxonomy: Taxonomy) -> Iterator[Name]:
    """Those too frequent to tell anyone about are no offer."""
    for row in taxonomy.agencies.values():
        if row.routing:
            named = patterns.body_names(row.names.vi)
            also = _spellings(row.names.vi, row.abbreviations, named, _expanded(row.aliases))
            yield Name(
                id=row.id, kind="agency", name=row.names.vi, name_en=row.names.en, spellings=also,
                parents=row.parents, now=[successor.id for successor in row.successors],
            )  # fmt: skip


def _places(taxonomy: Taxonomy) -> Iterator[Name]:
    for row in taxonomy.places.values():
        also = _spellings(row.names.vi, row.abbreviations, row.aliases)
        now = [row.merged_into] if row.merged_into else []
        yield Name(id=row.id, kind="place", name=row.names.vi, name_en=row.names.en, spellings=also, now=now)


def _local(taxonomy: Taxonomy) -> Iterator[Name]:
    standing = [place for place in taxonomy.places.values() if place.valid_to is None]
    for local in taxonomy.local.values():
        for core in local.cores or ("",):
            for place in standing:
                id_ = "-".join(filter(None, (local.kind, core, place.id)))
                heads = [f"{head} {word}".strip() for head in local.heads for word in local.cores.get(core, [""])]
                name = taxonomy.name(id_)
                also = _spellings(name, [f"{head} {place.names.vi}" for head in heads])
                yield Name(id=id_, kind="agency", name=name, name_en=taxonomy.name(id_, "en"), spellings=also)


def _expanded(aliases: Iterable[str]) -> Iterator[str]:
    return (spelling for alias in aliases for spelling in patterns.expand(alias))


def _spellings(name: str, *lists: Iterable[str]) -> list[str]:
    """One of each that differs in more than marks and dashes, shortest first."""
    found: dict[str, str] = {slug(name): ""}
    for spelling in (one for some in lists for one in some):
        if len(spelling) <= LONGEST:
            found.setdefault(slug(spelling), spelling)
    return list(islice(sorted(filter(None, found.values()), key=lambda s: (len(s), s)), SPELLINGS))
