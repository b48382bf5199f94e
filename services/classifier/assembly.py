"""From scored mentions to the tags of the message: evidence, parents, successors, order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from services.classifier.mentions import Found, Mention, grouped
from services.classifier.reading import Reading, Segment
from services.classifier.salience import PRIMARY, Scorer
from services.classifier.taxonomy import Agency, Initiative, Taxonomy
from tinsom import messages as m

MAX_EVIDENCE = 20
# Two readers gave up to eight to one article; five, a rounder number, would lose 7 % of theirs.
MAX_PRIMARY = 9
PLACE_LEAST, PLACE_PRIMARY = 0.9, 4.0
_PLACE_POINTS = {Segment.TITLE: 5.0, Segment.LEDE: 3.0, Segment.BODY: 1.0, Segment.CAPTION: 0.5, Segment.TAIL: 0.0}


def initiatives(scorer: Scorer, groups: Mapping[str, Sequence[Mention]], agencies: Sequence[m.Tag]) -> list[m.Tag]:
    """`agencies`: those of the same item."""
    tags = _tags(scorer.reading, groups, scorer.initiatives(groups, agencies))
    return _with_parents(_capped(tags), scorer.taxonomy.initiatives)


def agencies(scorer: Scorer, groups: Mapping[str, Sequence[Mention]]) -> list[m.Tag]:
    tags = _tags(scorer.reading, groups, scorer.agencies(groups))
    return _with_parents(_with_successors(_capped(tags), scorer), scorer.taxonomy.agencies)


def _capped(tags: list[m.Tag]) -> list[m.Tag]:
    """An item about everything is about nothing: beyond the highest scores, primary tags step down."""
    primary = [tag for tag in tags if tag.role == "primary"]
    if len(primary) <= MAX_PRIMARY:
        return tags
    over = {tag.id for tag in sorted(primary, key=_rank)[MAX_PRIMARY:]}
    return [msgspec.structs.replace(tag, role="mentioned") if tag.id in over else tag for tag in tags]


def _tags(reading: Reading, groups: Mapping[str, Sequence[Mention]], scores: Iterable[float]) -> list[m.Tag]:
    return [
        m.Tag(
            id=tag,
            role="primary" if score >= PRIMARY else "mentioned",
            score=score,
            evidence=[reading.evidence(one.start, one.end, one.rule) for one in group[:MAX_EVIDENCE]],
        )
        for (tag, group), score in zip(groups.items(), scores, strict=True)
    ]


def _with_successors(tags: Iterable[m.Tag], scorer: Scorer) -> list[m.Tag]:
    """A body that had ended by the item's date is tagged as what the text names, with what took its place."""
    day = scorer.reading.day
    return [_succeeded(tag, scorer.taxonomy) if day and _ended(tag, scorer) else tag for tag in tags]


def _ended(tag: m.Tag, scorer: Scorer) -> bool:
    row, day = scorer.taxonomy.agencies.get(tag.id), scorer.reading.day
    return row is not None and row.valid_to is not None and day is not None and row.valid_to < day


def _succeeded(tag: m.Tag, taxonomy: Taxonomy) -> m.Tag:
    successors = [successor.id for successor in taxonomy.agencies[tag.id].successors]
    return msgspec.structs.replace(tag, successors=successors) if successors else tag


def _with_parents(tags: list[m.Tag], rows: Mapping[str, Initiative | Agency]) -> list[m.Tag]:
    """A parent has its child's role; being named itself can only raise that."""
    by_id = {tag.id: tag for tag in tags}
    waiting = [tag for tag in tags if (row := rows.get(tag.id)) and row.parents]
    while waiting:
        child = waiting.pop()
        row = rows.get(child.id)
        for parent in row.parents if row else ():
            known = by_id.get(parent)
            if known is None:
                derived = m.Tag(
                    id=parent, role=child.role, score=child.score, evidence=child.evidence, via=child.id
                )
            elif known.role == "mentioned" and child.role == "primary":
                derived = msgspec.structs.replace(known, role="primary", score=child.score, via=child.id)
            else:
                continue
            by_id[parent] = derived
            waiting.append(derived)
    return sorted(by_id.values(), key=_rank)


def _rank(tag: m.Tag) -> tuple[bool, float, str]:
    return tag.role != "primary", -tag.score, tag.id


def documents(docs: Sequence[Found]) -> list[m.Document]:
    by_key: dict[str, m.Document] = {}
    for doc in docs:
        by_key.setdefault(doc.document.key, doc.document)
    return list(by_key.values())


def places(reading: Reading, mentions: Sequence[Mention]) -> list[m.Place]:
    found = []
    for place, group in grouped(mentions).items():
        score = sum(_PLACE_POINTS[reading.segment(mention.start)] * mention.factor for mention in group)
        if score >= PLACE_LEAST:
            found.append(m.Place(id=place, role="primary" if score >= PLACE_PRIMARY else "mentioned"))
    return found
