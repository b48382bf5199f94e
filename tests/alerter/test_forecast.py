"""What following something would have sent: the number that a replay of those days sends."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alerter.bot import past
from services.alerter.bot.past import DAY, Past, forecast
from services.alerter.bot.pastlog import PastLog
from services.alerter.plan import Rules
from services.alerter.service import run as alerter
from services.classifier import taxonomy
from services.classifier.tagger import Tagger
from services.cli.rerunning import rerun
from services.demo import edition as editions
from tests.alerter import builders as b
from tests.alerter.test_service import opened
from tests.classifier.story_building import changes, handled, record, stage_on
from tinsom import codec
from tinsom.clock import ManualClock, millis
from tinsom.config import Config, DestinationConfig, SubscriptionConfig
from tinsom.log import Record
from tinsom.messages import Delivery, Item, Match, StoryChange, TaggedItem

WISHES = {
    "de-an": Match(initiatives=["de-an-06"]),
    "cds": Match(initiatives=["cds-quoc-gia"]),
    "tinh": Match(places=["dong-thap"]),
    "bo": Match(agencies=["bo-cong-an"]),
    "tu-khoa": Match(keywords=["dữ liệu"]),
    "khong": Match(initiatives=["nq-57"], places=["ca-mau"]),
}


@dataclass(frozen=True)
class Day:
    changes: list[tuple[float, StoryChange]]

    @property
    def ends(self) -> float:
        return self.changes[-1][0] + 60


@pytest.fixture(scope="module")
def day() -> Day:
    """The demo's day, tagged and joined to stories: 147 articles, copies in other papers, edits, a baseline."""
    stage, tagger, made = stage_on(), Tagger(taxonomy.load()), []
    for item in sorted(_items(), key=lambda item: (item.fetched_at, item.id)):
        at = item.fetched_at.timestamp()
        tagged = TaggedItem(item=msgspec.Raw(codec.to_bytes(item)), tags=tagger.tag(item))
        output = codec.output("tagged", item.id, tagged, millis(at), source="t")
        made += [(at, change) for change in changes(handled(stage, record(output))[1])]
    return Day(made)


def _items() -> list[Item]:
    found = []
    for article in editions.load().articles:
        for number, version in enumerate(article.versions, 1):
            at = datetime.fromtimestamp(version.at, UTC)
            found.append(
                b.item(
                    id=f"{article.publisher}-{article.id}", publisher=article.publisher, source=article.publisher,
                    title=version.title, lede=version.lede, text="\n".join(version.body), fetched_at=at,
                    published_at=at, revision=number, baseline=article.baseline,
                    change="new" if number == 1 else "revised",
                )
            )  # fmt: skip
    return found


def _record(n: int, at: float, change: StoryChange) -> Record:
    o = codec.output("story-changes", change.story, change, millis(at), source="stories")
    return Record("story-changes", 0, n, o.timestamp, o.key, o.value, o.headers)


async def test_a_forecast_is_what_a_replay_sends(day: Day, tmp_path: Path) -> None:
    """Through the real stages on a log of their own, and by the bot's memory of the same records."""
    config = Config(
        namespace="live",
        destinations=[DestinationConfig(alias=alias, channel="recording") for alias in WISHES],
        subscriptions=[SubscriptionConfig(id=a, destination=a, match=match) for a, match in WISHES.items()],
    )
    records = [_record(n, at, change) for n, (at, change) in enumerate(day.changes)]
    sent: Counter[str] = Counter()
    async with opened(tmp_path, "scratch") as log:
        await rerun(config, log, "story-changes", records, [alerter])
        newest = {d.alert_id: d async for r in log.read("deliveries", 0) if (d := codec.decode_as(r, Delivery))}
        sent.update(d.destination for d in newest.values() if d.state != "suppressed" and not d.edits and d.item)
        told = PastLog(log, ManualClock(day.ends), Rules())
        foreseen = {alias: (await told.forecast(match)).count for alias, match in WISHES.items()}
    assert foreseen == {alias: sent[alias] for alias in WISHES}
    assert min(foreseen[alias] for alias in ("de-an", "cds", "tinh", "bo")) >= 5
    assert foreseen["khong"] == 0


