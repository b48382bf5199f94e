"""Which mentions of initiatives count: weak words only where public bodies act."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from services.classifier.bodies import Bodies
from services.classifier.lexicon import Lexicon
from services.classifier.mentions import Found, Mention, grouped
from services.classifier.reading import Reading, Segment
from services.classifier.taxonomy import Taxonomy

# Named in any text about anything.
_EVERYWHERE = frozenset(("chinh-phu", "thu-tuong", "quoc-hoi", "chu-tich-nuoc"))
_OURS = ("việt nam",)
_WHERE = (" ở ", " tại ", " ở tỉnh ", " tại tỉnh ", " ở tp ", " tại tp ")
HEAD = (Segment.TITLE, Segment.LEDE)


def initiatives(
    reading: Reading, named: Sequence[Mention], bodies: Bodies, docs: Sequence[Found], lexicon: Lexicon
) -> dict[str, list[Mention]]:
    """By initiative. Weak words count in a public item, often enough for theirs, or beside a public body."""
    taxonomy = lexicon.taxonomy
    if not named:
        return grouped(_implied(bodies, taxonomy))
    if not bodies.agencies and is_abroad(reading, lexicon.abroad):
        return {}  # "luật AI cho toàn nước Mỹ"
    proven = {mention.id for mention in named if not mention.weak}
    led = is_public(reading, bodies, docs)
    public = led or _is_of_the_state(proven, taxonomy)
    weak = grouped([mention for mention in named if mention.weak and mention.id not in proven])
    if weak:
        ours = public and not is_abroad(reading, lexicon.abroad)
        kept = {tag for tag, group in weak.items() if _is_enough(reading, tag, group, bodies, taxonomy, ours)}
        named = [mention for mention in named if mention.id in proven or mention.id in kept]
    if not led:
        named = [_offered(mention, taxonomy) for mention in named]
    return grouped([*named, *_implied(bodies, taxonomy)])


def _is_of_the_state(proven: Iterable[str], taxonomy: Taxonomy) -> bool:
    """Is something named that only the State has: a programme, a register, an application?"""
    return any(not taxonomy.initiatives[tag].market for tag in proven)


def _offered(mention: Mention, taxonomy: Taxonomy) -> Mention:
    """Where nobody public acts, what companies sell too is what one of them sells: mentioned at most, even if sold
    by means of what only the State has.
    """
    return msgspec.structs.replace(mention, implied=True) if taxonomy.initiatives[mention.id].market else mention


def is_abroad(reading: Reading, names: tuple[str, ...]) -> bool:
    """The headline names another country and nothing names Việt Nam: its digital economy is not ours."""
    title = reading.plain[: reading.title_end].replace("'", " ").replace('"', " ")
    if not any(name in title and _is_country(title, name) for name in names):
        return False
    return not reading.holds(0, len(reading.lower), _OURS)


def _is_country(title: str, name: str) -> bool:
    """Many are syllables of our own names, too: "Vũ Đức Đam", "phường Phú Mỹ"."""
    before = title[: title.index(name)].split()
    return len(before) < 2 or not (before[-1].isalpha() and before[-1].istitle())


def is_public(reading: Reading, bodies: Bodies, docs: Sequence[Found]) -> bool:
    """Is this about what public bodies do? One or a document at the head of the text, two bodies anywhere, a known
    document, or a place that does something.
    """
    if len({mention.id for mention in bodies.agencies}) >= 2 or any(doc.initiative for doc in docs):
        return True
    starts = [*(body.start for body in bodies.agencies), *(doc.start for doc in docs)]
    if any(reading.segment(start) in HEAD for start in starts):
        return True
    beside = any(mention.id not in _EVERYWHERE for mention in bodies.agencies)
    return any(_is_actor(reading, place.start, beside) for place in bodies.places)


def _is_actor(reading: Reading, start: int, beside_a_body: bool) -> bool:
    """ "Đà Nẵng tăng tốc kinh tế số": in a headline a place is its authorities, unless something is there."""
    segment = reading.segment(start)
    if segment is Segment.TITLE and not reading.lower.endswith(_WHERE, 0, start):
        return True
    return beside_a_body and segment in HEAD


def _is_enough(
    reading: Reading, tag: str, group: Sequence[Mention], bodies: Bodies, taxonomy: Taxonomy, public: bool
) -> bool:
    # a title and a lede alone name a thing once
    if reading.lede_end < reading.tail and not _is_often(reading, group, taxonomy.initiatives[tag].weak_min):
        return False
    if public:
        return True
    held = {reading.sentence_start(body.start) for body in bodies.agencies}
    return any(reading.sentence_start(mention.start) in held for mention in group)


def _is_often(reading: Reading, group: Sequence[Mention], least: int) -> bool:
    in_title = any(reading.segment(mention.start) is Segment.TITLE for mention in group)
    return len(group) + in_title >= least


def _implied(bodies: Bodies, taxonomy: Taxonomy) -> Iterable[Mention]:
    rows = taxonomy.agencies
    implying = [mention for mention in bodies.agencies if (row := rows.get(mention.id)) and row.implies]
    named = Counter([mention.id for mention in implying]) if implying else {}
    for mention in implying:
        if named[mention.id] < 2:
            continue  # named once, it is a name with other names in it
        for initiative in rows[mention.id].implies:
            yield Mention(initiative, mention.start, mention.end, f"{initiative}/in-name", implied=True)
