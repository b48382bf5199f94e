"""The taxonomy: what is to be found, as typed data read from YAML files (services/classifier/taxonomy/).

Unknown keys are errors with file and place. A user's folder extends or overrides the shipped rows: a row with
the same id replaces the shipped one whole. The rows say what; how it is matched is `patterns.py`.
"""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec
import yaml

from tinsom.errors import ConfigError

SHIPPED = Path(__file__).with_name("taxonomy")

Where = Literal["before", "after", "behind", "near", "sentence", "item"]
Then = Literal["reject", "require"]


class _Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Names(_Row, frozen=True, kw_only=True):
    vi: str
    en: str = ""


class Rule(_Row, frozen=True, kw_only=True):
    """Context of a mention: `before` and `after` touch it, `behind` is within 60 characters before it, `near`
    within 60 on both sides, `sentence` and `item` anywhere in these."""

    when: Where
    any: tuple[str, ...]
    then: Then
    aliases: list[str] = []  # only for these aliases; all when empty


class Tests(_Row, frozen=True, kw_only=True):
    positive: list[str] = []
    negative: list[str] = []


class Initiative(_Row, frozen=True, kw_only=True):
    """`aliases` prove the initiative by themselves; `weak` ones only where public bodies act on it."""

    id: str
    names: Names
    kind: str = "chuong-trinh"
    parents: list[str] = []
    aliases: list[str] = []
    abbreviations: list[str] = []
    weak: list[str] = []
    weak_primary: bool = True  # False: weak words alone are never what an item is about
    bare: list[str] = []  # heads that stand for the name once it was given in full
    weak_min: int = 1  # so many weak mentions are needed when nothing else proves it
    blocks: list[str] = []  # phrases that contain an alias and mean something else
    implied: list[str] = []  # names inside other names: mentioned only, never more
    rules: list[Rule] = []
    valid_from: datetime.date | None = None
    valid_to: datetime.date | None = None
    market: bool = False  # companies sell it, too: makes no item public, is mentioned at most in one that is not
    background: bool = False  # named in passing so often that it takes more to be what an item is about
    tests: Tests = Tests()


class Successor(_Row, frozen=True, kw_only=True):
    id: str
    share: str = ""


class Agency(_Row, frozen=True, kw_only=True):
    """`core` is the name without its head, for elided lists (các Bộ A, B và C)."""

    id: str
    names: Names
    type: str = "unit"
    cores: list[str] = []
    aliases: list[str] = []
    abbreviations: list[str] = []
    blocks: list[str] = []
    bare: list[str] = []
    rules: list[Rule] = []
    implies: list[str] = []  # initiatives that the name itself holds: mentioned
    parents: list[str] = []
    valid_from: datetime.date | None = None
    valid_to: datetime.date | None = None
    successors: list[Successor] = []
    suffix: str = ""  # how its documents are signed, where that is not its first abbreviation
    points: float = 0.0  # added to its score: an organ that issues, and is seldom what an announcement is about
    routing: bool = True  # False: too frequent to tell anyone about
    tests: Tests = Tests()


class Local(_Row, frozen=True, kw_only=True):
    """A kind of local body: `<kind>-<place>`, or `<kind>-<core>-<place>` when there are cores."""

    kind: str
    heads: list[str]
    names: Names
    blocks: list[str] = []
    cores: dict[str, list[str]] = {}


class Place(_Row, frozen=True, kw_only=True):
    id: str
    names: Names
    aliases: list[str] = []
    abbreviations: list[str] = []
    blocks: list[str] = []
    valid_from: datetime.date | None = None
    valid_to: datetime.date | None = None
    merged_into: str = ""
    was: str = ""  # until valid_from, the same land under its former name


class RegisteredDocument(_Row, frozen=True, kw_only=True):
    """A known document; `key` as it is cited. `names` are laws' names or short forms that stand for it."""

    key: str
    date: datetime.date
    kind: str = ""
    issuer: str = ""
    initiative: str = ""
    names: list[str] = []
    short: bool = False  # the bare number ("Nghị quyết 57") is enough near its time
    valid_to: datetime.date | None = None


