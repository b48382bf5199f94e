"""What `tinsom taxonomy eval` shows: kinds, tags that go wrong most, what is taken for what, the worst items."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from services.classifier.workbench.evaluate import Count, Report

SHOWN = 15
_SHARES = ("precision", "recall", "F1", "right", "wrong", "missed")


class Section(NamedTuple):
    title: str
    columns: Sequence[str]
    rows: list[Sequence[object]]


def report(found: Report, *, everything: bool = False) -> list[Section]:
    """Of tags only the worst, unless `everything` is wanted."""
    most = None if everything else SHOWN
    ranked = sorted(found.by_tag.items(), key=lambda pair: (-(pair[1].wrong + pair[1].missed), pair[0]))
    tags = [(*key, *_shares(c)) for key, c in ranked if everything or c.wrong or c.missed]
    confusions = [(*key, count) for key, count in found.confusions.most_common(most)]
    return [
        Section("kinds", ("kind", *_SHARES), [(kind, *_shares(c)) for kind, c in found.by_kind.items()]),
        Section("tags that go wrong most", ("kind", "tag", *_SHARES), list(tags[:most])),
        Section("taken for another", ("kind", "missed", "found instead", "items"), list(confusions)),
        Section("worst items", ("item", "faults", "what"), list(_worst(found))),
    ]


def _shares(count: Count) -> tuple[object, ...]:
    """A share of nothing is no score: of a kind that nobody labelled and no rule found, a dash."""
    found, wanted = count.right + count.wrong, count.right + count.missed
    shares = ((count.precision, found), (count.recall, wanted), (count.f1, found + wanted))
    return (*(f"{share:.3f}" if of else "–" for share, of in shares), count.right, count.wrong, count.missed)


def _worst(found: Report) -> Iterator[Sequence[object]]:
    for item, count in found.worst():
        faults = [f"{word} {kind}:{tag}" for where, kind, tag, word in found.faults if where == item]
        yield item, count, ", ".join(faults[:6]) + (" …" if faults[6:] else "")


def off(found: Report) -> str:
    """The line about items that are about something else; nothing where none is labelled so."""
    if not found.off_items:
        return ""
    return f"off items with a false primary tag: {len(found.off_primary)} of {found.off_items}"
