"""What the item is about (primary) and what it only names (mentioned): a sum of points over plain features.

The weights are data (taxonomy/salience.yaml), a logistic regression on labelled articles, scaled so that four
points make a primary tag; docs/tagging.md tells how they were fitted.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log2

import msgspec

from services.classifier.mentions import Mention
from services.classifier.reading import Reading
from services.classifier.taxonomy import Taxonomy
from tinsom.messages import Tag
from tinsom.text import has_any

PRIMARY = 4.0
# An acting body stands within this many characters of the start of its sentence.
TOPIC_CHARS = 25
# How far from the start of its sentence an initiative is named, in steps; farther than FAR_CHARS is no farther.
STEP_CHARS, FAR_CHARS = 50, 300
# A link of a list is named along with others: "kinh tế số, xã hội số và chính phủ số". Each way to write a joint
# with its spaces is listed once here, so that no name's neighbours need be cut out and stripped.
_LINK_REACH = 4
_BEFORE_LINK = tuple(
    joint + " " * spaces for joint in (",", ";", "/", " và") for spaces in range(_LINK_REACH - len(joint) + 1)
)
_BEHIND_LINK = tuple(
    " " * spaces + joint for joint in (",", ";", "/", "và ") for spaces in range(_LINK_REACH - len(joint) + 1)
)
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


class _Weights(msgspec.Struct, frozen=True):
    """What is not weighed counts nothing."""

    bias: float = 0.0
    short: float = 0.0
    title: float = 0.0
    lede: float = 0.0
    many: float = 0.0


class _OfInitiatives(_Weights, frozen=True):
    mentions: float = 0.0
    alone: float = 0.0
    number: float = 0.0
    agent: float = 0.0
    depth: float = 0.0
    implied: float = 0.0
    document: float = 0.0
    background: float = 0.0
    crime: float = 0.0
    bodies: float = 0.0


class _OfAgencies(_Weights, frozen=True):
    share: float = 0.0
    topic: float = 0.0
    acts: float = 0.0
    told: float = 0.0
    local: float = 0.0
    lead: float = 0.0
    hosts: float = 0.0
    speaks: float = 0.0


@dataclass(frozen=True)
class Weights:
    initiative: _OfInitiatives
    agency: _OfAgencies
    types: Mapping[str, float]  # of agencies, where one weighs anything
    names: Mapping[str, float]  # of initiatives, by id

    @classmethod
    def of(cls, taxonomy: Taxonomy) -> Weights:
        return cls.given(taxonomy.weights)

    @classmethod
    def given(cls, weights: Mapping[str, float]) -> Weights:
        agency = _named(weights, "agency.")
        return cls(
            msgspec.convert(_named(weights, "initiative."), _OfInitiatives),
            msgspec.convert(agency, _OfAgencies),
            agency,
            _named(weights, "name."),
        )


def unread(taxonomy: Taxonomy) -> list[str]:
    """The weights that nothing reads: neither a feature's, nor a type's of agencies, nor an initiative's."""
    read = {f"initiative.{name}" for name in _OfInitiatives.__struct_fields__}
    read |= {f"agency.{name}" for name in _OfAgencies.__struct_fields__}
    read |= {f"agency.{row.type}" for row in taxonomy.agencies.values()}
    read |= {f"name.{id_}" for id_ in taxonomy.initiatives}
    return [name for name in taxonomy.weights if name not in read]


