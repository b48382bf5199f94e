"""What the item is about (primary) and what it only names (mentioned): a sum of points over plain features.

The weights are data (taxonomy/context.yaml), a logistic regression on labelled articles, scaled so that four
points make a primary tag; docs/tagging.md tells how they were fitted.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.classifier.mentions import Mention
from services.classifier.reading import Reading, Segment
from services.classifier.taxonomy import Taxonomy
from tinsom.text import has_any

PRIMARY = 4.0
_TITLE, _LEDE = Segment.TITLE, Segment.LEDE
# An acting body stands within this many characters of the start of its sentence.
TOPIC_CHARS = 25
# How far from the start of its sentence an initiative is named, in steps; farther than FAR_CHARS is no farther.
STEP_CHARS, FAR_CHARS = 50, 300
# A link of a list is named along with others: "kinh tế số, xã hội số và chính phủ số".
_BEFORE_LINK, _BEHIND_LINK, _LINK_REACH = (",", " và", ";", "/"), (",", "và ", ";", "/"), 4
# How much shorter than an article an item is, in halvings: in few words one mention says much.
ARTICLE_CHARS, SHORTEST = 4_000, 3.0
_HEARD = ("acts", "told")
# Whose officer says something right behind his name speaks for the body: "Thứ trưởng Bộ X Nguyễn Văn A cho biết".
_SAYS = (
    " cho biết", " cho hay", " khẳng định", " nhấn mạnh", " thông tin", " đánh giá", " phát biểu", " cho rằng",
    " nói ", " chia sẻ", " đề nghị", " yêu cầu", " lưu ý", " nêu", " chỉ rõ", " kết luận", " báo cáo", " bày tỏ",
    " khuyến cáo", " trả lời", " nhận định", " chỉ đạo", " kêu gọi", " đề xuất",
)  # fmt: skip
_SAY_REACH = 80
LEAST = 0.1


class _Weights(defaultdict[str, float]):
    """What is not weighed counts nothing."""

    def __init__(self, given: Mapping[str, float], prefix: str) -> None:
        own = {name.removeprefix(prefix): value for name, value in given.items() if name.startswith(prefix)}
        super().__init__(float, own)


@dataclass(frozen=True)
class Weights:
    initiative: Mapping[str, float]
    agency: Mapping[str, float]

    @classmethod
    def of(cls, taxonomy: Taxonomy) -> Weights:
        return cls.given(taxonomy.weights)

    @classmethod
    def given(cls, weights: Mapping[str, float]) -> Weights:
        return cls(_Weights(weights, "initiative."), _Weights(weights, "agency."))


@dataclass
class Scorer:
    """One item's facts that all its tags share; `numbers` and `actors`: which sentences hold one."""

    reading: Reading
    taxonomy: Taxonomy
    weights: Weights
    numbers: frozenset[int]
    actors: frozenset[int]
    leads: frozenset[str]
    hosts: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        title, words = self.reading.lower[: self.reading.title_end], self.taxonomy.context
        self.brevity = min(SHORTEST, max(0.0, math.log2(ARTICLE_CHARS / len(self.reading.plain))))
        self.crime = has_any(title, words.crime) and not has_any(title, words.prevention)

    def initiative(self, tag: str, group: Sequence[Mention], many: int) -> float:
        """`many`: how many initiatives the item names; one that names many is about more of them."""
        w, row = self.weights.initiative, self.taxonomy.initiatives[tag]
        own = [mention for mention in group if not mention.implied]
        sentences = self._sentences(own)
        alone = [held for mention, held in zip(own, sentences, strict=True) if not self._is_listed(mention)]
        points = self._place(own, w) + w["mentions"] * _log(len(own)) + w["many"] * _log(many)
        points += w["alone"] * _log(len(alone)) + w["number"] * _log(len(self.numbers.intersection(alone)))
        points += w["agent"] * _log(len(self.actors.intersection(sentences)))
        points += w["depth"] * math.log2(1 + self._depth(own, sentences) / STEP_CHARS)
        if not own:
            points += w["implied"]
        elif _are_documents(own):
            points += w["document"]
        if row.background:
            points += w["background"]
        if self.crime:
            points += w["crime"]
        if not row.weak_primary and points > PRIMARY - LEAST and _are_weak(own):
            points = PRIMARY - LEAST
        return max(LEAST, round(points, 2))

    def agency(self, tag: str, group: Sequence[Mention], most: int, many: int) -> float:
        """`most`: how often the body that is named most often is named; `many`: how many bodies are named."""
        w = self.weights.agency
        row = self.taxonomy.agencies.get(tag)
        voices = [mention.voice for mention in group]
        points = self._place(group, w) + w["share"] * _log(len(group)) / _log(most) + w["many"] * _log(many)
        points += w["topic"] * (self._depth(group, self._sentences(group), TOPIC_CHARS) < TOPIC_CHARS)
        points += w["acts"] * _log(voices.count("acts")) + w["told"] * _log(voices.count("told"))
        points += w["local"] if row is None else w[row.type] + row.points
        points += w["lead"] * (tag in self.leads) + w["hosts"] * (tag in self.hosts)
        if "office" in voices:
            points += w["speaks"] * _log(self._sayings(group))
        return max(LEAST, round(points, 2))

    def _sayings(self, group: Sequence[Mention]) -> int:
        return sum(mention.office and self._is_heard(mention.end) for mention in group)

    def _is_heard(self, end: int) -> bool:
        sentence_end = self.reading.sentence(end - 1)[1]
        return has_any(self.reading.lower[end : min(sentence_end, end + _SAY_REACH)], _SAYS)

    def _sentences(self, own: Sequence[Mention]) -> list[int]:
        """The number of each mention's sentence."""
        ends = self.reading.ends
        return [bisect_right(ends, mention.start) for mention in own]

    def _heads(self, own: Sequence[Mention]) -> tuple[bool, bool]:
        """Is one in the title, in the lede?"""
        if self.reading.captions:
            segments = self.reading.segments([mention.start for mention in own])
            return _TITLE in segments, _LEDE in segments
        (title_end, lede_end, _), title, lede = self.reading.bounds, False, False
        for mention in own:
            if mention.start < title_end:
                title = True
            elif mention.start < lede_end:
                lede = True
        return title, lede

    def _place(self, own: Sequence[Mention], w: Mapping[str, float]) -> float:
        title, lede = self._heads(own)
        return w["bias"] + w["short"] * self.brevity + w["title"] * title + w["lede"] * lede

    def _depth(self, own: Sequence[Mention], sentences: Sequence[int], enough: int = 0) -> int:
        """How near to the start of a sentence one comes, in characters; `enough`: nearer need not be sought."""
        starts, least = self.reading.starts, FAR_CHARS
        for mention, sentence in zip(own, sentences, strict=True):
            depth = mention.start - starts[sentence]
            if depth < least:
                least = depth
                if least < enough:
                    break
        return least

    def _is_listed(self, mention: Mention) -> bool:
        text, start, end = self.reading.lower, mention.start, mention.end
        if text[max(0, start - _LINK_REACH) : start].rstrip().endswith(_BEFORE_LINK):
            return True
        return text[end : end + _LINK_REACH].lstrip().startswith(_BEHIND_LINK)


def _are_documents(own: Sequence[Mention]) -> bool:
    return "/document/" in own[0].rule and all("/document/" in mention.rule for mention in own)


def _are_weak(own: Sequence[Mention]) -> bool:
    return not own or (own[0].weak and all(mention.weak for mention in own))


_LOGS = [math.log2(1 + count) for count in range(64)]


def _log(count: int) -> float:
    return _LOGS[count] if count < len(_LOGS) else math.log2(1 + count)


def holding(reading: Reading, positions: Iterable[int]) -> frozenset[int]:
    """The numbers of the sentences that hold one of the positions."""
    return frozenset(map(reading.sentence_number, positions))


def actors(mentions: Iterable[Mention]) -> Iterable[int]:
    return [mention.start for mention in mentions if mention.voice in _HEARD]