class Words(_Row, frozen=True, kw_only=True):
    """Words of a theme, with `(a|b|)` alternatives; `a + b`: in this order, at most `gap` of the theme between.

    What is left empty here is as the theme says.
    """

    words: str
    fields: list[Literal["title", "lede", "text"]] = []  # where they must stand
    case: Literal["", "any", "exact"] = ""
    marks: Literal["", "keep", "optional"] = ""  # optional: with their marks, or without any ("lua dao")


class Term(Words, frozen=True, kw_only=True):
    weight: float
    most: int = 1  # of so many occurrences each adds its weight


class Combination(_Row, frozen=True, kw_only=True):
    """Of each group in `all` one must occur, none of `none`; with `within`, in a stretch of so many words."""

    all: list[list[str | Words]]
    none: list[str | Words] = []
    within: int = 0
    weight: float = 1.0  # added to the score


class Theme(_Row, frozen=True, kw_only=True):
    """A user's own rule. It fires when its terms' weights reach the threshold or a combination is met."""

    id: str
    names: Names
    threshold: float = 0.0
    terms: list[Term] = []
    combinations: list[Combination] = []
    none: list[str | Words] = []  # one of these, and it does not fire
    fields: list[Literal["title", "lede", "text"]] = []  # everywhere when empty
    case: Literal["any", "exact"] = "any"
    marks: Literal["keep", "optional"] = "keep"
    gap: int = 3
    tests: Tests = Tests()


class Context(_Row, frozen=True, kw_only=True):
    """Words that say what kind of text this is; `blocks` are phrases that hold names and mean none."""

    blocks: list[str] = []
    foreign: list[str] = []
    tail: list[str] = []
    sports: list[str] = []  # at the head of an item: "Công an Hà Nội" is a club
    offices: list[str] = []
    private_heads: list[str] = []  # "Đại học", "Bệnh viện": what follows is no place
    venues: list[str] = []  # a sentence with these lists places that nothing happens to
    organisations: list[str] = []  # as private_heads, with up to six words between
    acts: list[str] = []  # what a body does, right after its name
    ordered: list[str] = []  # what makes it the one that is told to, right before
    surnames: list[str] = []
    crime: list[str] = []
    prevention: list[str] = []  # a headline about keeping crime away is policy
    orders: list[str] = []  # words of a sentence that orders, plans or reports work


class _File(_Row, frozen=True, kw_only=True):
    version: str = ""
    initiatives: list[Initiative] = []
    agencies: list[Agency] = []
    local: list[Local] = []
    places: list[Place] = []
    documents: list[RegisteredDocument] = []
    themes: list[Theme] = []
    context: Context = Context()
    weights: dict[str, float] = {}


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """All rows by id. `version` is the newest of the files' versions."""

    version: str
    initiatives: dict[str, Initiative]
    agencies: dict[str, Agency]
    local: dict[str, Local]
    places: dict[str, Place]
    documents: tuple[RegisteredDocument, ...]
    context: Context
    weights: dict[str, float] = field(default_factory=dict)
    themes: dict[str, Theme] = field(default_factory=dict)

    def name(self, tag: str, language: str = "vi") -> str:
        """The name a reader sees of an initiative, agency, place or theme; the id itself when it is unknown."""
        row = self.initiatives.get(tag) or self.agencies.get(tag) or self.places.get(tag) or self.themes.get(tag)
        if row is not None:
            return (row.names.en if language == "en" else "") or row.names.vi
        return self._local_name(tag, language) or tag

    def _local_name(self, tag: str, language: str) -> str:
        for place_id, place in self.places.items():
            if not tag.endswith("-" + place_id):
                continue
            kind, _, core = tag[: -len(place_id) - 1].partition("-")
            for local in self.local.values():
                head = tag[: -len(place_id) - 1]
                if local.kind == head or (local.kind == kind and core in local.cores):
                    what = local.cores[core][0] if core in local.cores and local.kind == kind else ""
                    names = local.names.en if language == "en" and local.names.en else local.names.vi
                    return " ".join(filter(None, (names, what, place.names.vi)))
        return ""


