"""From mentions to tags: what the item is about (primary), what it names (mentioned), and what it does not mean.

The weights are data (taxonomy/context.yaml); docs/tagging.md tells how they were set.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from services.classifier.bodies import Bodies
from services.classifier.documents import Found
from services.classifier.mentions import Mention
from services.classifier.reading import Reading, Segment
from services.classifier.taxonomy import Taxonomy
from tinsom import messages as m

MAX_PRIMARY = 5
MAX_EVIDENCE = 20
_HEAD = (Segment.TITLE, Segment.LEDE)


def decide(
    item_id: str,
    reading: Reading,
    named: Sequence[Mention],
    bodies: Bodies,
    docs: Sequence[Found],
    taxonomy: Taxonomy,
) -> m.Tags:
    initiatives = [*_accepted(reading, named, bodies, docs, taxonomy), *_implied(bodies, taxonomy)]
    tags = _tags(reading, initiatives, taxonomy)
    return m.Tags(
        id=item_id,
        initiatives=_with_parents(tags, taxonomy),
        agencies=_agencies(reading, _acting(reading, bodies.agencies, docs, taxonomy), taxonomy),
        documents=_documents(docs),
        places=_places(reading, bodies.places, taxonomy),
        taxonomy=taxonomy.version,
    )


def _accepted(
    reading: Reading, named: Sequence[Mention], bodies: Bodies, docs: Sequence[Found], taxonomy: Taxonomy
) -> Iterable[Mention]:
    """Weak words count only where public bodies act: in a public item, often enough for their initiative."""
    proven = {mention.id for mention in named if not mention.weak}
    weak = _group(mention for mention in named if mention.weak and mention.id not in proven)
    public = _is_public(reading, bodies, docs)
    kept = {tag for tag, group in weak.items() if _is_enough(reading, tag, group, bodies, taxonomy, public)}
    return [mention for mention in named if mention.id in proven or mention.id in kept]


def _is_public(reading: Reading, bodies: Bodies, docs: Sequence[Found]) -> bool:
    """Is this about what public bodies do? One at the head of the text, or two anywhere, or a known document."""
    if len({mention.id for mention in bodies.agencies}) >= 2 or any(doc.initiative for doc in docs):
        return True
    return any(reading.segment(mention.start) in _HEAD for mention in bodies.agencies)


def _is_enough(
    reading: Reading, tag: str, group: Sequence[Mention], bodies: Bodies, taxonomy: Taxonomy, public: bool
) -> bool:
    in_title = any(reading.segment(mention.start) is Segment.TITLE for mention in group)
    if len(group) + in_title < taxonomy.initiatives[tag].weak_min:
        return False
    if public:
        return True
    sentences = [reading.sentence(mention.start) for mention in group]
    return any(start <= body.start < end for body in bodies.agencies for start, end in sentences)


def _implied(bodies: Bodies, taxonomy: Taxonomy) -> Iterable[Mention]:
    for mention in bodies.agencies:
        row = taxonomy.agencies.get(mention.id)
        for initiative in row.implies if row else ():
            yield Mention(initiative, mention.start, mention.end, f"{initiative}/in-name", implied=True)


def _acting(
    reading: Reading, mentions: Sequence[Mention], docs: Sequence[Found], taxonomy: Taxonomy
) -> list[Mention]:
    """Government and Assembly are named everywhere: as an issuer, or once in passing, they do not act."""
    kept: list[Mention] = []
    for tag, group in _group(mentions).items():
        row = taxonomy.agencies.get(tag)
        if row is not None and not row.routing:
            own = [mention for mention in group if not _is_issuer(reading, mention, docs)]
            if _score(reading, own, taxonomy.weights) < taxonomy.weights["passing"]:
                continue
        kept += group
    return kept


def _is_issuer(reading: Reading, mention: Mention, docs: Sequence[Found]) -> bool:
    if reading.segment(mention.start) in _HEAD:
        return False
    return any(
        0 <= mention.start - doc.end <= 45 and reading.lower[doc.end : mention.start].rstrip().endswith("của")
        for doc in docs
    )


def _score(reading: Reading, mentions: Sequence[Mention], weights: dict[str, float]) -> float:
    by_segment = {
        Segment.TITLE: weights["title"],
        Segment.LEDE: weights["lede"],
        Segment.BODY: weights["body"],
        Segment.CAPTION: weights["caption"],
        Segment.TAIL: 0.0,
    }
    score = 0.0
    for mention in mentions:
        factor = mention.factor * (weights["weak"] if mention.weak else 1.0)
        factor *= weights["implied"] if mention.implied else 1.0
        score += by_segment[reading.segment(mention.start)] * factor
    return score


def _group(mentions: Iterable[Mention]) -> dict[str, list[Mention]]:
    groups: dict[str, list[Mention]] = {}
    for mention in mentions:
        groups.setdefault(mention.id, []).append(mention)
    return groups


def _tags(reading: Reading, mentions: Sequence[Mention], taxonomy: Taxonomy) -> list[m.Tag]:
    tags = []
    for tag, group in _group(mentions).items():
        score = _score(reading, group, taxonomy.weights)
        if score <= 0:
            continue
        tags.append(_tag(reading, tag, group, score, _is_primary(reading, group, score, taxonomy.weights)))
    return _capped(tags)


def _is_primary(reading: Reading, group: Sequence[Mention], score: float, weights: dict[str, float]) -> bool:
    own = [mention for mention in group if not mention.implied]
    segments = {reading.segment(mention.start) for mention in own if not mention.office}
    if not own or score < weights["primary"] - 1.2:
        return False
    if Segment.TITLE in segments or Segment.LEDE in segments:
        return True
    return len({reading.sentence(mention.start) for mention in own}) >= 3


def _tag(reading: Reading, tag: str, group: Sequence[Mention], score: float, primary: bool) -> m.Tag:
    return m.Tag(
        id=tag,
        role="primary" if primary else "mentioned",
        score=round(score, 2),
        evidence=[_evidence(reading, mention) for mention in group[:MAX_EVIDENCE]],
    )


def _evidence(reading: Reading, mention: Mention) -> m.Evidence:
    field, start, end = reading.span(mention.start, mention.end)
    return m.Evidence(field=field, start=start, end=end, rule=mention.rule)


def _capped(tags: list[m.Tag]) -> list[m.Tag]:
    """At most five of each primary, the highest scores; the others step down."""
    ranked = sorted(tags, key=lambda tag: (tag.role != "primary", -tag.score, tag.id))
    return ranked


def _with_parents(tags: list[m.Tag], taxonomy: Taxonomy) -> list[m.Tag]:
    """A parent has its child's role; being named itself can only raise that."""
    by_id = {tag.id: tag for tag in tags}
    for tag in list(tags):
        for parent in taxonomy.initiatives[tag.id].parents:
            known = by_id.get(parent)
            if known is None:
                by_id[parent] = m.Tag(id=parent, role=tag.role, score=tag.score, evidence=tag.evidence, via=tag.id)
            elif known.role == "mentioned" and tag.role == "primary":
                by_id[parent] = m.Tag(
                    id=parent,
                    role="primary",
                    score=max(known.score, tag.score),
                    evidence=known.evidence,
                    via=tag.id,
                )
    return sorted(by_id.values(), key=lambda tag: (tag.role != "primary", -tag.score, tag.id))


