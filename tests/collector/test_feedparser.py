"""Every well-formed file of the suites beside feedparser itself: entries, links and dates, differences by name."""

from __future__ import annotations

import calendar
import io
import json
import warnings
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import feedparser

from services.collector.reading import dates, documents
from services.collector.reading.entry import MAX_ENTRIES, Entry

BASE = "https://bao.example/f"
NOW = datetime(2026, 11, 25, tzinfo=UTC).timestamp()
HEADERS = {"content-location": BASE, "content-type": "application/xml"}


def link_difference(entry: Entry, theirs: str) -> str:
    """Nothing, the name of a difference that is meant, or `link`."""
    if entry.link.rstrip("/") == theirs.rstrip("/"):
        return ""
    if not theirs.lower().startswith(("http://", "https://")):
        # Taken for a link: what is the name of an entry, or an address that nobody can go to.
        return "no address" if not entry.link or theirs.strip().startswith("http") else "link"
    if entry.link == "".join(theirs.split()) or (not entry.link and " " in theirs):
        return "space in an address"
    return "back to the feed" if not entry.link and theirs == BASE else "link"


def date_difference(entry: Entry, theirs: Any) -> str:
    if not theirs:
        return ""
    found = dates.read(entry.date, now=NOW, timezone="UTC")
    at = calendar.timegm(theirs)
    if found.at is not None and abs(found.at.timestamp() - at) < 1:
        return ""
    if found.quality == "future" and at > NOW:
        return "in the future: now, and flagged"
    if found.quality == "missing":
        # The 32nd of July is not the 1st of August, nor is a zone 30 hours wide, nor 1806 a year of feeds.
        return "no date at all: missing, not guessed"
    if abs((found.at.timestamp() if found.at else 0) - at) <= 2:
        return "second 61"
    plain = entry.date.replace(":", "").upper()
    return "read better" if "PM" in plain or "T192030" in plain else "date"


def differences(body: bytes) -> Iterator[str] | None:
    """The names of what differs; None for a file that is not well-formed to feedparser."""
    theirs = feedparser.parse(io.BytesIO(body), response_headers=HEADERS, sanitize_html=False)
    return None if theirs.bozo else _of(documents.read(body, "application/xml", BASE).entries, theirs.entries)


def _of(ours: list[Entry], theirs: list[Any]) -> Iterator[str]:
    if len(ours) != min(len(theirs), MAX_ENTRIES):
        yield "count"
        return
    for entry, other in zip(ours, theirs, strict=False):
        yield link_difference(entry, other.get("link", ""))
        when = other.get("published_parsed") or other.get("updated_parsed") or other.get("created_parsed")
        yield date_difference(entry, when)


# HTML's base within an item is the item's own, we say; the feed's, says feedparser.
NAMED = {"rss-with-item-scoped-html-base.xml": "link"}


def test_entries_links_and_dates_are_feedparsers(private_data: Path) -> None:
    found: Counter[str] = Counter()
    unnamed: dict[str, set[str]] = {}
    files = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        for line in map(json.loads, (private_data / "feeds.jsonl").read_text("utf-8").splitlines()):
            if line["bozo"] or not line["items"]:
                continue
            path = private_data / line["path"]
            names = differences(path.read_bytes())
            if names is None:
                continue
            files += 1
            here = Counter(names)
            found += here
            wrong = {name for name in ("count", "link", "date") if here[name]} - {NAMED.get(path.name)}
            if wrong:
                unnamed[line["path"]] = wrong
    equal = found.pop("")
    print(f"\n{files} well-formed files with entries: {equal} links and dates equal; {dict(found)}")
    assert unnamed == {}
    assert equal > 50 * sum(found.values())