def load(folder: Path | None = None) -> Taxonomy:
    """The shipped files, extended or overridden by those of `folder`; raises ConfigError."""
    return extended(texts(folder) if folder else {})


def texts(folder: Path) -> dict[str, str]:
    """File name → text of a folder's files, or of one file; raises ConfigError."""
    if not folder.is_dir() and not folder.is_file():
        raise ConfigError(f"taxonomy: {folder} is neither a folder nor a file")
    files = sorted(folder.glob("*.yaml")) if folder.is_dir() else [folder]
    return {path.name: _text(path) for path in files}


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigError(f"taxonomy: cannot read {path}: {reason}") from None


def extended(own: Mapping[str, str]) -> Taxonomy:
    """The shipped files with a user's, in the order of their names.

    What these say is part of the version: a tag names the rules that made it, also when nobody wrote a new date.
    """
    rows = build([*_shipped(), *(_parse(own[name], name) for name in sorted(own))])
    if not own:
        return rows
    content = "\0".join(part for name in sorted(own) for part in (name, own[name]))
    return replace(rows, version=f"{rows.version}+{hashlib.sha256(content.encode()).hexdigest()[:8]}")


@cache
def _shipped() -> tuple[_File, ...]:
    return tuple(_parse(text, name) for name, text in texts(SHIPPED).items())


def whole(files: Mapping[str, str]) -> Taxonomy:
    """These files alone, without the shipped ones; raises ConfigError."""
    return build(_parse(files[name], name) for name in sorted(files))


def parse(text: str, where: str) -> Taxonomy:
    """One file alone, for lint and tests; raises ConfigError."""
    return whole({where: text})


def ids(text: str, where: str) -> set[str]:
    """Of the rows of one file; raises ConfigError."""
    rows = whole({where: text})
    documents = (row.key for row in rows.documents)
    return {*rows.initiatives, *rows.agencies, *rows.local, *rows.places, *rows.themes, *documents}


def _parse(text: str, where: str) -> _File:
    try:
        raw: Any = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 safe both
    except yaml.YAMLError as error:
        raise ConfigError(f"{where}: {' '.join(str(error).split())}") from None
    try:
        return msgspec.convert(raw or {}, _File)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {_place_of(error, raw)}") from None


def _place_of(error: msgspec.ValidationError, raw: Any) -> str:
    """msgspec names the place by number (`$.initiatives[3]`); a person looks for the id."""
    text = str(error)
    match = re.search(r"\$\.(\w+)\[(\d+)\]", text)
    if match is None:
        return text
    row = raw[match[1]][int(match[2])]
    name = row.get("id") or row.get("key") or row.get("kind") if isinstance(row, dict) else row
    return f"{text} ({name})"


R = TypeVar("R", Initiative, Agency, Place, Theme)


def _by_id(rows: Iterable[R]) -> dict[str, R]:
    return {row.id: row for row in rows}


def build(files: Iterable[Any]) -> Taxonomy:
    """Join files in order: later rows with the same id replace earlier ones, word lists add up."""
    parts: list[_File] = list(files)
    contexts = [part.context for part in parts]
    documents = {(row.key, row.date): row for part in parts for row in part.documents}
    return Taxonomy(
        version=max((part.version for part in parts), default=""),
        initiatives=_by_id(row for part in parts for row in part.initiatives),
        agencies=_by_id(row for part in parts for row in part.agencies),
        local={row.kind: row for part in parts for row in part.local},
        places=_by_id(row for part in parts for row in part.places),
        documents=tuple(documents.values()),
        context=Context(
            **{name: [word for c in contexts for word in getattr(c, name)] for name in Context.__struct_fields__}
        ),
        weights={name: value for part in parts for name, value in part.weights.items()},
        themes=_by_id(row for part in parts for row in part.themes),
    )
