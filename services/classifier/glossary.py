"""What an item itself says about its names: abbreviations that it introduces, and bare heads.

"Ngân hàng Chính sách xã hội (NHCS)" teaches NHCS for the rest of the item; "Công ty Giống cây trồng (SSC)" takes
SSC away from the body that the taxonomy knows under it. A bare "Ủy ban" means the last one named in full.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from services.classifier.hits import Hit, Lanes
from services.classifier.mentions import ANAPHOR
from services.classifier.patterns import Case, Entry, Kind
from services.classifier.reading import Reading

_INTRODUCED = re.compile(r"\s?\((?:gọi tắt là |viết tắt là |sau đây gọi là )?\"?([A-ZĐ][\w&Đđ.-]{1,14})\"?\)")
# Looked up once: an enum's member costs ten times a name.
_BARE = Kind.BARE
_NAMED = (Kind.INITIATIVE, Kind.AGENCY)
_TAUGHT_BY = 80
# Each costs a look through the text; a list of a thousand would cost its square.
MAX_LEARNT = 50


def apply(reading: Reading, lanes: Lanes, organisations: re.Pattern[str], acts: tuple[str, ...]) -> Sequence[Hit]:
    """The names as this item's own words make them, in order."""
    kept: Sequence[Hit] = lanes.names
    if "(" in reading.plain:
        kept = _without_redefined(reading, kept, organisations)
        learnt = [*_learnt(reading, kept)]
        kept = sorted([*kept, *learnt], key=_start) if learnt else kept
    return _resolved(reading, kept, acts) if lanes.bare else kept


def _start(hit: Hit) -> int:
    return hit.start


def _without_redefined(reading: Reading, hits: Sequence[Hit], organisations: re.Pattern[str]) -> Sequence[Hit]:
    foreign = {
        reading.plain[hit.start : hit.end]
        for hit in hits
        if reading.plain[hit.start - 1] == "("
        and reading.plain[hit.end] == ")"
        and _is_abbreviation(hit)
        and _follows_an_organisation(reading, hit.start - 1, organisations)
    }
    if not foreign:
        return hits
    return [h for h in hits if not (_is_abbreviation(h) and reading.plain[h.start : h.end] in foreign)]


def _is_abbreviation(hit: Hit) -> bool:
    return hit.entries[0].rule.endswith("/abbreviation")


def _follows_an_organisation(reading: Reading, at: int, organisations: re.Pattern[str]) -> bool:
    before = reading.lower[max(0, at - _TAUGHT_BY) : at].rstrip()
    return organisations.search(re.split(r"[,.;:]", before)[-1]) is not None


def _learnt(reading: Reading, hits: Sequence[Hit]) -> Iterator[Hit]:
    plain = reading.plain
    taken = {hit.start for hit in hits}
    learnt = 0
    for hit in hits:
        opening = plain[hit.end] == "(" or (plain[hit.end + 1] == "(" and plain[hit.end].isspace())
        if not opening or hit.entries[0].kind not in _NAMED:
            continue
        taught = _INTRODUCED.match(plain, hit.end)
        if taught is None or taught.start(1) in taken:
            continue
        if (learnt := learnt + 1) > MAX_LEARNT:
            return
        yield from _occurrences(reading, taught[1], taught.end(), hit.entries[0], taken)


def _occurrences(reading: Reading, word: str, start: int, entry: Entry, taken: set[int]) -> Iterator[Hit]:
    plain = reading.plain
    learnt = (Entry(entry.kind, entry.id, f"{entry.id}/learnt", Case.EXACT, word, entry.weak),)
    at = plain.find(word, start)
    while at != -1:
        end = at + len(word)
        if not (plain[at - 1].isalnum() or plain[end].isalnum()) and at not in taken:
            taken.add(at)
            yield Hit(at, end, learnt)
        at = plain.find(word, end)


def _resolved(reading: Reading, hits: Sequence[Hit], acts: tuple[str, ...]) -> list[Hit]:
    """A bare head stands for the last full name that has it, where it acts or ends a phrase."""
    last: dict[str, None] = {}
    resolved: list[Hit] = []
    for hit in hits:
        bare = [entry for entry in hit.entries if entry.kind is _BARE]
        if not bare:
            for entry in hit.entries:
                if entry.kind in _NAMED:
                    last.pop(entry.id, None)
                    last[entry.id] = None
            resolved.append(hit)
            continue
        meant = next((tag for tag in reversed(last) if any(entry.id == tag for entry in bare)), "")
        if meant and _stands_alone(reading, hit, acts):
            entry = next(entry for entry in bare if entry.id == meant)
            kind = Kind.AGENCY if entry.exact == "agency" else Kind.INITIATIVE
            resolved.append(Hit(hit.start, hit.end, (Entry(kind, meant, f"{meant}/anaphor", factor=ANAPHOR),)))
    return resolved


def _stands_alone(reading: Reading, hit: Hit, acts: tuple[str, ...]) -> bool:
    after = reading.lower[hit.end : hit.end + 24]
    return after[:1] in ".,;:)" or after.lstrip().startswith(
        (*acts, "được", "là", "và các", "và ban", "có", "này")
    )
