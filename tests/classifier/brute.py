"""What a theme means, evaluated in the plainest way: every spelling looked for, every choice of places tried.

Shares nothing with the classifier: it reads the YAML itself, folds the text its own way, and takes its time.
"""

from __future__ import annotations

import html
import itertools
import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Any

Place = tuple[str, int, int]  # field, start, end
_DROPPED = dict.fromkeys(map(ord, "\u200b\u200c\u200d\ufeff\u2060\u00ad"))
_FOLDED = {ord(odd): "-" for odd in "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\uff0d"}
_FOLDED |= {ord(odd): '"' for odd in "\u201c\u201d\u201e\u00ab\u00bb\u2033"}
_FOLDED |= {ord(odd): "'" for odd in "\u2018\u2019\u201a\u2032"} | {0xD0: "Đ"}
# Old style of tone marks to new, at the end of a syllable: hòa to hoà.
_STYLES = {
    unicodedata.normalize("NFC", a + tone + b): unicodedata.normalize("NFC", a + b + tone)
    for vowels in ("oa", "oe", "uy", "Oa", "Oe", "Uy", "OA", "OE", "UY")
    for a, b in [tuple(vowels)]
    for tone in "\u0300\u0301\u0303\u0309\u0323"
}
_OLD = re.compile(r"(?<![qQ])(" + "|".join(_STYLES) + r")(?!\w)")


def folded(text: str) -> str:
    """Case kept; one spelling of everything else that papers write in two ways."""
    text = unicodedata.normalize("NFC", html.unescape(text))
    text = text.translate(_DROPPED).translate(_FOLDED)
    return _OLD.sub(lambda m: _STYLES[m[1]], " ".join(text.split()))


def bare(text: str) -> str:
    stripped = unicodedata.normalize("NFD", text).replace("đ", "d").replace("Đ", "D")
    return "".join(c for c in stripped if unicodedata.category(c) != "Mn")


def written(pattern: str) -> Iterator[str]:
    """`(a|b|)c` in all its forms."""
    match = re.search(r"\(([^()]*)\)", pattern)
    if match is None:
        yield " ".join(pattern.split())
        return
    for choice in match[1].split("|"):
        yield from written(pattern[: match.start()] + choice + pattern[match.end() :])


class Brute:
    def __init__(self, themes: list[dict[str, Any]]) -> None:
        self.themes = themes

    def fired(self, title: str, lede: str, text: str = "") -> dict[str, float]:
        """The themes that fire, with their scores."""
        fields = {"title": folded(title), "lede": folded(lede), "text": folded(text)}
        return {theme["id"]: score for theme in self.themes if (score := _score(theme, fields)) is not None}


def _score(theme: dict[str, Any], fields: dict[str, str]) -> float | None:
    if any(_places(words, theme, fields) for words in theme.get("none", ())):
        return None
    points = 0.0
    for term in theme.get("terms", ()):
        alone: list[Place] = []
        for place in sorted(_places(term, theme, fields), key=lambda p: (p[0] != "title", p[1], -p[2])):
            if not alone or place[0] != alone[-1][0] or place[1] >= alone[-1][2]:
                alone.append(place)
        points += term["weight"] * min(len(alone), term.get("most", 1))
    met = [c for c in theme.get("combinations", ()) if _met(c, theme, fields)]
    points += sum(c.get("weight", 1.0) for c in met)
    reached = bool(theme.get("terms")) and points >= theme["threshold"]
    return round(points, 2) if reached or met else None


def _met(combination: dict[str, Any], theme: dict[str, Any], fields: dict[str, str]) -> bool:
    if any(_places(words, theme, fields) for words in combination.get("none", ())):
        return False
    groups = [[p for words in group for p in _places(words, theme, fields)] for group in combination["all"]]
    if not all(groups):
        return False
    within = combination.get("within", 0)
    return not within or any(_are_near(choice, within, fields) for choice in itertools.product(*groups))


def _are_near(choice: tuple[Place, ...], within: int, fields: dict[str, str]) -> bool:
    if len({field for field, _, _ in choice}) > 1:
        return False
    stretch = fields[choice[0][0]][min(p[1] for p in choice) : max(p[2] for p in choice)]
    return _count(stretch) <= within


def _count(text: str) -> int:
    return len(re.findall(r"[^\W_]+", text))


def _places(words: str | dict[str, Any], theme: dict[str, Any], fields: dict[str, str]) -> list[Place]:
    """For each place where the words end, the latest place where they may begin."""
    given = {"words": words} if isinstance(words, str) else words
    where = given.get("fields") or theme.get("fields") or list(fields)
    exact = given.get("case", theme.get("case", "any")) == "exact"
    optional = given.get("marks", theme.get("marks", "keep")) == "optional"
    parts = [_spellings(part, exact, optional) for part in given["words"].split("+")]
    found: list[Place] = []
    for field in where:
        text = fields.get(field, "")
        looked = text if exact else text.lower()
        if any(all(spelling not in looked for spelling in part) for part in parts):
            continue
        stands = [_stands(part, looked) for part in parts]
        ends: dict[int, int] = {}
        for chain in itertools.product(*stands):
            if all(_follows(a, b, looked, theme.get("gap", 3)) for a, b in itertools.pairwise(chain)):
                ends_at = chain[-1] if len(chain) == 1 else (chain[0][0], chain[-1][1])
                if len(chain) == 1:
                    found.append((field, *ends_at))
                else:
                    ends[ends_at[1]] = max(ends.get(ends_at[1], -1), ends_at[0])
        found += [(field, start, end) for end, start in ends.items()]
    return found


@cache
def _spellings(part: str, exact: bool, optional: bool) -> tuple[str, ...]:
    kept = [folded(one) for one in written(part)]
    kept += [bare(one) for one in kept] if optional else []
    return tuple({one if exact else one.lower() for one in kept})


def _stands(spellings: tuple[str, ...], text: str) -> list[tuple[int, int]]:
    found = set()
    for spelling in spellings:
        at = text.find(spelling)
        while at != -1:
            end = at + len(spelling)
            if _is_whole(text, at, end):
                found.add((at, end))
            at = text.find(spelling, at + 1)
    return sorted(found)


def _is_whole(text: str, start: int, end: int) -> bool:
    before, after = text[start - 1 : start], text[end : end + 1]
    if before.isalnum() or after.isalnum():
        return False
    return not (re.match(r"[.,]\d", text[end:]) and text[end - 1].isdigit())


def _follows(a: tuple[int, int], b: tuple[int, int], text: str, gap: int) -> bool:
    return b[0] >= a[1] and _count(text[a[1] : b[0]]) <= gap
