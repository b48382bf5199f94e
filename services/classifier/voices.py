"""What a body does where it is named: it acts, is told to, helps, owns, or lends its name to a person's office.

Bodies joined by commas and "và" stand in one place of the sentence: the first one's left and the last one's right
neighbour speak for all ("yêu cầu các Bộ: Xây dựng, Tài nguyên và Môi trường … cần").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum

from services.classifier.mentions import Mention
from services.classifier.reading import Reading


class Voice(StrEnum):
    ACTS = "acts"
    TOLD = "told"
    PLAIN = "plain"
    HELPS = "helps"
    OWNS = "owns"
    OFFICE = "office"
    VENUE = "venue"


FACTORS = {
    Voice.ACTS: 1.5,
    Voice.TOLD: 1.5,
    Voice.PLAIN: 1.0,
    Voice.HELPS: 0.7,
    Voice.OWNS: 0.6,
    Voice.OFFICE: 0.3,
    Voice.VENUE: 0.2,
}
_CHAIN = re.compile(r"[\s,;()-]*(?:và|cùng|cùng với)?[\s(]*(?:bộ|các bộ)?\s?$")
_HELPS = ("với", "cùng", "cùng với", "phối hợp", "phối hợp với", "và các")
_OWNS = ("của", "do", "thuộc", "tại", "từ", "trực thuộc", "ở", "bởi", "trên")
_VENUES = ("tại", "đến", "tới", "từ trụ sở")
_REACH = 48


def hear(
    reading: Reading,
    mentions: Sequence[Mention],
    offices: tuple[str, ...],
    acts: tuple[str, ...],
    told: tuple[str, ...],
) -> list[Mention]:
    """The mentions in order, each with its voice and the factor that goes with it."""
    heard: list[Mention] = []
    for chain in _chains(reading, mentions):
        voice = _voice(reading, chain[0].start, chain[-1].end, acts, told)
        for mention in chain:
            own = _own_voice(reading, mention, offices) or voice
            heard.append(mention._replace(factor=mention.factor * FACTORS[own], voice=own.value))
    return heard


def _chains(reading: Reading, mentions: Sequence[Mention]) -> Iterator[list[Mention]]:
    chain: list[Mention] = []
    for mention in mentions:
        if chain and not _CHAIN.fullmatch(reading.lower[chain[-1].end : mention.start]):
            yield chain
            chain = []
        chain.append(mention)
    if chain:
        yield chain


def _own_voice(reading: Reading, mention: Mention, offices: tuple[str, ...]) -> Voice | None:
    """An office is one body's own, also within a list of attendants; a steering body speaks by its head."""
    before = reading.lower[max(0, mention.start - 40) : mention.start].rstrip()
    if not mention.id.startswith(("ubqg", "bcd-", "to-cong-tac")) and before.endswith(offices):
        return Voice.OFFICE
    return None


def _voice(reading: Reading, start: int, end: int, acts: tuple[str, ...], told: tuple[str, ...]) -> Voice:
    lower = reading.lower
    before = lower[max(0, start - _REACH) : start].rstrip(" :(\"'").removesuffix("các").rstrip()
    after = lower[end : end + 30].lstrip(" ,)\"'")
    if before.endswith(told):
        return Voice.TOLD
    if before.endswith(_HELPS):
        return Voice.HELPS
    if after.startswith(acts):
        return Voice.OWNS if before.endswith(("của", "thuộc")) else Voice.ACTS
    if before.endswith(_VENUES) and not _begins(reading, start):
        return Voice.VENUE if before.endswith("tại") else Voice.PLAIN
    if before.endswith(_OWNS):
        return Voice.OWNS
    return Voice.ACTS if _begins(reading, start) else Voice.PLAIN


def _begins(reading: Reading, start: int) -> bool:
    """Is it the subject: at the start of its sentence, or after an opening of a few words and a comma?"""
    opening = reading.lower[reading.sentence(start)[0] : start].strip(" -+•*\"'")
    return (
        len(opening) <= 3
        or (opening.endswith(",") and len(opening) < 60)
        or opening in ("theo", "riêng", "về phía")
    )
