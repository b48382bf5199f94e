"""What a mute would have hidden: what comes without it and not with it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from services.alerter.bot.past import Past
from services.alerter.forecasting import forecast
from services.alerter.plan import Rules
from services.alerter.rehearsal import hidden
from tests.alerter import builders as b
from tests.alerter.test_service import opened
from tinsom.clock import ManualClock
from tinsom.config import Config, MuteConfig, SubscriptionConfig
from tinsom.messages import Match, Mute, StoryChange

DE_AN, BO = Match(initiatives=["de-an-06"]), Match(agencies=["bo-cong-an"], role="any")
WISHES = [b.subscription("de-an", "nhom", match=DE_AN), b.subscription("bo", "khac", match=BO)]
LATER = b.NOW + timedelta(days=1)


def story(number: int, *agencies: str) -> StoryChange:
    item = b.item(id=f"i{number}", title=f"Tin số {number}")
    found = b.tags(id=item.id, agencies=[b.tag(agency, name=agency) for agency in agencies])
    return b.change(item, found, story=f"s{number}", item=item.id)


def past() -> Past:
    """Ten stories of one initiative; every third names a ministry."""
    known = Past()
    for number in range(10):
        known.add(b.NOW_S + number, story(number, *(["bo-cong-an"] if number % 3 == 0 else [])))
    return known


def test_a_mute_hides_what_meets_it_and_nothing_else() -> None:
    rule = Mute(id="m", match=BO, until=LATER, destination="nhom")
    found = hidden(past(), rule, WISHES, Rules(), b.NOW_S + 60)
    assert (found.count, found.of) == (4, 10), "of the one chat it speaks to"
    assert [line.title for line in found.latest] == ["Tin số 9", "Tin số 6", "Tin số 3", "Tin số 0"]


def test_a_mute_of_nobody_in_particular_speaks_to_all() -> None:
    found = hidden(past(), Mute(id="m", match=BO, until=LATER), WISHES, Rules(), b.NOW_S + 60)
    assert (found.count, found.of, len(found.latest)) == (8, 14, 5)


async def test_told_from_the_log_for_each_row_of_the_file(tmp_path: Path) -> None:
    config = Config(
        subscriptions=[SubscriptionConfig(id=s.id, destination=s.destination, match=s.match) for s in WISHES],
        mutes=[MuteConfig(id="m", match=BO, until=LATER, destination="khac")],
    )
    async with opened(tmp_path) as log:
        await log.append([b.change_output(story(n, "bo-cong-an")) for n in range(2)], writer="stories")
        lines = [line async for line in forecast(config, log, ManualClock(b.NOW_S + 60))]
    assert [line for line in lines if not line.startswith(" ")] == [
        "de-an → nhom: 2 in 1 day, 2.0 a day",
        "bo → khac: 2 in 1 day, 2.0 a day",
        "mute m → khac: would hide 2 of 2",
    ]
    assert lines[1].endswith(" Tin số 1")


async def test_an_empty_log_is_no_forecast_of_nothing(tmp_path: Path) -> None:
    config = Config(subscriptions=[SubscriptionConfig(id="s", destination="nhom", match=DE_AN)])
    async with opened(tmp_path) as log:
        lines = [line async for line in forecast(config, log, ManualClock(b.NOW_S))]
    assert lines == ["nothing known yet: the log holds no story of the last 30 days"]
