"""The word lists of the taxonomy, compiled once for the reader of bodies and places."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.classifier.patterns import body_names
from services.classifier.taxonomy import Taxonomy
from tinsom.text import tone_variants


@dataclass
class Lexicon:
    """Compiled once from the taxonomy: cores for lists, offices, and the words of private names."""

    taxonomy: Taxonomy
    ministry: re.Pattern[str]
    ministry_ids: dict[str, list[str]]
    department: re.Pattern[str]
    department_ids: dict[str, str]
    offices: tuple[str, ...]
    private: tuple[str, ...]
    acts: tuple[str, ...]
    venues: tuple[str, ...]
    ordered: tuple[str, ...]
    surnames: frozenset[str]
    sports: tuple[str, ...]
    organisations: re.Pattern[str]
    organisation_words: tuple[str, ...]  # without one of these, `organisations` finds nothing
    foreign: re.Pattern[str]
    foreign_begins: frozenset[str]  # what stands behind the space that `foreign` begins with
    abroad: tuple[str, ...]  # the same names as words of a line

    @classmethod
    def of(cls, taxonomy: Taxonomy) -> Lexicon:
        ministry_ids: dict[str, list[str]] = {}
        for agency in taxonomy.agencies.values():
            for core in agency.cores:
                for variant in (v for plain in body_names(core.lower()) for v in tone_variants(plain)):
                    ministry_ids.setdefault(variant, []).append(agency.id)
        departments = {
            variant: core
            for local in taxonomy.local.values()
            for core, spellings in local.cores.items()
            for spelling in spellings
            for plain in body_names(spelling.lower())
            for variant in tone_variants(plain)
        }
        return cls(
            taxonomy,
            _any_of(ministry_ids),
            ministry_ids,
            _any_of(departments),
            departments,
            _endings(taxonomy.context.offices),
            tuple(taxonomy.context.private_heads),
            tuple(taxonomy.context.acts),
            tuple(taxonomy.context.venues),
            tuple(taxonomy.context.ordered),
            frozenset(taxonomy.context.surnames),
            tuple(taxonomy.context.sports),
            re.compile(rf"(?:^|\s)(?:{'|'.join(taxonomy.context.organisations) or chr(0)})(?:\s\S+){{1,6}}$"),
            _plain(taxonomy.context.organisations),
            re.compile(rf"\s(?:của\s)?(?:{'|'.join(taxonomy.context.foreign) or chr(0)})(?!\w)"),
            frozenset(["c", *(name[:1] for name in taxonomy.context.foreign)]),
            tuple(f" {name} " for name in taxonomy.context.foreign),
        )


def _endings(words: Sequence[str]) -> tuple[str, ...]:
    """The words without those that end with another: "phó chủ tịch" with "chủ tịch"."""
    return tuple(word for word in words if not any(word != other and word.endswith(other) for other in words))


def _plain(words: Sequence[str]) -> tuple[str, ...]:
    """The words, unless one is a pattern: then the empty word, which is in any text."""
    return tuple(words) if all(word.replace(" ", "").isalpha() for word in words) else ("",)


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    longest_first = sorted(words, key=len, reverse=True) or ["\0"]
    return re.compile("(" + "|".join(map(re.escape, longest_first)) + r")(?!\w)")
