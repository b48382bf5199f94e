"""What forbids that two items carry the same announcement, however alike they are. Pure."""

from __future__ import annotations

from zlib import crc32

from services.classifier.story.traces import jaccard
from tinsom import messages as m

# A headline that repeats another with other figures is a series (a daily price, a numbered bulletin).
SERIES = 0.5
# Before a figure they say that it is rounded; they name nothing that is counted.
_ABOUT = frozenset(("hơn", "gần", "khoảng", "trên", "ngót"))


def differ(a: m.Trace, b: m.Trace) -> bool:
    """Other documents, session numbers or places, or another figure in a repeated headline."""
    if any(map(_disjoint, (a.documents, a.sessions, a.places), (b.documents, b.sessions, b.places))):
        return True
    numbers, others = set(a.numbers), set(b.numbers)
    if numbers <= others or others <= numbers or not _conflict(a.figures, b.figures):
        return False
    figures = {crc32(number.encode()) for number in numbers | others}
    return jaccard(a.title, b.title, without=figures) >= SERIES


def _conflict(a: list[str], b: list[str]) -> bool:
    """Other numbers of the same thing: 7 and 14 dead; not 100 hectares and 6 stars, nor `24,5` and `hơn 24`."""
    first, second = _counted(a), _counted(b)
    rounded = {number for number, what in map(_parts, (*a, *b)) if what[1:] in _ABOUT}
    return any(
        not any(x == y or ({x, y} & rounded and _near(x, y)) for x in first[what] for y in second[what])
        for what in first.keys() & second.keys()
    )


def _counted(figures: list[str]) -> dict[str, set[str]]:
    """What is counted → its numbers."""
    found: dict[str, set[str]] = {}
    for number, what in map(_parts, figures):
        if what[1:] not in _ABOUT:
            found.setdefault(what, set()).add(number)
    return found


def _parts(figure: str) -> tuple[str, str]:
    number, _, what = figure.partition(" ")
    return number, what


def _near(x: str, y: str) -> bool:
    """Within a tenth, by what stands before the first mark."""
    one, other = (int(number.partition("/")[0]) for number in (x, y))
    return abs(one - other) * 10 <= max(one, other)


def _disjoint(a: list[str], b: list[str]) -> bool:
    return bool(a and b) and not set(a) & set(b)
