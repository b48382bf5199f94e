"""What a reader can follow, and how what he writes is understood. Pure.

`Đề án 06`, `de an 06` and `DA06` are one; what fits several is asked back, what fits none can be followed as a
keyword or a document.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import msgspec

from tinsom.messages import Match, Name
from tinsom.text import normalise, slug

Kind = Literal["initiative", "agency", "place", "keyword", "document"]
LETTERS: Mapping[str, Kind] = {"i": "initiative", "a": "agency", "p": "place", "k": "keyword", "d": "document"}
_RANK = {"initiative": 0, "agency": 1, "place": 2}
FIELDS: Mapping[Kind, str] = {
    "initiative": "initiatives", "agency": "agencies", "place": "places", "keyword": "keywords",
    "document": "documents",
}  # fmt: skip
BUTTON = 28  # letters that are read on one of two buttons in a row
SLIP = 2  # letters that a slip of the finger adds or loses
OFFERED = 8  # candidates in one answer
KEYWORD_BYTES = 56  # what fits behind a button
_DOCUMENT = re.compile(r"\d{1,5}(?:/\d{4})?[/-][A-ZĐ][\w&-]*(?:/[\w-]+)?")


class Subject(NamedTuple):
    """One thing that can be followed; of a keyword or document the id is its text."""

    kind: Kind
    id: str
    name: str

    @property
    def code(self) -> str:
        """As it stands behind a button: `i:de-an-06`."""
        return f"{self.kind[0]}:{self.id}"

    @property
    def key(self) -> str:
        """As it stands in a record's key: short, and without what a reader wrote."""
        id_ = self.id if self.kind in _RANK else hashlib.sha256(self.id.encode()).hexdigest()[:12]
        return f"{self.kind}:{id_}"

    @property
    def match(self) -> Match:
        return msgspec.structs.replace(Match(), **{FIELDS[self.kind]: [self.id]})


class Found(NamedTuple):
    """`sure`: the first is what was meant."""

    subjects: list[Subject]
    sure: bool


@dataclass
class Directory:
    """The names, and all their spellings folded: without marks, case and punctuation."""

    names: Mapping[str, Name] = field(default_factory=dict)  # by id
    language: str = "vi"
    _spellings: list[tuple[str, str]] = field(default_factory=list)  # (folded, id)
    _children: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, names: Iterable[Name], language: str = "vi") -> Directory:
        ordered = sorted(names, key=lambda name: (_RANK[name.kind], name.place))
        made = cls({name.id: name for name in ordered}, language)
        for name in ordered:
            folded = dict.fromkeys(map(_folded, (name.name, name.name_en, *name.spellings, name.id)))
            made._spellings += [(spelling, name.id) for spelling in folded if spelling]
            for parent in name.parents:
                made._children.setdefault(parent, []).append(name.id)
        return made

    def subject(self, code: str) -> Subject | None:
        """What a button means; None when there is no such thing (any more)."""
        letter, _, id_ = code.partition(":")
        kind = LETTERS.get(letter)
        if kind is None or not id_:
            return None
        if kind in ("keyword", "document"):
            return Subject(kind, id_, f"“{id_}”" if kind == "keyword" else id_)
        name = self.names.get(id_)
        return self._subject(name) if name is not None and name.kind == kind else None

    def _subject(self, name: Name) -> Subject:
        return Subject(name.kind, name.id, self.called(name.id))

    def called(self, id_: str) -> str:
        """What a reader calls it; the id itself when it is unknown."""
        name = self.names.get(id_)
        if name is None:
            return id_
        return (name.name_en if self.language == "en" else "") or name.name

    def related(self, subject: Subject) -> tuple[list[Subject], list[Subject]]:
        """(wider, narrower): what holds it, and what it holds."""
        name = self.names.get(subject.id)
        if name is None or name.kind != subject.kind:
            return [], []
        wider = [self.names[p] for p in name.parents if p in self.names]
        narrower = [self.names[c] for c in self._children.get(name.id, ())]
        return [self._subject(n) for n in wider], [self._subject(n) for n in narrower]

    def favourites(self, frequent: Sequence[str], most: int) -> list[Subject]:
        """Initiatives to begin with: those most in the news, then the others, what holds others first."""
        known = [
            name
            for name in self.names.values()
            if name.kind == "initiative" and not name.now and len(self.called(name.id)) <= BUTTON
        ]
        place = {id_: n for n, id_ in enumerate(frequent)}
        last = len(place)
        known.sort(key=lambda name: (place.get(name.id, last), bool(name.parents), name.place))
        return [self._subject(name) for name in known[:most]]

    def standing(self, subject: Subject) -> list[Subject]:
        """Of what has ended: what took its place."""
        name = self.names.get(subject.id)
        return [self._subject(self.names[n]) for n in name.now if n in self.names] if name is not None else []

    def search(self, text: str) -> Found:
        """What may be meant, likeliest first."""
        wanted = _folded(text)
        if not wanted:
            return Found([], sure=False)
        ranked: dict[str, int] = {}
        words = wanted.split("-")
        for spelling, id_ in self._spellings:
            if (rank := _fit(spelling, wanted, words)) is not None:
                ranked[id_] = min(rank, ranked.get(id_, rank))
        best = sorted(ranked, key=ranked.__getitem__)  # stable: within a rank in the order of the names
        exact = [id_ for id_ in best if ranked[id_] == 0]
        ids = (exact or best or self._near(wanted))[:OFFERED]
        return Found([self._subject(self.names[i]) for i in ids], sure=len(exact) == 1)

    def _near(self, wanted: str) -> list[str]:
        """A slip of the finger: nearly as long, and nearly the same."""
        if len(wanted) < 4:
            return []
        about = [s for s, _ in self._spellings if abs(len(s) - len(wanted)) <= SLIP]
        close = difflib.get_close_matches(wanted, about, n=OFFERED, cutoff=0.8)
        return list(dict.fromkeys(id_ for spelling, id_ in self._spellings if spelling in close))


def _folded(text: str) -> str:
    return slug(normalise(text).plain)


def _fit(spelling: str, wanted: str, words: list[str]) -> int | None:
    """How well: the same, beginning so, all words, all words begun; None not at all."""
    if spelling == wanted:
        return 0
    if words[0] not in spelling:
        return None
    if spelling.startswith(wanted + "-"):
        return 1
    own = spelling.split("-")
    if all(word in own for word in words):
        return 2
    if len(wanted) > 2 and all(any(o.startswith(word) for o in own) for word in words):
        return 3
    return None


def free(text: str) -> Subject | None:
    """A document's number or a keyword, for what no name fits; None when it is too long for a button."""
    plain = " ".join(normalise(text).plain.split())
    if not plain or len(plain.encode()) > KEYWORD_BYTES:
        return None
    if _DOCUMENT.fullmatch(plain):
        return Subject("document", plain, plain)
    return Subject("keyword", plain, f"“{plain}”")
