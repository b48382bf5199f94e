"""Story assignment in items a second on one core, beside what an item costs anyhow: decoding its record."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta

from benchmarks.report import Figure
from services.classifier.story import stories
from services.classifier.story.shelf import Shelf
from tinsom import codec
from tinsom import messages as m

ITEMS, MEASURED, CHARACTERS = 5_000, 1_000, 4_000
AIM_A_SECOND = 1_000
NOW = datetime(2026, 10, 14, tzinfo=UTC)
VOCABULARY = 20_000  # so that about as many of a week's items are worth a look as of three real papers


def articles() -> list[m.Item]:
    """A week of three papers: words as unequal as in life, and one item in ten a copy of one before."""
    rng = random.Random(7)
    # Of letters: a text has few figures, and each of them is looked at.
    letters = [chr(ord("a") + number) for number in range(20)]
    words = [f"{a}{b}{c}{d}" for a in "bcdghklmnt" for b in letters for c in letters for d in letters[:5]]
    weights = [1 / (rank + 60) for rank in range(VOCABULARY)]
    found: list[m.Item] = []
    for number in range(ITEMS):
        drawn = " ".join(rng.choices(words, weights, k=45))
        text = " ".join(rng.choices(words, weights, k=CHARACTERS // 6))
        title, lede = drawn[:60], drawn[60:]
        if found and rng.random() < 0.1:
            copied = rng.choice(found[-200:])
            title, lede, text = copied.title, copied.lede, copied.text
        found.append(
            m.Item(
                id=str(number), publisher=f"p{number % 3}", source="s", url="", title=title, lede=lede, text=text,
                fetched_at=NOW + timedelta(minutes=2 * number),
            )
        )  # fmt: skip
    return found


async def run() -> list[Figure]:
    shelf, tags, items = Shelf(), m.Tags(id=""), articles()
    for item in items[:-MEASURED]:
        _assign(shelf, item, tags)
    encoded = [codec.to_bytes(item) for item in items[-MEASURED:]]
    began = time.process_time()
    decoded = [codec.from_bytes(value, m.Item) for value in encoded]
    floor = MEASURED / (time.process_time() - began)
    began = time.process_time()
    for item in decoded:
        _assign(shelf, item, tags)
    ours = MEASURED / (time.process_time() - began)
    return [
        Figure("stories, a week of 5,000 items known", ours, "items/s", AIM_A_SECOND, "aim", 1.0),
        Figure("stories, beside decoding", ours, "items/s", floor, "decoding"),
    ]


def _assign(shelf: Shelf, item: m.Item, tags: m.Tags) -> None:
    for story in stories.decide(shelf, item, tags).changed:
        shelf.put(story)
