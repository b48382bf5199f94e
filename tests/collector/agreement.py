"""Where two readers of the same document differ."""

from __future__ import annotations

from dataclasses import fields, replace

import msgspec

from services.collector.reading.entry import Document, Entry
from services.collector.reading.raw import safe_link


def differences(quick: Document, patient: Document, base: str) -> dict[str, object]:
    """Names of fields → both values; empty where the fast reader and feedparser mean the same."""
    if len(quick.entries) != len(patient.entries):
        return {"count": (len(quick.entries), len(patient.entries))}
    # Of the hours and days to skip feedparser keeps one: only the fast reader is asked for them.
    quick = replace(quick, wishes=msgspec.structs.replace(quick.wishes, skip_hours=(), skip_days=()))
    pairs: list[tuple[Document, Document] | tuple[Entry, Entry]] = [(quick, patient)]
    pairs += [(_excused(a, b, base), b) for a, b in zip(quick.entries, patient.entries, strict=True)]
    return {
        field.name: (getattr(a, field.name), getattr(b, field.name))
        for a, b in pairs
        for field in fields(a)
        if field.compare and field.name != "entries" and getattr(a, field.name) != getattr(b, field.name)
    }


def _excused(quick: Entry, patient: Entry, base: str) -> Entry:
    """Where the link is empty, the fast reader takes the guid that is one, and feedparser nothing."""
    taken = not patient.link and quick.link == safe_link(quick.guid, base)
    return replace(quick, link="") if taken else quick
