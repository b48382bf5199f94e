"""Which mentions of initiatives count: weak words only where public bodies act."""

from __future__ import annotations

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
