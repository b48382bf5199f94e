"""The words of an order that stand in place of a date or soften one: khẩn trương, phấn đấu, dự kiến."""

from __future__ import annotations

import re

# The most pressing first: one is kept.
HEDGES = ("cấp bách", "khẩn trương", "ngay", "sớm", "đẩy nhanh", "kịp thời", "phấn đấu", "dự kiến", "mong muốn")
_HEDGES = tuple((word, re.compile(rf"(?<!\w){word}(?!\w)")) for word in HEDGES)


def hedge_of(sentence: str) -> str:
    """The hedge of a sentence in lower case, or nothing."""
    for word, pattern in _HEDGES:
        if word in sentence and pattern.search(sentence):
            return word
    return ""
