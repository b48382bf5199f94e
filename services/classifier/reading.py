"""An item as the tagger reads it: its fields joined, cut into segments, each position traceable to its field."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from enum import IntEnum
from itertools import accumulate
from typing import Literal

import msgspec

from tinsom import messages as m
from tinsom.text import Text, has_any, normalise

Field = Literal["title", "lede", "text"]


class Segment(IntEnum):
    TITLE = 0
    LEDE = 1
    BODY = 2
    CAPTION = 3
    TAIL = 4


_IN_ORDER = (Segment.TITLE, Segment.LEDE, Segment.BODY, Segment.TAIL)
# The sapo of a Vietnamese article is 150 to 450 characters; feeds give only that.
LEDE_CHARS = 450
TAIL_LINE = 60
# Two, so that no name is found across the border of two fields or paragraphs.
_BETWEEN = "\n\n"
WRAPPED_LINES, WRAPPED_WIDTH = 8, 110
_CLOSING = '.?!:;…")\n'
# Ends of sentences within a line, each with a mark without which there is none. An abbreviation's point is no end.
_ENDS = (
    (".", re.compile(r"\. (?<!(?:tp|ts|gs|hs|st|bs)\. )")),
    ("?", re.compile(r"\? ")),
    ("!", re.compile(r"! ")),
)
_SOURCE_LINE = re.compile(r"\(?(?:theo|nguồn:?)\s+[\w/+. -]{2,40}\)?$")
# A bold line of its own that leads to another article.
_TEASERS = ("**mới:", "**mới nhất:")
_SOURCES = ("theo ", "nguồn", "(theo")
_NUMBER = re.compile(r"0[0.,]*")  # every digit is a nought by then
_FILES = (".jpg", ".jpeg", ".png", ".webp")
_PICTURE = re.compile(r"ảnh\s?[:-]")
_PICTURE_NUMBER = re.compile(r"\s-\d+$")


_Placed = tuple[int, Field, Text]


def _start(span: tuple[int, int]) -> int:
    return span[0]


class Reading(msgspec.Struct, gc=False):
    """`plain` and `lower` hold title, lede and text, two spaces between; spans count in them."""

    plain: str
    lower: str
    texts: tuple[_Placed, _Placed, _Placed]
    title_end: int
    lede_end: int
    tail: int
    captions: list[tuple[int, int]]
    day: date | None
    ends: list[int]
    starts: list[int]  # of sentences: starts[k] is where the one begins that ends at ends[k]
    bounds: tuple[int, int, int]  # where title, lede and body end
    numbers: list[tuple[int, int]]  # of the digits of each, with the points and commas in and behind them
    asked: dict[tuple[int, int, tuple[str, ...]], bool] = {}

    def segment(self, position: int) -> Segment:
        k = bisect_right(self.bounds, position)
        if self.captions and 0 < k < 3 and self.is_in_a_caption(position):
            return Segment.CAPTION
        return _IN_ORDER[k]

    def is_in_a_caption(self, position: int) -> bool:
        at = bisect_right(self.captions, position, key=_start) - 1
        return at >= 0 and position < self.captions[at][1]

    def sentence(self, position: int) -> tuple[int, int]:
        """Start and end of the sentence around a position."""
        k = bisect_right(self.ends, position)
        return self.starts[k], self.ends[k] if k < len(self.ends) else len(self.lower)

    def sentence_number(self, position: int) -> int:
        return bisect_right(self.ends, position)

    def sentence_start(self, position: int) -> int:
        return self.starts[bisect_right(self.ends, position)]

    def sentence_numbers(self, positions: Iterable[int]) -> frozenset[int]:
        """Of the sentences that hold one of the positions."""
        ends = self.ends
        return frozenset([bisect_right(ends, position) for position in positions])

    def holds(self, start: int, end: int, words: tuple[str, ...]) -> bool:
        """Does one of the words occur there? Asked once of a sentence or an item, however many names of it ask: a
        long one full of names would take its square.
        """
        place = start, end, words
        known = self.asked.get(place)
        if known is None:
            known = self.asked[place] = has_any(self.lower[start:end], words)
        return known

    def field(self, position: int) -> Field:
        _, lede, text = self.texts
        return "text" if position >= text[0] else "lede" if position >= lede[0] else "title"

    def evidence(self, start: int, end: int, rule: str) -> m.Evidence:
        """Offsets in the field's original text, in code points."""
        title, lede, text = self.texts
        base, name, field = text if start >= text[0] else lede if start >= lede[0] else title
        if field.edits is None:
            return m.Evidence(field=name, start=start - base, end=end - base, rule=rule)
        return m.Evidence(field=name, start=field.origin(start - base), end=field.origin(end - base), rule=rule)


