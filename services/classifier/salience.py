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


def decide(
    item_id: str,
    reading: Reading,
    named: Sequence[Mention],
    bodies: Bodies,
    docs: Sequence[Found],
    taxonomy: Taxonomy,
) -> m.Tags:
    initiatives = [*_accepted(reading, named, bodies, docs), *_implied(bodies, taxonomy)]
    tags = _tags(reading, initiatives, taxonomy)
    return m.Tags(
        id=item_id,
        initiatives=_with_parents(tags, taxonomy),
        agencies=_agencies(reading, bodies.agencies, taxonomy),
        documents=_documents(docs),
        places=_places(reading, bodies.places, taxonomy),
        taxonomy=taxonomy.version,
    )


def _accepted(
    reading: Reading, named: Sequence[Mention], bodies: Bodies, docs: Sequence[Found]
) -> Iterable[Mention]:
    """Weak words count only in company: a public body or a strong name in the same sentence, or a public item."""
    strong = {mention.id for mention in named if not mention.weak}
    anchors = [mention.start for mention in bodies.agencies if not mention.office] + [d.start for d in docs]
    anchors += [mention.start for mention in named if not mention.weak]
    public = len({mention.id for mention in bodies.agencies}) + len({d.document.key for d in docs}) + len(strong)
    for mention in named:
        if not mention.weak or mention.id in strong or public >= 3:
            yield mention
            continue
        start, end = reading.sentence(mention.start)
        if any(start <= anchor < end for anchor in anchors):
            yield mention


def _implied(bodies: Bodies, taxonomy: Taxonomy) -> Iterable[Mention]:
    for mention in bodies.agencies:
        row = taxonomy.agencies.get(mention.id)
        for initiative in row.implies if row else ():
            yield Mention(initiative, mention.start, mention.end, f"{initiative}/in-name", implied=True)


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