def test_the_latest_five_are_the_last_that_would_have_come(day: Day) -> None:
    remembered = Past()
    for at, change in day.changes:
        remembered.add(at, change)
    found = forecast(remembered, WISHES["de-an"], Rules(), day.ends)
    assert len(found.latest) == 5
    assert [line.at for line in found.latest] == sorted((line.at for line in found.latest), reverse=True)
    assert 1 < found.days < 2, "the day, and what the feeds showed of the one before"


async def test_what_comes_later_is_read_on_and_once(tmp_path: Path) -> None:
    clock = ManualClock(b.NOW_S + 60)
    async with opened(tmp_path) as log:
        known = PastLog(log, clock, Rules())
        assert (await known.forecast(Match(initiatives=["de-an-06"]))).days == 0
        for count in (1, 2, 3):
            await log.append([b.change_output(b.change(story=f"s{count}"))], writer="stories")
            found = await known.forecast(Match(initiatives=["de-an-06"]))
            assert (found.count, len(known.past.entries)) == (count, count)
        both = await asyncio.gather(*(known.forecast(Match(initiatives=["de-an-06"])) for _ in range(2)))
        assert [f.count for f in both] == [3, 3]


async def test_a_month_that_is_read_for_the_first_time_is_never_whole_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past, "MOST", 5)
    lengths: list[int] = []
    add = Past.add

    def counted(self: Past, at: float, change: StoryChange) -> None:
        add(self, at, change)
        lengths.append(len(self.entries))

    monkeypatch.setattr(Past, "add", counted)
    async with opened(tmp_path) as log:
        made = [b.change_output(b.change(b.item(id=f"i{n}"), story=f"s{n}")) for n in range(40)]
        await log.append(made, writer="stories")
        known = PastLog(log, ManualClock(b.NOW_S + 60), Rules())
        await known.refresh()
    assert (len(lengths), max(lengths), len(known.past.entries), len(known.past.items)) == (40, 11, 5, 5)


def test_what_is_too_old_or_too_much_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    remembered = Past()
    for n in range(40):
        remembered.add(b.NOW_S + n * DAY, b.change(b.item(id=f"i{n}"), story=f"s{n}"))
    now = b.NOW_S + 39.5 * DAY
    remembered.prune(now)
    assert (len(remembered.entries), len(remembered.items)) == (30, 30)
    assert remembered.days(now) == pytest.approx(29.5)
    monkeypatch.setattr(past, "MOST", 10)
    remembered.prune(now)
    assert (len(remembered.entries), round(remembered.days(now))) == (10, 10)


KINDS = st.sampled_from(["new", "source", "fact", "withdrawn", "deadline"])
STEPS = st.lists(st.tuples(st.integers(0, 3), KINDS, st.booleans(), st.booleans()), max_size=12)


@given(STEPS)
def test_no_order_of_changes_counts_a_story_twice(steps: list[tuple[int, str, bool, bool]]) -> None:
    """A reader hears of a story first once; only what changes a fact or reminds comes again."""
    remembered, again = Past(), 0
    for n, (story, kind, matches, baseline) in enumerate(steps):
        tags = b.tags(initiatives=[b.tag("de-an-06")] if matches else [])
        change = b.change(
            b.item(id=f"i{n}", baseline=baseline), tags, story=f"s{story}", kind=kind, revision=n,
            began_at=b.NOW + timedelta(minutes=story),
        )  # fmt: skip
        remembered.add(b.NOW_S + n, change)
        # The story step makes one news of a story; a second would be told, here as by the sender.
        again += kind in ("fact", "withdrawn", "deadline", "new")
    found = forecast(remembered, Match(initiatives=["de-an-06"]), Rules(), b.NOW_S + DAY)
    assert found.count <= len({story for story, _, matches, _ in steps if matches}) + again