def read(title: str, lede: str, text: str, published: datetime | date | None, tails: frozenset[str]) -> Reading:
    head, opening, body = normalise(title), normalise(lede), normalise(text)
    lede_start = len(_BETWEEN) + len(head.plain) + len(_BETWEEN)
    text_start = lede_start + len(opening.plain) + len(_BETWEEN)
    plain = f"{_BETWEEN}{head.plain}{_BETWEEN}{opening.plain}{_BETWEEN}{body.plain}{_BETWEEN}"
    lower = f"{_BETWEEN}{head.lower}{_BETWEEN}{opening.lower}{_BETWEEN}{body.lower}{_BETWEEN}"
    if has_any(lower, _TEASERS):
        plain, lower = _without_teasers(plain, lower)
    lines = lower.split("\n")
    starts = [0, *accumulate([len(line) + 1 for line in lines[:-1]])]
    own = starts.index(text_start)  # the first line of the text
    wrapped = _is_wrapped(lines[own:])
    captions, tail, first = _furniture(lines[own:], text_start, len(lower), tails, wrapped=wrapped)
    ends = _sentence_ends(lower, starts[1:], wrapped=wrapped)
    lede_end = min(_lede_end(ends, first, text_start, bool(lede)), tail)
    return Reading(
        # Matching sees one kind of space; the line structure has been read by now.
        plain.replace("\n", " "),
        lower.replace("\n", " "),
        ((len(_BETWEEN), "title", head), (lede_start, "lede", opening), (text_start, "text", body)),
        title_end=lede_start,
        lede_end=lede_end,
        tail=tail,
        captions=captions,
        day=published.date() if isinstance(published, datetime) else published,
        ends=ends,
        starts=[0, *ends],
        bounds=(lede_start, max(lede_start, lede_end), tail),
        numbers=_numbers(lower),
    )


def _numbers(lower: str) -> list[tuple[int, int]]:
    """With all digits written as one, which is searched for in leaps: a search for any of ten takes steps."""
    for digit in "123456789":
        lower = lower.replace(digit, "0")
    return [match.span() for match in _NUMBER.finditer(lower)]


def _without_teasers(plain: str, lower: str) -> tuple[str, str]:
    """With spaces for the lines that lead to other articles: nothing is found there, and offsets hold."""
    kept, kept_lower = plain.split("\n"), lower.split("\n")
    for number, line in enumerate(kept_lower):
        if line.startswith(_TEASERS):
            kept[number] = kept_lower[number] = " " * len(line)
    return "\n".join(kept), "\n".join(kept_lower)


def _is_wrapped(lines: Sequence[str]) -> bool:
    """Are the lines of the text broken by width? Then a line's end is no sentence's end."""
    return len(lines) > WRAPPED_LINES and max(map(len, lines)) <= WRAPPED_WIDTH


def _sentence_ends(lower: str, line_ends: list[int], *, wrapped: bool) -> list[int]:
    """Positions after each end: a line's, a full stop's, and that of "?" and "!" before a space."""
    ends = [end for end in line_ends if _is_closed(lower, end)] if wrapped else line_ends
    for mark, pattern in _ENDS:
        if mark in lower:  # a look for one character costs next to nothing, one for two does not
            ends += [match.end() for match in pattern.finditer(lower)]
    ends.sort()
    return ends


def _is_closed(lower: str, end: int) -> bool:
    """In wrapped text a line ends a sentence behind a closing mark, or before an empty line."""
    return lower[end - 2] in _CLOSING or lower[end : end + 1] in ("\n", "")


def _lede_end(ends: list[int], first: int, text_start: int, has_lede: bool) -> int:
    """The end of the sentence that passes LEDE_CHARS of the text; nothing of it when a lede field says it all."""
    if has_lede and text_start - first > 40:
        return text_start
    at = bisect_right(ends, first + LEDE_CHARS)
    return ends[at] if at < len(ends) else (ends[-1] if ends else first)


def _furniture(
    lines: Sequence[str], text_start: int, end: int, tails: frozenset[str], *, wrapped: bool
) -> tuple[list[tuple[int, int]], int, int]:
    """Captions, where the tail begins, and where the first real line of the text begins."""
    captions: list[tuple[int, int]] = []
    first, previous, start = -1, "", text_start
    earliest = text_start + (end - text_start) // 3
    for line in lines:
        size = len(line)
        if size < 300:
            kind = _line_kind(line, previous, tails, wrapped=wrapped)
            if kind == "tail" and start > earliest:
                end = start
                break
            if kind == "caption":
                captions.append((start, start + size))
        if first == -1 and size > 60 and not line.isspace():
            first = start
        if line and not line.isspace():
            previous = line
        start += size + 1
    return captions, end, text_start if first == -1 else first


def _line_kind(line: str, previous: str, tails: frozenset[str], *, wrapped: bool) -> str:
    if len(line) <= TAIL_LINE + 10:
        bare = line.strip(" .:<>•*-")
        # In wrapped text "Theo Bộ Y tế" may begin a line of the midst.
        if bare in tails or (not wrapped and _is_source(line, bare)):
            return "tail" if bare else ""
    if line == previous:
        return "caption" if len(line) > 20 else ""
    return "caption" if _is_caption(line) else ""


def _is_source(line: str, bare: str) -> bool:
    """ "Theo TTXVN", but not "Theo Điều 10 Thông tư 60 như sau:", which what follows belongs to."""
    if not bare.startswith(_SOURCES) or line.rstrip(" *").endswith(":"):
        return False
    return _SOURCE_LINE.match(bare) is not None


def _is_caption(line: str) -> bool:
    """ "Ảnh: …", a picture's file, or a numbered picture ("…-ảnh 2", "… -3"). Words like "cảnh" come first."""
    if "ảnh" in line and ("ảnh:" in line or "-ảnh " in line or _PICTURE.match(line)):
        return True
    return line.endswith(_FILES) or (line[-1:].isdecimal() and _PICTURE_NUMBER.search(line) is not None)
