"""The sample day, which says of each article whose copy it is: every copy is joined, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

from services.classifier.story import stories
from services.classifier.story.shelf import Shelf
from services.demo import edition
from services.demo.edition import Article
from tests.classifier.private import tagger
from tinsom import messages as m


def item(article: Article) -> m.Item:
    first = article.versions[0]
    return m.Item(
        id=f"{article.id}@{article.publisher}", publisher=article.publisher, source=article.feeds[0], url="",
        title=first.title, lede=first.lede, text="\n".join(first.body), baseline=article.baseline,
        fetched_at=datetime.fromtimestamp(article.at, UTC),
    )  # fmt: skip


def test_every_copy_of_the_sample_day_is_joined_and_nothing_else() -> None:
    shelf = Shelf()
    for article in edition.load().articles:
        an_item = item(article)
        for story in stories.decide(shelf, an_item, tagger().tag(an_item)).changed:
            shelf.put(story)
    for story in shelf.stories.values():
        assert {name.split("@")[0] for name in story.items} == {story.id.split("@")[0]}
    homes = {name.split("@")[0] for story in shelf.stories.values() for name in story.items}
    assert len(shelf.stories) == len(homes)
