from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.reading.documents import read
from services.collector.web import manners
from services.collector.web.manners import Wishes, fresh_for, outside_skipped, wait, wishes
from tests.collector.build import NOW

DATE = "Tue, 10 Mar 2026 03:00:00 GMT"  # NOW


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"cache-control": "public, max-age=600"}, 600),
        ({"cache-control": 'max-age="600"', "age": "100"}, 500),
        ({"cache-control": "s-maxage=9, Max-Age=60"}, 60),
        ({"cache-control": "max-age=99999999"}, manners.LONGEST_CACHE),
        ({"cache-control": "no-cache", "expires": "Tue, 10 Mar 2026 03:10:00 GMT"}, 0),
        ({"expires": "Tue, 10 Mar 2026 03:10:00 GMT"}, 600),
        ({"expires": "Tue, 10 Mar 2026 05:10:00 GMT", "date": "Tue, 10 Mar 2026 05:00:00 GMT"}, 600),
        ({"expires": "0"}, 0),
        ({"expires": "Mon, 09 Mar 2026 03:10:00 GMT"}, 0),
    ],
)
def test_what_http_calls_fresh(headers: dict[str, str], seconds: float) -> None:
    assert fresh_for(headers, NOW) == seconds


def test_a_feed_s_own_wish_counts_by_tier() -> None:
    hourly = wishes(period="hourly", frequency="2", ttl="x")
    assert hourly.period == 1_800
    assert [wait({}, hourly, tier, NOW) for tier in (1, 2, 3)] == [300, 900, 1_800]
    assert wait({"cache-control": "max-age=2000"}, hourly, 1, NOW) == 2_000


def test_hours_and_days_to_stay_away() -> None:
    away = wishes(hours=("3", "4", "x"), days=("Wednesday", "Never"))
    assert (away.skip_hours, away.skip_days) == ((3, 4), (2,))
    assert outside_skipped(NOW, away) == datetime(2026, 3, 10, 5, tzinfo=UTC).timestamp()
    evening = datetime(2026, 3, 10, 23, 59, tzinfo=UTC).timestamp()
    assert outside_skipped(evening + 120, away) == datetime(2026, 3, 12, tzinfo=UTC).timestamp()


def test_whoever_never_wants_to_be_asked_is_asked_all_the_same() -> None:
    never = Wishes(skip_hours=tuple(range(24)))
    assert outside_skipped(NOW, never) - NOW <= 7 * 86_400


@given(st.text(max_size=12), st.text(max_size=12), st.text(max_size=12))
def test_nonsense_is_no_wish(ttl: str, period: str, value: str) -> None:
    wish = wishes(ttl=ttl, period=period, frequency=value, hours=(value,), days=(value,))
    headers = {"cache-control": f"max-age={value}", "expires": value, "age": value, "date": value}
    assert 0 <= wait(headers, wish, 2, NOW) <= manners.LONGEST_CACHE


def test_wishes_are_read_from_the_document_by_both_readers() -> None:
    body = (
        "<rss version='2.0' xmlns:sy='http://purl.org/rss/1.0/modules/syndication/'><channel><ttl>15</ttl>"
        "<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>"
        "<skipHours><hour>1</hour><hour>2</hour></skipHours><skipDays><day>Sunday</day></skipDays>"
        "<item><title>t</title>{}</item></channel></rss>"
    )
    quick = read(body.format("").encode(), "", "https://bao.example/f").wishes
    assert quick == Wishes(ttl=900, period=900, skip_hours=(1, 2), skip_days=(6,))
    patient = read(body.format("<title>again</title>").encode(), "", "https://bao.example/f").wishes
    assert (patient.ttl, patient.period) == (900, 900)
