"""A day of real arrivals through tagging, planning and delivery, with accidents in it.

An archive that is shown again, one announcement in thirty papers, six hours without Telegram: nobody gets more
than their budget, every match is accounted for, and the digests hold the rest.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from services.alerter.plan import Rules, plan
from services.classifier import taxonomy
from services.classifier.tagger import Tagger
from tests.alerter import builders as b
from tests.alerter.virtual import World, start
from tinsom.messages import Alert, Destination, Item, Match, StoryChange, Subscription, Suppression

DAY = "2026-01-16"
OUTAGE = (9.0, 15.0)  # hours of the day, in Hà Nội
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


def changes(items: list[Item], tagger: Tagger) -> list[StoryChange]:
    """The day, and its accidents, in the order of time."""
    made = [b.change(i, tagger.tag(i), story=i.id, began_at=i.fetched_at) for i in items]
    noon = items[0].fetched_at.replace(hour=12, minute=0)
    for number in range(500):  # the archive again, under new guids; its dates tell how old it is
        old = b.item(id=f"cu-{number}", title=f"Công an xử lý vụ việc số {number}", fetched_at=noon,
                     published_at=noon - timedelta(days=2 + number))  # fmt: skip
        made.append(b.change(old, tagger.tag(old), story=old.id, began_at=noon))
    for number in range(30):  # one announcement in thirty papers, within an hour
        at = noon.replace(hour=17) + timedelta(minutes=2 * number)
        echo = b.item(
            id=f"vang-{number}", title="Bộ Công an công bố lộ trình Đề án 06", fetched_at=at, published_at=at
        )
        made.append(
            b.change(echo, tagger.tag(echo), story="vang", revision=number + 1, kind="source" if number else "new",
                     began_at=noon.replace(hour=17), sources=[f"b{n}" for n in range(number + 1)])
        )  # fmt: skip
    return sorted(made, key=lambda c: (_time(c), c.item))


def _time(change: StoryChange) -> datetime:
    return datetime.fromisoformat(json.loads(bytes(change.tagged))["item"]["fetched_at"].replace("Z", "+00:00"))


@pytest.mark.looptime
@pytest.mark.timeout(300)
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
    states = Counter((d.destination, d.state) for d in deliveries.values())
    print(dict(states), "digests", Counter(d.destination for d in digests), "suppressed", dict(decided))
    assert set(deliveries) == set(told)
    assert {state for _, state in states} <= {"sent", "digested", "suppressed"}
    assert decided["too_old"] >= 500, "the archive told nobody"
    echoes = [d for d in deliveries.values() if d.story == "vang"]
    assert Counter(d.state for d in echoes if d.state != "suppressed").total() <= 2, "one message for each reader"
    assert all(d.state == "sent" for d in digests)
    digested = {i for d in digests for i in d.digest}
    assert digested == {i for i, d in deliveries.items() if d.state == "digested"}
    for to in DESTINATIONS:
        _check_rate(world, to)
    assert {status for _, status in world.api.requests} == {200}
    assert world.api.duplicates() == {}


def _check_rate(world: World, to: Destination) -> None:
    """Single alerts in any hour stay inside the budget; nights are quiet but for what is urgent."""
    single = [m.at for m in world.api.accepted if m.chat_id == to.address and "Bản tin tổng hợp" not in m.text]
    if to.budget:
        assert max((sum(t <= u < t + 3600 for u in single) for t in single), default=0) <= to.budget + 1
    if to.alias == "toa-soan":
        hours = [datetime.fromtimestamp(at, HANOI).hour for at in single]
        assert all(6 <= hour < 22 for hour in hours), hours
