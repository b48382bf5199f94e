"""Which mentions count: weak words only where public bodies act, names in passing not at all."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence

from services.classifier.bodies import Bodies
from services.classifier.lexicon import Lexicon
from services.classifier.mentions import Found, Mention, grouped
from services.classifier.reading import Reading, Segment
from services.classifier.taxonomy import Taxonomy
from tinsom.text import has_any

# Named in any text about anything.
_EVERYWHERE = frozenset(("chinh-phu", "thu-tuong", "quoc-hoi", "chu-tich-nuoc"))
_OURS = ("việt nam",)
HEAD = (Segment.TITLE, Segment.LEDE)
# An issuer stands right behind its document: "Nghị định số 13/2023/NĐ-CP ngày 17/4/2023 của Chính phủ".
ISSUER_REACH = 45
_PASSING = {Segment.TITLE: 5.0, Segment.LEDE: 3.0, Segment.BODY: 1.0, Segment.CAPTION: 0.5, Segment.TAIL: 0.0}


def initiatives(
    reading: Reading, named: Sequence[Mention], bodies: Bodies, docs: Sequence[Found], lexicon: Lexicon
) -> dict[str, list[Mention]]:
    """By initiative. Weak words count in a public item, often enough for theirs, or beside a public body."""
    if named and not bodies.agencies and is_abroad(reading, lexicon.abroad):
        return {}  # "luật AI cho toàn nước Mỹ"
    proven = {mention.id for mention in named if not mention.weak}
    weak = grouped([mention for mention in named if mention.weak and mention.id not in proven])
    if weak:
        public = is_public(reading, bodies, docs) and not is_abroad(reading, lexicon.abroad)
        taxonomy = lexicon.taxonomy
        kept = {tag for tag, group in weak.items() if _is_enough(reading, tag, group, bodies, taxonomy, public)}
        named = [mention for mention in named if mention.id in proven or mention.id in kept]
    return grouped([*named, *_implied(bodies, lexicon.taxonomy)])


def is_abroad(reading: Reading, names: tuple[str, ...]) -> bool:
    """The headline names another country and nothing names Việt Nam: its digital economy is not ours."""
    title = reading.plain[: reading.title_end].replace("'", " ").replace('"', " ")
    return has_any(title, names) and not reading.holds(0, len(reading.lower), _OURS)


def is_public(reading: Reading, bodies: Bodies, docs: Sequence[Found]) -> bool:
    """Is this about what public bodies do? One at the head of the text, or two anywhere, or a known document."""
    if len({mention.id for mention in bodies.agencies}) >= 2 or any(doc.initiative for doc in docs):
        return True
    acting = [mention for mention in bodies.agencies if mention.id not in _EVERYWHERE]
    actors = [*bodies.agencies, *(bodies.places if acting else ())]
    return any(reading.segment(mention.start) in HEAD for mention in actors)


def _is_enough(
    reading: Reading, tag: str, group: Sequence[Mention], bodies: Bodies, taxonomy: Taxonomy, public: bool
) -> bool:
    in_title = any(reading.segment(mention.start) is Segment.TITLE for mention in group)
    if len(group) + in_title < taxonomy.initiatives[tag].weak_min:
        return False
    if public:
        return True
    held = {reading.sentence_start(body.start) for body in bodies.agencies}
    return any(reading.sentence_start(mention.start) in held for mention in group)


def _implied(bodies: Bodies, taxonomy: Taxonomy) -> Iterable[Mention]:
    rows = taxonomy.agencies
    implying = [mention for mention in bodies.agencies if (row := rows.get(mention.id)) and row.implies]
    named = Counter([mention.id for mention in implying]) if implying else {}
    for mention in implying:
        if named[mention.id] < 2:
            continue  # named once, it is a name with other names in it
        for initiative in rows[mention.id].implies:
            yield Mention(initiative, mention.start, mention.end, f"{initiative}/in-name", implied=True)


def agencies(
    reading: Reading, mentions: Sequence[Mention], docs: Sequence[Found], taxonomy: Taxonomy
) -> dict[str, list[Mention]]:
    """By body. Government and Assembly are named everywhere: as an issuer, or once in passing, they do not act."""
    kept: dict[str, list[Mention]] = {}
    for tag, group in grouped(mentions).items():
        row = taxonomy.agencies.get(tag)
        if row is None or not row.passing or _weight(reading, group, docs) >= row.passing:
            kept[tag] = group
    return kept


def _weight(reading: Reading, group: Sequence[Mention], docs: Sequence[Found]) -> float:
    own = [mention for mention in group if not _is_issuer(reading, mention, docs)]
    return sum(_PASSING[reading.segment(mention.start)] * mention.factor for mention in own)


def _is_issuer(reading: Reading, mention: Mention, docs: Sequence[Found]) -> bool:
    if reading.segment(mention.start) in HEAD:
        return False
    before = bisect_right(docs, mention.start, key=_end) - 1
    if before < 0 or mention.start - docs[before].end > ISSUER_REACH:
        return False
    return reading.lower[docs[before].end : mention.start].rstrip().endswith("của")


def _end(doc: Found) -> int:
    return doc.end