def _named(weights: Mapping[str, float], prefix: str) -> dict[str, float]:
    return {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}


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

    def initiatives(self, groups: Mapping[str, Sequence[Mention]], agencies: Sequence[Tag]) -> list[float]:
        """The score of each, in order. An item that names many is about more of them, and so is one that is about
        several of its `agencies`; where none is named, weak words are never what it is about.
        """
        if not groups:
            return []
        w, bodies = self.weights.initiative, sum(tag.role == "primary" for tag in agencies)
        shared = self._base(w) + w.many * log2(1 + len(groups)) + w.bodies * log2(1 + bodies)
        shared += w.crime * self._is_of_a_crime()
        return [self._initiative(tag, group, shared, bool(agencies)) for tag, group in groups.items()]

    def _initiative(self, tag: str, group: Sequence[Mention], shared: float, public: bool) -> float:
        w, row, lower = self.weights.initiative, self.taxonomy.initiatives[tag], self.reading.lower
        own = [mention for mention in group if not mention.implied]
        title, lede, sentences, depth = self._places(own)
        alone = [held for mention, held in zip(own, sentences, strict=True) if not _is_listed(lower, mention)]
        points = shared + w.title * title + w.lede * lede + w.mentions * log2(1 + len(own))
        points += w.alone * log2(1 + len(alone)) + w.number * log2(1 + len(self.numbers.intersection(alone)))
        points += w.agent * log2(1 + len(self.actors.intersection(sentences)))
        points += w.depth * log2(1 + depth / STEP_CHARS)
        if not own:
            points += w.implied
        elif _are_documents(own):
            points += w.document
        if row.background:
            points += w.background
        points += self.weights.names.get(tag, 0.0)
        if not (public and row.weak_primary) and points > PRIMARY - LEAST and _are_weak(own):
            points = PRIMARY - LEAST
        return max(LEAST, round(points, 2))

    def agencies(self, groups: Mapping[str, Sequence[Mention]]) -> list[float]:
        """The score of each, in order; how often one is named counts by the one that is named most often."""
        if not groups:
            return []
        w = self.weights.agency
        base, many, most = self._base(w), w.many * log2(1 + len(groups)), log2(1 + max(map(len, groups.values())))
        return [self._agency(tag, group, base, many, most) for tag, group in groups.items()]

    def _agency(self, tag: str, group: Sequence[Mention], base: float, many: float, most: float) -> float:
        w, row = self.weights.agency, self.taxonomy.agencies.get(tag)
        title, lede, _, depth = self._places(group)
        voices = [mention.voice for mention in group]
        points = base + w.title * title + w.lede * lede + w.share * log2(1 + len(group)) / most + many
        points += w.topic * (depth < TOPIC_CHARS)
        points += w.acts * log2(1 + voices.count("acts")) + w.told * log2(1 + voices.count("told"))
        points += w.local if row is None else self.weights.types.get(row.type, 0.0) + row.points
        points += w.lead * (tag in self.leads) + w.hosts * (tag in self.hosts)
        if "office" in voices:
            points += w.speaks * log2(1 + self._sayings(group))
        return max(LEAST, round(points, 2))

    def _base(self, w: _Weights) -> float:
        brevity = min(SHORTEST, max(0.0, log2(ARTICLE_CHARS / len(self.reading.plain))))
        return w.bias + w.short * brevity

    def _is_of_a_crime(self) -> bool:
        title, words = self.reading.lower[: self.reading.title_end], self.taxonomy.context
        return has_any(title, words.crime) and not has_any(title, words.prevention)

    def _places(self, mentions: Iterable[Mention]) -> tuple[bool, bool, list[int], int]:
        """Is one in the title, in the lede; the number of each one's sentence; how many characters from the start
        of its sentence the nearest is. In one walk, since every tag of an item takes it.
        """
        reading, title, lede, sentences, depth = self.reading, False, False, [], FAR_CHARS
        ends, starts, (title_end, lede_end, _) = reading.ends, reading.starts, reading.bounds
        for mention in mentions:
            start = mention.start
            sentence = bisect_right(ends, start)
            sentences.append(sentence)
            if (away := start - starts[sentence]) < depth:
                depth = away
            if start < title_end:
                title = True
            elif start < lede_end and not lede:
                lede = not reading.is_in_a_caption(start)
        return title, lede, sentences, depth

    def _sayings(self, group: Sequence[Mention]) -> int:
        return sum(mention.office and self._is_heard(mention.end) for mention in group)

    def _is_heard(self, end: int) -> bool:
        sentence_end = self.reading.sentence(end - 1)[1]
        return has_any(self.reading.lower[end : min(sentence_end, end + _SAY_REACH)], _SAYS)


def _is_listed(lower: str, mention: Mention) -> bool:
    return lower.endswith(_BEFORE_LINK, 0, mention.start) or lower.startswith(_BEHIND_LINK, mention.end)


def _are_documents(own: Sequence[Mention]) -> bool:
    return "/document/" in own[0].rule and all("/document/" in mention.rule for mention in own)


def _are_weak(own: Sequence[Mention]) -> bool:
    return not own or (own[0].weak and all(mention.weak for mention in own))


def actors(mentions: Iterable[Mention]) -> Iterable[int]:
    return [mention.start for mention in mentions if mention.voice in _HEARD]
