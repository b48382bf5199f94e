"""What a body does where it is named: it acts, is told to, helps, owns, or lends its name to a person's office.

Bodies joined by commas and "và" stand in one place of the sentence: the first one's left and the last one's right
neighbour speak for all ("yêu cầu các Bộ: Xây dựng, Tài nguyên và Môi trường … cần").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from services.classifier.mentions import Mention
from services.classifier.reading import Reading

# Plain strings: an enum's members are slow keys.
Voice = Literal["acts", "told", "plain", "helps", "owns", "office", "venue"]
FACTORS: dict[Voice, float] = {
    "acts": 1.5,
    "told": 1.5,
    "plain": 1.0,
    "helps": 0.7,
    "owns": 0.6,
    "office": 0.3,
    "venue": 0.2,
}
_CHAIN = re.compile(r"[\s,;()-]*(?:và|cùng|cùng với)?[\s(]*(?:bộ|các bộ)?\s?$")
_OTHER_SPACES = "".join(c for c in map(chr, range(0x3001)) if c.isspace() and c != " ")
_CHAIN_CHARS = frozenset(" ,;()-vcb" + _OTHER_SPACES)
_MINISTER = ("bộ trưởng ", "thứ trưởng ")
_BY_ITS_HEAD = ("ubqg", "bcd-", "to-cong-tac")
_HELPS = ("với", "cùng", "cùng với", "phối hợp", "phối hợp với", "và các")
_OWNS = ("của", "do", "thuộc", "tại", "từ", "trực thuộc", "ở", "bởi", "trên")
_VENUES = ("tại", "đến", "tới", "từ trụ sở")
_REACH = 48
# Longer ones are no openings, however much of them is dashes: a look costs the same in a text without sentences.
_OPENING = 400


def hear(
    reading: Reading,
    mentions: Sequence[Mention],
    offices: tuple[str, ...],
    acts: tuple[str, ...],
    told: tuple[str, ...],
) -> list[Mention]:
    """The mentions in order, each with its voice and the factor that goes with it."""
    heard: list[Mention] = []
    lower = reading.lower
    for chain in _chains(reading, mentions):
        voice: Voice | None = None
        for m in chain:
            before = lower[m.start - _REACH if m.start > _REACH else 0 : m.start].rstrip()
            if voice is None:  # of the first, which speaks for all
                voice = _voice(reading, before, m.start, chain[-1].end, acts, told)
            own: Voice = "office" if _is_an_office(lower, before, m, offices) else voice
            heard.append(Mention(m.id, m.start, m.end, m.rule, m.factor * FACTORS[own], m.weak, m.implied, own))
    return heard


def _chains(reading: Reading, mentions: Sequence[Mention]) -> Iterator[list[Mention]]:
    chain: list[Mention] = []
    for mention in mentions:
        if chain and not _joined(reading.lower, chain[-1].end, mention.start):
            yield chain
            chain = []
        chain.append(mention)
    if chain:
        yield chain


def _joined(lower: str, end: int, start: int) -> bool:
    if start <= end:
        return True
    # Two looks spare the pattern nearly always: most neighbours are no members of one list.
    if lower[end] not in _CHAIN_CHARS or (start > end + 1 and lower[end + 1] not in _CHAIN_CHARS):
        return False
    return _CHAIN.fullmatch(lower, end, start) is not None


def _is_an_office(lower: str, before: str, mention: Mention, offices: tuple[str, ...]) -> bool:
    """An office is one body's own, also within a list of attendants; a steering body speaks by its head."""
    if lower.startswith(_MINISTER, mention.start):
        return True  # a minister by his own name, or by what he is minister of
    return before.endswith(offices) and not mention.id.startswith(_BY_ITS_HEAD)


def _voice(
    reading: Reading, before: str, start: int, end: int, acts: tuple[str, ...], told: tuple[str, ...]
) -> Voice:
    before = before.rstrip(" :(\"'").removesuffix("các bộ").removesuffix("các").rstrip()
    if before.endswith(told):
        return "told"
    if before.endswith(_HELPS):
        return "helps"
    after = reading.lower[end : end + 30].lstrip(" ,)\"'")
    if after.startswith(acts):
        return "owns" if before.endswith(("của", "thuộc")) else "acts"
    if before.endswith(_VENUES) and not _begins(reading, start):
        return "venue" if before.endswith("tại") else "plain"
    if before.endswith(_OWNS):
        return "owns"
    return "acts" if _begins(reading, start) else "plain"


def _begins(reading: Reading, start: int) -> bool:
    """Is it the subject: at the start of its sentence, or after an opening of a few words and a comma?"""
    first = reading.sentence_start(start)
    if start - first > _OPENING:
        return False
    opening = reading.lower[first:start].strip(" -+•*\"'")
    return (
        len(opening) <= 3
        or (opening.endswith(",") and len(opening) < 60)
        or opening in ("theo", "riêng", "về phía")
    )
