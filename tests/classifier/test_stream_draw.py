"""300 items drawn from the stream of three papers; every primary tag was judged by reading title and summary.

`data/stream_judged.jsonl` holds what was judged right. A primary tag that is not in it counts as false, so that
whoever changes the tagger judges what is new.
"""

from __future__ import annotations

import gzip
import json
import random
from datetime import datetime
from functools import cache
from pathlib import Path

from tests.classifier.private import FOLDER, needs_private_data, tagger
from tinsom import messages as m

SEED, DRAWN, MOST_FALSE = 20261201, 300, 3
JUDGED = Path(__file__).parent / "data" / "stream_judged.jsonl"


@cache
def drawn() -> list[m.Item]:
    with gzip.open(FOLDER / "stream" / "first_seen.jsonl.gz", "rt", encoding="utf-8") as lines:
        every = lines.readlines()
    chosen = random.Random(SEED).sample(range(len(every)), DRAWN)
    return [_item(json.loads(every[i])) for i in sorted(chosen)]


def _item(row: dict[str, str]) -> m.Item:
    seen = datetime.fromisoformat(row["first_seen"])
    return m.Item(
        id=row["id"], publisher="p", source=row["source"], url=row["link"], title=row["title"],
        lede=row["summary"] or "", fetched_at=seen, published_at=seen,
    )  # fmt: skip


@needs_private_data
def test_at_most_three_of_three_hundred_have_a_false_primary_tag() -> None:
    right = {row["id"]: set(row["right"]) for row in map(json.loads, JUDGED.read_text("utf-8").splitlines())}
    false: dict[str, set[str]] = {}
    for item in drawn():
        tags = tagger().tag(item)
        primary = {tag.id for tag in (*tags.initiatives, *tags.agencies) if tag.role == "primary"}
        if unjudged := primary - right.get(item.id, set()):
            false[item.id] = unjudged
    assert len(false) <= MOST_FALSE, false
