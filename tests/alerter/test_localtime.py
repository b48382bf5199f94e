"""Quiet hours and digest times, clock changes included."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.alerter import builders as b
from tinsom import localtime
from tinsom.localtime import next_digest, next_hour, parse_quiet, parse_time, quiet_until
from tinsom.messages import Destination

HANOI, BERLIN = ZoneInfo("Asia/Ho_Chi_Minh"), ZoneInfo("Europe/Berlin")


def to(**changes: Any) -> Destination:
    return b.destination(**changes)


def at(text: str, zone: ZoneInfo = HANOI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("quiet", "moment", "end"),
    [
        (["22:00-06:30"], "2025-06-15 21:59", None),
        (["22:00-06:30"], "2025-06-15 22:00", "2025-06-16 06:30"),
        (["22:00-06:30"], "2025-06-16 03:00", "2025-06-16 06:30"),
        (["22:00-06:30"], "2025-06-16 06:30", None),
        (["mon-fri 22:00-06:30"], "2025-06-15 23:00", None),
        (["mon-fri 22:00-06:30"], "2025-06-21 03:00", "2025-06-21 06:30"),
        (["sat,sun 00:00-24:00"], "2025-06-14 12:00", "2025-06-16 00:00"),
        (["sat,sun 00:00-24:00", "22:00-06:30"], "2025-06-13 23:00", "2025-06-16 06:30"),
        (["fri-mon 12:00-13:00"], "2025-06-16 12:30", "2025-06-16 13:00"),
        (["fri-mon 12:00-13:00"], "2025-06-17 12:30", None),
        ([], "2025-06-15 23:00", None),
    ],
)
def test_quiet(quiet: list[str], moment: str, end: str | None) -> None:
    assert quiet_until(at(moment), to(quiet=quiet)) == (at(end) if end else None)


def test_round_the_clock_quiet_ends_somewhere() -> None:
    assert quiet_until(at("2025-06-15 12:00"), to(quiet=["00:00-24:00"])) is not None


def test_a_night_in_which_clocks_change() -> None:
    """Berlin goes from 02:00 to 03:00 on 2025-03-30 and back on 2025-10-26: the wall clock decides."""
    place = to(quiet=["22:00-06:00"], timezone="Europe/Berlin")
    short = quiet_until(at("2025-03-29 22:30", BERLIN), place)
    assert short == at("2025-03-30 06:00", BERLIN)
    assert short - at("2025-03-29 22:00", BERLIN).astimezone(UTC) == timedelta(hours=7)
    long = quiet_until(at("2025-10-25 22:30", BERLIN), place)
    assert long is not None
    assert long - at("2025-10-25 22:00", BERLIN).astimezone(UTC) == timedelta(hours=9)


@pytest.mark.parametrize(
    ("settings", "after", "expected"),
    [
        ({}, "2025-06-15 07:29", "2025-06-15 07:30"),
        ({}, "2025-06-15 07:30", "2025-06-16 07:30"),
        ({"digest": "hourly"}, "2025-06-15 07:30", "2025-06-15 08:00"),
        ({"digest": "hourly"}, "2025-06-15 08:00", "2025-06-15 09:00"),
        ({"digest": "weekly"}, "2025-06-15 12:00", "2025-06-16 07:30"),
        ({"digest": "weekly"}, "2025-06-16 07:30", "2025-06-23 07:30"),
        ({"digest_at": "17:00"}, "2025-06-15 08:00", "2025-06-15 17:00"),
        ({"quiet": ["00:00-08:00"]}, "2025-06-15 01:00", "2025-06-15 08:00"),
        ({"digest": "hourly", "quiet": ["22:00-06:30"]}, "2025-06-15 22:10", "2025-06-16 06:30"),
    ],
)
def test_next_digest(settings: dict[str, Any], after: str, expected: str) -> None:
    assert next_digest(at(after), to(**settings)) == at(expected)


def test_next_hour() -> None:
    assert next_hour(at("2025-06-15 08:10"), to()) == at("2025-06-15 09:00")
    assert next_hour(at("2025-06-15 21:10"), to(quiet=["22:00-06:30"])) == at("2025-06-16 06:30")


@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
    st.sampled_from(["hourly", "daily", "weekly"]),
    st.sampled_from([[], ["22:00-06:30"], ["sat,sun 00:00-24:00"], ["mon-fri 12:00-13:30", "23:00-05:00"]]),
    st.sampled_from(["Asia/Ho_Chi_Minh", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
)
def test_a_digest_comes_later_soon_and_not_in_quiet_hours(
    moment: datetime, digest: str, quiet: list[str], zone: str
) -> None:
    place = to(digest=digest, quiet=quiet, timezone=zone)
    due = next_digest(moment, place)
    assert moment < due <= moment + timedelta(days=10)
    assert quiet_until(due, place) is None


@pytest.mark.parametrize(
    "text", ["", "22-6", "25:00-06:00", "22:00-06:60", "xyz 22:00-06:00", "24:00-06:00", "24:30-1:00"]
)
def test_bad_quiet(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no |starts at"):
        parse_quiet(text)


@pytest.mark.parametrize("text", ["", "7", "24:00", "07:60"])
def test_bad_time(text: str) -> None:
    with pytest.raises(ValueError, match="no time of day"):
        parse_time(text)


def test_faults_are_told() -> None:
    assert localtime.faults(to()) == []
    bad = to(timezone="Asia/Hanoi", quiet=["sáng"], digest_at="25:00")
    assert len(localtime.faults(bad)) == 3
    assert "Asia/Ho_Chi_Minh" in localtime.faults(bad)[0]