def _agencies(reading: Reading, mentions: Sequence[Mention], taxonomy: Taxonomy) -> list[m.Tag]:
    tags = []
    for plain in _tags(reading, mentions, taxonomy):
        tag, row = plain, taxonomy.agencies.get(plain.id)
        ended = (
            row is not None and row.valid_to is not None and reading.day is not None and row.valid_to < reading.day
        )
        if row is not None and ended and row.successors:
            tag = m.Tag(
                id=plain.id,
                role=tag.role,
                score=tag.score,
                evidence=tag.evidence,
                successors=[successor.id for successor in row.successors],
            )
        tags.append(tag)
    return _with_agency_parents(tags, taxonomy)


def _with_agency_parents(tags: list[m.Tag], taxonomy: Taxonomy) -> list[m.Tag]:
    by_id = {tag.id: tag for tag in tags}
    for tag in list(tags):
        row = taxonomy.agencies.get(tag.id)
        for parent in row.parents if row else ():
            if parent not in by_id:
                by_id[parent] = m.Tag(id=parent, role=tag.role, score=tag.score, evidence=tag.evidence, via=tag.id)
    return list(by_id.values())


def _documents(docs: Sequence[Found]) -> list[m.Document]:
    by_key: dict[str, m.Document] = {}
    for doc in docs:
        by_key.setdefault(doc.document.key, doc.document)
    return list(by_key.values())


def _places(reading: Reading, mentions: Sequence[Mention], taxonomy: Taxonomy) -> list[m.Place]:
    places = []
    for place, group in _group(mentions).items():
        score = _score(reading, group, taxonomy.weights)
        if score < 0.9:
            continue
        role: m.Role = "primary" if score >= taxonomy.weights["primary"] else "mentioned"
        places.append(m.Place(id=place, role=role))
    return places
