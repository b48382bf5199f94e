"""What `tinsom taxonomy eval` prints: the kinds, the tags that go wrong most, the worst items."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table

from services.classifier.evaluate import KINDS, Report


def report(found: Report) -> RenderableType:
    kinds = Table("kind", "precision", "recall", "F1", "right", "wrong", "missed")
    for kind in KINDS:
        c = found.by_kind[kind]
        shares = (f"{c.precision:.3f}", f"{c.recall:.3f}", f"{c.f1:.3f}")
        kinds.add_row(kind, *shares, str(c.right), str(c.wrong), str(c.missed))
    tags = Table("kind", "tag", "right", "wrong", "missed", title="tags that go wrong most", title_justify="left")
    ranked = sorted(found.by_tag.items(), key=lambda pair: (-(pair[1].wrong + pair[1].missed), pair[0]))
    for (kind, tag), c in ranked[:15]:
        if c.wrong or c.missed:
            tags.add_row(kind, tag, str(c.right), str(c.wrong), str(c.missed))
    items = Table("item", "faults", title="worst items", title_justify="left")
    for item, count in found.worst():
        items.add_row(item, str(count))
    off = f"off items with a false primary tag: {len(found.off_primary)} of {found.off_items}"
    return Group(kinds, off, tags, items)
