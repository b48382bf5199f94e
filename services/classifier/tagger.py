"""Text → tags with evidence: pure, the same for the same input and taxonomy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import msgspec

from services.classifier import (
    acceptance,
    assembly,
    bodies,
    documents,
    events,
    glossary,
    hits,
    indicators,
    orders,
    patterns,
    reading,
    salience,
    tasks,
    themes,
)
from services.classifier.lexicon import Lexicon
from services.classifier.mentions import Found, Mention, grouped
from services.classifier.patterns import Kind
from services.classifier.reading import Reading
from services.classifier.taxonomy import Taxonomy
from services.classifier.unmarked import Unmarked
from tinsom import messages as m

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


class TagInput(msgspec.Struct, frozen=True, kw_only=True):
    """What `tinsom tag` reads: an item, or anything with a title or a text."""

    id: str = ""
    title: str = ""
    lede: str = ""
    text: str = ""
    published_at: datetime | date | None = None


@dataclass
class Tagger:
    taxonomy: Taxonomy

    def __post_init__(self) -> None:
        self.matcher = patterns.build(self.taxonomy, themes.spellings(self.taxonomy.themes))
        self.themes = themes.Themes(self.taxonomy, self.matcher)
        self.unmarked = Unmarked.of(self.matcher)
        self.lexicon = Lexicon.of(self.taxonomy)
        self.registry = documents.Registry.of(self.taxonomy.documents)
        self.weights = salience.Weights.of(self.taxonomy)
        self.tails = frozenset(self.taxonomy.context.tail)

    def read(self, item: TagInput | m.Item) -> Reading:
        return reading.read(item.title, item.lede, item.text, _day(item), self.tails)

    def tag(self, item: TagInput | m.Item) -> m.Tags:
        """All that the item announces, in the order of design §8; spans count code points of the given fields."""
        read = self.read(item)
        raw = self.matcher.hits(read.lower)
        lanes = hits.lanes(self.unmarked.added(read, hits.find(read, self.matcher, raw)))
        found = glossary.apply(read, lanes, self.lexicon.organisations, self.lexicon.acts)
        docs = documents.find(read, lanes, self.registry)
        who = bodies.find(read, found, self.lexicon)
        classes = [*lanes.words.get("bodies", ()), *lanes.words.get("class", ())]
        todo = tasks.find(read, lanes.words.get("time", ()), who.agencies)
        counted = indicators.find(read)
        happened = events.find(read, lanes.words, who.agencies)
        scorer = self._scorer(read, who, todo, counted, happened)
        named = [*_initiatives(read, found), *_founded(docs)]
        agencies = assembly.agencies(scorer, grouped(who.agencies))
        accepted = acceptance.initiatives(read, named, who, docs, self.lexicon)
        return m.Tags(
            id=item.id,
            initiatives=[
                *assembly.initiatives(scorer, accepted, agencies),
                *self.themes.tags(read, raw),
            ],
            agencies=agencies,
            documents=assembly.documents(docs),
            places=assembly.places(read, who.places),
            events=happened,
            tasks=[*todo, *orders.find(read, who.agencies, classes, todo, tasks.ORDERERS)],
            indicators=[indicator for _, indicator in counted],
            taxonomy=self.taxonomy.version,
        )

    def outcomes(self, item: TagInput | m.Item) -> list[themes.Outcome]:
        """Which themes fired, and how far the others were from it."""
        if not self.taxonomy.themes:
            return []
        read = self.read(item)
        return self.themes.weigh(read, self.matcher.hits(read.lower))

    def _scorer(
        self,
        read: Reading,
        who: bodies.Bodies,
        todo: list[m.Task],
        counted: list[tuple[int, m.Indicator]],
        happened: list[m.Event],
    ) -> salience.Scorer:
        return salience.Scorer(
            read,
            self.taxonomy,
            self.weights,
            numbers=read.sentence_numbers([position for position, _ in counted]),
            actors=read.sentence_numbers(salience.actors(who.agencies)),
            leads=frozenset(lead for task in todo for lead in task.lead),
            hosts=frozenset(event.body for event in happened if event.body),
        )


def _day(item: TagInput | m.Item) -> date | None:
    """In local time: six in the morning is still yesterday in a feed that tells it in GMT."""
    when = item.published_at
    if not isinstance(when, datetime):
        return when
    try:
        return when.astimezone(ZONE).date() if when.tzinfo else when.date()
    except OverflowError:  # the first and the last day that there are
        return when.date()


def _initiatives(read: Reading, found: Sequence[hits.Hit]) -> Iterable[Mention]:
    initiative = Kind.INITIATIVE  # looked up once: an enum's member costs ten times a name
    for hit in found:
        if hit.start >= read.tail:
            return
        for entry in hit.entries:
            if entry.kind is initiative:
                yield Mention(entry.id, hit.start, hit.end, entry.rule, entry.factor, entry.weak)


def _founded(docs: Sequence[Found]) -> Iterable[Mention]:
    for doc in docs:
        if doc.initiative:
            yield Mention(doc.initiative, doc.start, doc.end, f"{doc.initiative}/document/{doc.document.key}")
