"""Whether two items carry the same announcement: what is kept of each, what forbids it, how alike they are. Pure.

The measure was fitted on pairs of real items judged by reading (docs/decisions/0033-likeness.md): the words they
share, how much of each headline the other says, and the hours between them. Two papers that report the same thing
do so within hours and in words of their own; a follow-up uses the same words days later.
"""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import lru_cache
from zlib import crc32

from tinsom import messages as m
from tinsom.text import normalise

SKETCH = 64  # shingles kept of a text
_ODD = (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D)  # mix three words' hashes; the order of the words counts
READ_WORDS = 250  # of a text: what stands below is the paper's own background
FEW_WORDS = 40  # a shorter text says no more than its headline
_WORD = re.compile(r"\d[\d.,/:-]*\d|\w+")
# They stand in every headline and tell none from another.
_PLAIN = frozenset(
    (
        "và", "của", "các", "với", "cho", "là", "tại", "trong", "được", "bị", "có", "từ", "đến", "ở", "về", "một",
        "những", "này", "khi", "sau", "trước", "vào", "để", "theo", "trên", "do", "cùng", "sẽ", "đã", "đang",
        "vừa", "mới", "không", "ra", "lên", "như", "hai",
    )
)  # fmt: skip
# 0 is the boundary. HEADLINE: how much of one headline the other item says anywhere, the more and the less.
# ALIKE: beyond half of all words in common the same publisher has only found a better headline. RARE: words that
# both headlines have and few others. LATE: for hours beyond a day, when most report what came of it.
TITLE, WORDS, SHARED, ALIKE, RARE, BODY = 1.1, 2.0, 2.8, 4.0, 3.4, 10.0
HEADLINE = (3.8, 2.0)
HOURS, LATE, SAME_PUBLISHER, BASE = -0.67, -1.87, -2.4, -6.65
WIDTH = 4  # bytes of a hash
MANY = 20  # words in common; more prove no more
# The least likeness to a story's first item; of pairs below nobody asks how far.
DRIFT = -1.0
# A headline that repeats another with other figures is a series (a daily price, a numbered bulletin).
SERIES = 0.5


def trace(item: m.Item, tags: m.Tags) -> m.Trace:
    """What later items are compared with; about 600 bytes, no words."""
    title, lede = (
        _words(_unnamed(text, field, tags)) for field, text in (("title", item.title), ("lede", item.lede))
    )
    head = f"{item.title}\n{item.lede}"
    return m.Trace(
        at=item.fetched_at,
        publisher=item.publisher,
        title=_packed(w for w in title if w not in _PLAIN),
        words=_packed(w for w in (*title, *lede) if w not in _PLAIN),
        body=_sketch(_words(item.text[: READ_WORDS * 8])[:READ_WORDS]),
        numbers=sorted({_number(word) for word in title if word[0].isdigit()}),
        figures=_figures(title),
        documents=sorted({document.key for document in tags.documents if document.number in head}),
        places=sorted({place.id for place in tags.places if place.role == "primary"}),
        sessions=sorted({f"{e.type}/{e.body}/{e.number}" for e in tags.events if e.number is not None}),
        baseline=item.baseline,
    )


def likeness(a: m.Trace, b: m.Trace, rare: Mapping[int, float]) -> float:
    """0 and more: as alike as two reports of one announcement; `differ` may still say that they are not.

    Exact down to `DRIFT`; less than that is only less. `rare` are the rare words of one headline of the two.
    """
    points = BASE + _apart(a.at - b.at) + (SAME_PUBLISHER if a.publisher == b.publisher else 0.0)
    first, second = hashes(a.words), hashes(b.words)
    shared = len(first & second)
    words = shared / max(1, len(first) + len(second) - shared)
    points += SHARED * min(shared, MANY) / MANY + WORDS * words + ALIKE * max(0.0, words - 0.5)
    points += BODY * overlap(a.body, b.body) if a.body and b.body else 0.0
    # What one headline shares is shared by the whole: most pairs end here.
    share = min(1.0, shared * WIDTH / max(WIDTH, min(len(a.title), len(b.title))))
    most = (TITLE + sum(HEADLINE)) * share + (RARE * min(1.0, shared / 2) if rare else 0.0)
    if points + most < DRIFT:
        return points + most
    less, more = sorted((_said(a.title, second), _said(b.title, first)))
    points += TITLE * jaccard(a.title, b.title) + HEADLINE[0] * more + HEADLINE[1] * less
    if rare:
        both = hashes(a.title) & hashes(b.title)
        points += RARE * min(1.0, sum(score for word, score in rare.items() if word in both))
    return points


