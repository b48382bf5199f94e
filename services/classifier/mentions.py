"""A mention: one place in the text that names an initiative, agency or place, and how much it weighs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from tinsom import messages as m

# What a head alone weighs where it stands for the last full name that has it.
ANAPHOR = 0.6


class Mention(msgspec.Struct, frozen=True, gc=False):
    """`factor` multiplies the weight of the segment; `weak` needs company, `implied` is a name in a name.

    A struct, because a tuple with names takes four times as long to make.
    """

    id: str
    start: int
    end: int
    rule: str
    factor: float = 1.0
    weak: bool = False
    implied: bool = False
    voice: str = ""  # of a body: what it does here (voices.Voice)

    @property
    def office(self) -> bool:
        return self.voice == "office"


class Found(msgspec.Struct, frozen=True, gc=False):
    """A document where it is named, and the initiative that it stands for, if any."""

    start: int
    end: int
    document: m.Document
    initiative: str


def grouped(mentions: Iterable[Mention]) -> dict[str, list[Mention]]:
    groups: defaultdict[str, list[Mention]] = defaultdict(list)
    for mention in mentions:
        groups[mention.id].append(mention)
    return groups
