"""Events: sessions with their body and number, conferences, launches, signings, each with its date."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence

from services.classifier import dates
from services.classifier.hits import Hit
from services.classifier.mentions import Mention
from services.classifier.reading import Reading, Segment
from tinsom import messages as m

Words = Mapping[str, Sequence[Hit]]
_ORDINALS = {
    "nhất": 1, "một": 1, "hai": 2, "ba": 3, "tư": 4, "bốn": 4, "năm": 5, "sáu": 6, "bảy": 7, "tám": 8, "chín": 9,
    "mười": 10,
}  # fmt: skip
_NUMBER = re.compile(
    r"(?: toàn thể| thường kỳ)? (?:lần )?(?:thứ )?(\d{1,3}|" + "|".join(_ORDINALS) + r")(?![\w/])"
)
_TYPES = (
    ("launch", ("khai trương", "ra mắt", "lễ khai trương")),
    ("signing", ("lễ ký", "ký kết")),
    ("conference", ("hội nghị", "hội thảo", "diễn đàn")),
)
KINDS = ("session", *(kind for kind, _ in _TYPES))
BODY_REACH = 140
EVENT_CHARS = 1_500


def find(reading: Reading, words: Words, agencies: Sequence[Mention]) -> list[m.Event]:
    """Numbered sessions, else what the head of the text says is held; no event is the common answer."""
    sessions: dict[tuple[str | None, int], m.Event] = {}
    for hit in words.get("session", ()):
        if hit.start < min(reading.tail, EVENT_CHARS):
            number = _number(reading.lower, hit.end)
            if number is not None:
                body = _body(hit, agencies)
                if any(number == known for _, known in sessions):
                    continue  # told again, of another body's neighbour
                event = m.Event(type="session", body=body, number=number, date=_date(reading, hit.start))
                sessions.setdefault((body, number), event)
    if sessions:
        with_body = [event for (body, _), event in sessions.items() if body]
        return with_body or list(sessions.values())
    return _unnumbered(reading, words, agencies)


def _number(lower: str, end: int) -> int | None:
    match = _NUMBER.match(lower, end)
    if match is None:
        return None
    return int(match[1]) if match[1].isdigit() else _ORDINALS[match[1]]


def _body(hit: Hit, agencies: Sequence[Mention]) -> str | None:
    """The nearest behind, else before; `agencies` in order."""
    for mention in _within(agencies, hit.end, hit.end + BODY_REACH):
        if not _is_person(mention):
            return mention.id
    for mention in reversed(_within(agencies, hit.start - BODY_REACH, hit.start)):
        if not _is_person(mention):
            return mention.id
    return None


def _within(agencies: Sequence[Mention], start: int, end: int) -> Sequence[Mention]:
    return agencies[bisect_left(agencies, start, key=_start) : bisect_left(agencies, end, key=_start)]


def _is_person(mention: Mention) -> bool:
    return mention.id in ("thu-tuong", "pho-thu-tuong", "chu-tich-nuoc", "bo-chinh-tri", "chinh-phu")


def _date(reading: Reading, position: int) -> str | None:
    """The date of the sentence that tells of it, else the first of the head; a year left out is the nearest."""
    for start, end in (reading.sentence(position), (reading.title_end, min(reading.lede_end + 400, reading.tail))):
        found = [
            when
            for when in dates.find(reading.lower, start, end, reading.day, past=True)
            if when.precision == "day"
        ]
        if found:
            return found[0].day.isoformat()
    return None


def _start(place: Hit | Mention) -> int:
    return place.start


def _unnumbered(reading: Reading, words: Words, agencies: Sequence[Mention]) -> list[m.Event]:
    first = agencies[0].id if agencies and agencies[0].start < reading.lede_end else None
    undated: set[int] = set()
    for hit in sorted([*words.get("event", ()), *words.get("session", ())], key=_start):
        if hit.start >= reading.lede_end:
            break
        if reading.segment(hit.start) not in (Segment.TITLE, Segment.LEDE):
            continue
        body = _body(hit, agencies) or first
        if body is None or (sentence := reading.sentence_start(hit.start)) in undated:
            continue
        date = _date(reading, hit.start)
        if date is not None:
            word = reading.lower[hit.start : hit.end]
            kind = next((kind for kind, words in _TYPES if word in words), "session")
            return [m.Event(type=kind, body=body, number=None, date=date)]
        undated.add(sentence)
    return []
