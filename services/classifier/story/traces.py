"""What is kept of an item so that later ones can be compared with it: hashes of its words, no words. Pure."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from zlib import crc32

from tinsom import messages as m
from tinsom.text import normalise

WIDTH = 4  # bytes of a hash
SKETCH = 64  # shingles kept of a text
_ODD = (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D)  # mix three words' hashes; the order of the words counts
READ_WORDS = 250  # of a text: what stands below is the paper's own background
FEW_WORDS = 40  # a shorter text says no more than its headline
_WORD = re.compile(r"[^\W\d]\w*|\d(?:[\d.,/:-]*\d)?")  # `7h` is a figure and its unit, as `17h` and `7 h` are
# They stand in every headline and tell none from another.
_PLAIN = frozenset(
    (
        "và", "của", "các", "với", "cho", "là", "tại", "trong", "được", "bị", "có", "từ", "đến", "ở", "về", "một",
        "những", "này", "khi", "sau", "trước", "vào", "để", "theo", "trên", "do", "cùng", "sẽ", "đã", "đang",
        "vừa", "mới", "không", "ra", "lên", "như", "hai",
    )
)  # fmt: skip


def trace(item: m.Item, tags: m.Tags) -> m.Trace:
    """What later items are compared with; about 800 bytes, no words."""
    title, lede = (
        _words(_unnamed(text, field, tags)) for field, text in (("title", item.title), ("lede", item.lede))
    )
    head = f"{item.title}\n{item.lede}"
    return m.Trace(
        at=item.fetched_at,
        publisher=item.publisher,
        title=_packed(w for w in title if w not in _PLAIN),
        words=_packed(w for w in (*title, *lede) if w not in _PLAIN),
        pairs=_paired(title, lede),
        body=_sketch(_words(item.text[: READ_WORDS * 8])[:READ_WORDS]),
        numbers=sorted({_number(word) for word in title if word[0].isdecimal()}),
        figures=_figures(title),
        documents=sorted({document.key for document in tags.documents if document.number in head}),
        places=sorted({place.id for place in tags.places if place.role == "primary"}),
        sessions=sorted({f"{e.type}/{e.body}/{e.number}" for e in tags.events if e.number is not None}),
        asks="?" in item.title,
        baseline=item.baseline,
    )


def _figures(words: list[str]) -> list[str]:
    """Each number of a headline with the word before and with the word behind: `7 người>`, `7 <khiến`."""
    found = set()
    for i, word in enumerate(words):
        if word[0].isdecimal():
            number = _number(word)
            found.add(f"{number} <{words[i - 1] if i else ''}")
            found.add(f"{number} >{words[i + 1] if i + 1 < len(words) else ''}")
    return sorted(found)


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
    return array("I", sorted({_hash(word) for word in words})).tobytes()


def _paired(*texts: list[str]) -> bytes:
    """All neighbours of which both say something."""
    found = set()
    for words in texts:
        each = [None if word in _PLAIN else _hash(word) for word in words]
        found |= {(a * _ODD[0] ^ b * _ODD[1]) & 0xFFFFFFFF for a, b in pairwise(each) if a and b}
    return array("I", sorted(found)).tobytes()


@lru_cache(maxsize=16_384)
def _hash(word: str) -> int:
    return crc32(_spelt(word).encode())


def _spelt(word: str) -> str:
    return _number(word) if word[0].isdecimal() else word.replace("tỉ", "tỷ")


def _sketch(words: list[str]) -> bytes:
    """The smallest hashes of all runs of three words: a fair sample, the same of the same text."""
    if len(words) < FEW_WORDS:
        return b""
    each = [crc32(word.encode()) for word in words]
    runs = zip(each, each[1:], each[2:], strict=False)
    shingles = {(a * _ODD[0] ^ b * _ODD[1] ^ c * _ODD[2]) & 0xFFFFFFFF for a, b, c in runs}
    return array("I", sorted(shingles)[:SKETCH]).tobytes()


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