def _apart(time: timedelta) -> float:
    hours = math.log1p(abs(time.total_seconds()) / 3600)
    return HOURS * hours + LATE * max(0.0, hours - math.log1p(24))


def in_common(a: m.Trace, b: m.Trace) -> float:
    """The share of words that both have, and of runs of the text: which of many are worth comparing."""
    return jaccard(a.words, b.words) + jaccard(a.body, b.body)


def _said(title: bytes, words: frozenset[int]) -> float:
    """How much of a headline another item says, headline or lede."""
    own = hashes(title)
    return len(own & words) / max(1, len(own))


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
    """Other numbers of the same thing: 7 and 14 dead; 100 hectares and 6 stars go together."""
    counted = [dict.fromkeys(figure.partition(" ")[2] for figure in figures) for figures in (a, b)]
    return any(
        not {f for f in a if f.partition(" ")[2] == what} & {f for f in b if f.partition(" ")[2] == what}
        for what in counted[0].keys() & counted[1].keys()
    )


def _figures(words: list[str]) -> list[str]:
    """Each number of a headline with the word before and with the word behind: `7 người>`, `7 <khiến`."""
    found = set()
    for i, word in enumerate(words):
        if word[0].isdigit():
            number = _number(word)
            found.add(f"{number} <{words[i - 1] if i else ''}")
            found.add(f"{number} >{words[i + 1] if i + 1 < len(words) else ''}")
    return sorted(found)


def _disjoint(a: list[str], b: list[str]) -> bool:
    return bool(a and b) and not set(a) & set(b)


def jaccard(a: bytes, b: bytes, without: Iterable[int] = ()) -> float:
    first, second = hashes(a), hashes(b)
    if without:
        first, second = first.difference(without), second.difference(without)
    return len(first & second) / max(1, len(first | second))


def overlap(a: bytes, b: bytes) -> float:
    """Jaccard similarity of two texts from their sketches: the share that is common among the smallest hashes."""
    first, second = hashes(a), hashes(b)
    if first.isdisjoint(second):
        return 0.0
    smallest = sorted(first | second)[:SKETCH]
    return sum(shingle in first and shingle in second for shingle in smallest) / len(smallest)


@lru_cache(maxsize=8_192)
def hashes(packed: bytes) -> frozenset[int]:
    """Unpacked once for many comparisons: what came lately is what comes next."""
    return frozenset(array("I", packed))


def _unnamed(text: str, field: str, tags: m.Tags) -> str:
    """Without the names of initiatives: all that is written of one shares them, so they prove nothing."""
    for tag in tags.initiatives:
        for found in tag.evidence:
            if found.field == field:
                text = text[: found.start] + " " * (found.end - found.start) + text[found.end :]
    return text


def _words(text: str) -> list[str]:
    return _WORD.findall(normalise(text).lower)


def _number(word: str) -> str:
    """`08.5`, `8/5` and `8-5` are one date or figure."""
    return "/".join(part.lstrip("0") or "0" for part in re.split(r"[.,/:-]", word))


def _packed(words: Iterable[str]) -> bytes:
    return array("I", sorted({crc32(_spelt(word).encode()) for word in words})).tobytes()


def _spelt(word: str) -> str:
    return _number(word) if word[0].isdigit() else word.replace("tỉ", "tỷ")


def _sketch(words: list[str]) -> bytes:
    """The smallest hashes of all runs of three words: a fair sample, the same of the same text."""
    if len(words) < FEW_WORDS:
        return b""
    each = [crc32(word.encode()) for word in words]
    runs = zip(each, each[1:], each[2:], strict=False)
    shingles = {(a * _ODD[0] ^ b * _ODD[1] ^ c * _ODD[2]) & 0xFFFFFFFF for a, b, c in runs}
    return array("I", sorted(shingles)[:SKETCH]).tobytes()
