"""Ids → names that a person reads, and the words in which a reason is told. Pure.

The taxonomy belongs to the classifier; its names travel inside the tags (`Tag.name`), so the alerter needs no
file of it. An id without a name stands for itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from services.alerter.matching import Hit
from tinsom.messages import Place, Tag, Tags

SHOWN = 8  # names in one line; more are counted


def names_of(tags: Tags, known: Mapping[str, str] | None = None) -> dict[str, str]:
    """Id → name from the item's own tags, over what is `known` from elsewhere."""
    found = dict(known or {})
    tagged: Iterable[Tag | Place] = (*tags.initiatives, *tags.agencies, *tags.places)
    for tag in tagged:
        if tag.name is not msgspec.UNSET and tag.name:
            found[tag.id] = tag.name
    return found


_FIELDS = {
    "vi": {
        "initiative": "{} (sáng kiến)",
        "agency": "{} (cơ quan)",
        "place": "{} (địa phương)",
        "document": "văn bản {}",
        "keyword": "từ khóa “{}”",
        "source": "nguồn {}",
        "event": "sự kiện {}",
        "deadline": "hạn {}",
        "burst": "tin dồn dập về {}",
        "silence": "sự im lặng của {}",
    },
    "en": {
        "initiative": "{} (initiative)",
        "agency": "{} (agency)",
        "place": "{} (place)",
        "document": "document {}",
        "keyword": "keyword “{}”",
        "source": "source {}",
        "event": "event {}",
        "deadline": "due {}",
        "burst": "bursts of {}",
        "silence": "silences of {}",
    },
}
_OPENING = {"vi": "Bạn theo dõi: ", "en": "You follow: "}
_MORE = {"vi": " và {} mục khác", "en": " and {} more"}


def reason(hits: Iterable[Hit], names: Mapping[str, str], language: str) -> str:
    """Why this reader gets it, in one line: every thing that matched, once."""
    words = _FIELDS[language]
    told = list(dict.fromkeys(words[hit.field].format(names.get(hit.id, hit.id)) for hit in hits))
    more = _MORE[language].format(len(told) - SHOWN) if len(told) > SHOWN else ""
    return _OPENING[language] + ", ".join(told[:SHOWN]) + more
