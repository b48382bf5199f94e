"""A day of real arrivals through tagging, planning and delivery, with accidents in it.

New guids for what was shown in the morning, an archive shown again, one announcement in thirty papers, six hours
without Telegram: nobody gets more than their budget, every match is accounted for, and the digests hold the rest.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from services.alerter.plan import Rules, plan
from services.classifier import taxonomy
from services.classifier.tagger import Tagger
from tests.alerter import builders as b
from tests.alerter.virtual import VIRTUAL_TIME, World, start
from tests.classifier.story_building import changes as story_changes
from tests.classifier.story_building import handled, record, stage_on
from tinsom import codec
from tinsom import messages as m
from tinsom.clock import millis
from tinsom.messages import Alert, Delivery, Destination, Item, Match, StoryChange, Subscription, Suppression

DAY = "2026-01-16"
OUTAGE = (9.0, 15.0)  # hours of the day in UTC, as the day is cut
BUDGET = 6
HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
BROAD = ["chinh-phu", "bo-cong-an", "bo-tai-chinh", "ubnd-tp-hcm", "bo-y-te", "bo-gd-dt", "thu-tuong"]
SUBSCRIPTIONS = [
    Subscription(id="rong", destination="toa-soan", match=Match(agencies=BROAD, role="any")),
    Subscription(id="tu-khoa", destination="toa-soan", match=Match(keywords=["công an"], role="any")),
    Subscription(id="hep", destination="vp", match=Match(initiatives=["de-an-06", "nq-57"], role="any")),
    Subscription(id="khan", destination="truc-ban", match=Match(keywords=["cháy"], role="any"), priority="urgent"),
]  # fmt: skip
DESTINATIONS = [
    Destination(alias="toa-soan", channel="telegram", address="-1", budget=BUDGET, quiet=["22:00-06:00"]),
    Destination(alias="vp", channel="telegram", address="2", budget=BUDGET),
    Destination(alias="truc-ban", channel="telegram", address="3", quiet=["22:00-06:00"]),
]


def arrivals(folder: Path) -> list[Item]:
    with gzip.open(folder / "stream" / "first_seen.jsonl.gz", "rt") as lines:
        rows = [row for row in map(json.loads, lines) if row["first_seen"].startswith(DAY)]
    items = [
        b.item(
            id=row["id"], publisher=row["source"], source=row["source"], source_name=row["source"],
            url=row["link"], title=row["title"], lede=row["summary"],
            fetched_at=datetime.fromisoformat(row["first_seen"]),
            published_at=None, date_quality="missing",
        )
        for row in rows
    ]  # fmt: skip
    return sorted(items, key=lambda item: (item.fetched_at, item.id))


def accidents(items: list[Item]) -> list[Item]:
    noon = items[0].fetched_at.replace(hour=12, minute=0)
    morning = [item for item in items if item.fetched_at < noon]
    made = [
        b.item(  # a site makes its guids and links anew: what it showed in the morning is there once more
            id=f"lai-{i.id}", publisher=i.publisher, source=i.source, source_name=i.source, url=f"{i.url}?lai",
            title=i.title, lede=i.lede, fetched_at=noon, published_at=None, date_quality="missing",
        )
        for i in morning
    ]  # fmt: skip
    for number in range(500):  # an archive under new guids; its dates tell how old it is
        made.append(
            b.item(id=f"cu-{number}", title=f"Công an xử lý vụ việc số {number}", fetched_at=noon.replace(hour=20),
                   published_at=noon - timedelta(days=2 + number))
        )  # fmt: skip
    for number in range(30):  # one announcement in thirty papers, within an hour
        at = noon.replace(hour=17) + timedelta(minutes=2 * number)
        made.append(
            b.item(id=f"vang-{number}", publisher=f"bao-{number}.vn", source=f"bao-{number}", fetched_at=at,
                   title="Bộ Công an công bố lộ trình Đề án 06", published_at=at)
        )  # fmt: skip
    return made


def changes(items: list[Item], tagger: Tagger) -> list[StoryChange]:
    """The day, and its accidents, in the order of time, as the story step sees it."""
    stage, made = stage_on(), []
    for item in sorted([*items, *accidents(items)], key=lambda i: (i.fetched_at, i.id)):
        tagged = m.TaggedItem(item=msgspec.Raw(codec.to_bytes(item)), tags=tagger.tag(item))
        output = codec.output("tagged", item.id, tagged, millis(item.fetched_at.timestamp()), source="t")
        made += story_changes(handled(stage, record(output))[1])
    return made


def _time(change: StoryChange) -> datetime:
    return datetime.fromisoformat(json.loads(bytes(change.tagged))["item"]["fetched_at"].replace("Z", "+00:00"))


@VIRTUAL_TIME
async def test_a_real_day_with_accidents(private_data: Path) -> None:
    items = arrivals(private_data)
    assert len(items) > 400
    midnight = items[0].fetched_at.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    world = await start(DESTINATIONS, base=midnight)
    decided: Counter[str] = Counter()
    told: dict[str, Alert] = {}
    for change in changes(items, Tagger(taxonomy.load(None))):
        await _wait_until(world, _time(change).timestamp(), midnight)
        for decision in plan(change, SUBSCRIPTIONS, Rules()):
            if isinstance(decision, Suppression):
                decided[decision.reason] += 1
            else:
                told[decision.id] = decision
                await world.arrive(decision)
    await asyncio.sleep(36 * 3600)
    _check(world, told, decided)
    await world.stage.lost(world.partition)


async def _wait_until(world: World, moment: float, midnight: float) -> None:
    """Time passes; the network goes and comes."""
    while world.clock.now() < moment:
        hour = (world.clock.now() - midnight) / 3600
        world.channel.down = OUTAGE[0] <= hour < OUTAGE[1]
        await asyncio.sleep(min(60.0, moment - world.clock.now()))
    world.channel.down = OUTAGE[0] <= (moment - midnight) / 3600 < OUTAGE[1]


def _check(world: World, told: dict[str, Alert], decided: Counter[str]) -> None:
    deliveries = {i: d for i, d in world.log.deliveries().items() if not d.digest}
    digests = [d for d in world.log.deliveries().values() if d.digest]
    ends = Counter((d.destination, d.state, "edit" if d.edits else "") for d in deliveries.values())
    sent = Counter((m.chat_id, m.method) for m in world.api.accepted)
    print(
        dict(ends), "digests", Counter(d.destination for d in digests), "planned away", dict(decided), dict(sent)
    )
    assert set(deliveries) == set(told), "every match has its record"
    assert {state for _, state, _ in ends} <= {"sent", "digested", "suppressed"}
    assert decided["too_old"] >= 500, "the archive told nobody"
    _check_accidents(told, deliveries)
    assert all(d.state == "sent" for d in digests)
    assert sorted(i for d in digests for i in d.digest) == sorted(
        i for i, d in deliveries.items() if d.state == "digested"
    ), "what was not sent by itself is in one digest"
    for to in DESTINATIONS:
        _check_rate(world, to)
    assert {status for _, status in world.api.requests} == {200}
    assert world.api.duplicates() == {}


def _check_accidents(told: dict[str, Alert], deliveries: dict[str, Delivery]) -> None:
    messages = [d for d in deliveries.values() if d.state in ("sent", "digested") and not d.edits]
    again = [d for d in messages if d.item.startswith("lai-")]
    matched = [alert for alert in told.values() if alert.item.startswith("lai-")]
    assert len(matched) >= 20, "the accident is none"
    assert not again, [told[d.alert_id].notice.title for d in again]
    echoes = Counter(d.destination for d in messages if d.item.startswith("vang-"))
    assert set(echoes.values()) == {1}, "thirty papers, one message for each reader"
    edits = [d for d in deliveries.values() if d.edits and d.item.startswith("vang-") and d.state == "sent"]
    assert len(edits) >= 25, "and an edit for each that came later"


def _check_rate(world: World, to: Destination) -> None:
    """Single alerts in any hour stay inside the budget; nights are quiet but for what is urgent."""
    sent = [m for m in world.api.accepted if m.chat_id == to.address and m.method == "sendMessage"]
    single = [m.at for m in sent if "Bản tin tổng hợp" not in m.text]
    if to.budget:
        assert max((sum(t <= u < t + 3600 for u in single) for t in single), default=0) <= to.budget + 1
    if to.alias == "toa-soan":
        hours = [datetime.fromtimestamp(at, HANOI).hour for at in single]
        assert all(6 <= hour < 22 for hour in hours), hours
