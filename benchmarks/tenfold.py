"""A taxonomy ten times as large: nine copies of every row whose names go on otherwise, so that no more is found.

What is measured is what size costs: a larger automaton whose patterns begin as the real ones do, longer tables.
"""

from __future__ import annotations

from dataclasses import replace

from msgspec.structs import replace as changed

from services.classifier.taxonomy import Agency, Initiative, Names, Place, Taxonomy

COPIES = 9


def tenfold(taxonomy: Taxonomy) -> Taxonomy:
    initiatives, agencies, places = dict(taxonomy.initiatives), dict(taxonomy.agencies), dict(taxonomy.places)
    for number in range(1, COPIES + 1):
        for initiative in taxonomy.initiatives.values():
            copy = _initiative(initiative, number)
            initiatives[copy.id] = copy
        for agency in taxonomy.agencies.values():
            body = _agency(agency, number)
            agencies[body.id] = body
        for place in taxonomy.places.values():
            land = _place(place, number)
            places[land.id] = land
    return replace(taxonomy, initiatives=initiatives, agencies=agencies, places=places)


def _longer(words: list[str], number: int) -> list[str]:
    return [f"{word} hạng {number}x" for word in words]


def _named(names: Names, number: int) -> Names:
    return changed(names, vi=f"{names.vi} hạng {number}x")


def _initiative(row: Initiative, number: int) -> Initiative:
    return changed(
        row, id=f"{row.id}-{number}x", names=_named(row.names, number), parents=[], rules=[], bare=[],
        aliases=_longer(row.aliases, number), weak=_longer(row.weak, number), blocks=_longer(row.blocks, number),
        abbreviations=_longer(row.abbreviations, number),
    )  # fmt: skip


def _agency(row: Agency, number: int) -> Agency:
    return changed(
        row, id=f"{row.id}-{number}x", names=_named(row.names, number), parents=[], rules=[], bare=[], cores=[],
        aliases=_longer(row.aliases, number), blocks=_longer(row.blocks, number), implies=[], successors=[],
        abbreviations=_longer(row.abbreviations, number),
    )  # fmt: skip


def _place(row: Place, number: int) -> Place:
    return changed(
        row, id=f"{row.id}-{number}x", names=_named(row.names, number), blocks=_longer(row.blocks, number),
        aliases=_longer(row.aliases, number), abbreviations=_longer(row.abbreviations, number), merged_into="",
    )  # fmt: skip
