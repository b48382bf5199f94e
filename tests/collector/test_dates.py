from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.reading import dates

NOW = datetime(2026, 11, 25, tzinfo=UTC).timestamp()
VIETNAM = "Asia/Ho_Chi_Minh"


def read(raw: str, *, month_first: bool | None = None) -> tuple[str, str]:
    found = dates.read(raw, now=NOW, timezone=VIETNAM, month_first=month_first)
    return (found.at.strftime("%Y-%m-%d %H:%M:%S") if found.at else ""), found.quality


@pytest.mark.parametrize(
    ("raw", "utc", "quality"),
    [
        ("Thứ Năm, 06/02/2025, 14:25", "2025-02-06 07:25:00", "exact"),
        ("Thứ 5, 28/05/2026 17:00:00 GMT+7", "2026-05-28 10:00:00", "exact"),
        ("10/2/2026 9:25:00 AM", "2026-10-02 02:25:00", "inferred"),
        ("10/23/2026 9:25:00 AM", "2026-10-23 02:25:00", "exact"),
        ("23/10/2026 9:25:00 AM", "2026-10-23 02:25:00", "exact"),
        ("2/2/2026 9:25:00 PM", "2026-02-02 14:25:00", "exact"),
        ("10/2/2026 9:25:00 CH", "2026-02-10 14:25:00", "exact"),
        ("2025-11-23 17:00:00", "2025-11-23 10:00:00", "exact"),
        ("06/02/2025 14:25", "2025-02-06 07:25:00", "exact"),
        ("23-11-2025 17:00:00", "2025-11-23 10:00:00", "exact"),
        ("Thu, 06 Feb 2025 14:25:00 GMT+7", "2025-02-06 07:25:00", "exact"),
        ("Thu, 06 Feb 2025 14:25:00 GMT+07:00", "2025-02-06 07:25:00", "exact"),
        ("Thu, 06 Feb 2025 14:25:00 +07", "2025-02-06 07:25:00", "exact"),
        ("Thu, 06 Feb 2025 14:25:00 ICT", "2025-02-06 07:25:00", "exact"),
        ("Thu, 06 Feb 2025 14:25:00", "2025-02-06 07:25:00", "exact"),
        ("Mon, 05 Oct 2026 11:07:00 +07", "2026-10-05 04:07:00", "exact"),
        ("2026-03-01T09:51:00&#x2B;07:00", "2026-03-01 02:51:00", "exact"),
        ("2026-03-07T08:52:11.000 +07:00", "2026-03-07 01:52:11", "exact"),
        ("1738826700", "2025-02-06 07:25:00", "exact"),
        ("1738826700000", "2025-02-06 07:25:00", "exact"),
        ("6/2/2025 2:25 CH", "2025-02-06 07:25:00", "exact"),
        ("14:25 | 06/02/2025", "2025-02-06 07:25:00", "exact"),
        ("ngày 22 tháng 12 năm 2024", "2024-12-21 17:00:00", "date_only"),
        ("20240506", "2024-05-05 17:00:00", "date_only"),
        ("Sun Jan  4 16:29:06 PST 2004", "2004-01-05 00:29:06", "exact"),
        ("Thu, 31 Dec 2099 10:00:00 GMT", "2026-11-25 00:00:00", "future"),
        # Seven hours ahead, and labelled GMT: local time with a wrong label.
        ("2026-11-25T05:00:00Z", "2026-11-24 22:00:00", "inferred"),
        # 1 December lies ahead, 12 January does not.
        ("01/12/2026 08:00", "2026-01-12 01:00:00", "inferred"),
        ("Thu, 31 Feb 2025 10:00:00 GMT", "", "missing"),
        ("0001-01-01T00:00:00", "", "missing"),
        ("2003-07-01T24:00:00Z", "2003-07-02 00:00:00", "exact"),
        ("2003-07-01T25:51:30Z", "", "missing"),
        ("2003-07-01T24:30:00Z", "", "missing"),
        ("hôm qua", "", "missing"),
        ("", "", "missing"),
    ],
)
def test_as_written(raw: str, utc: str, quality: str) -> None:
    assert read(raw) == (utc, quality)


def test_month_first_is_a_setting_of_the_source() -> None:
    assert read("10/2/2026 09:25", month_first=True) == ("2026-10-02 02:25:00", "exact")
    assert read("10/2/2026 09:25") == ("2026-02-10 02:25:00", "exact")


@given(st.datetimes(datetime(2020, 1, 1), datetime(2026, 11, 22)), st.booleans())
def test_with_am_or_pm_a_source_that_says_its_order_is_right_and_one_that_does_not_is_flagged(
    at: datetime, month_first: bool
) -> None:
    at = at.replace(second=0, microsecond=0)
    form = "%m/%d/%Y %I:%M %p" if month_first else "%d/%m/%Y %I:%M %p"
    found = dates.read(at.strftime(form), now=NOW, timezone="UTC", month_first=month_first)
    assert (found.at, found.quality) == (at.replace(tzinfo=UTC), "exact")
    unknown = dates.read(at.strftime(form), now=NOW, timezone="UTC")
    assert unknown.at == at.replace(tzinfo=UTC) or unknown.quality == "inferred"


@pytest.mark.parametrize(
    ("link", "utc"),
    [
        ("https://cp.example/mot-bai-viet-102260407115528555.htm", "2026-04-07 04:55:28"),
        ("https://tt.example/mot-bai-viet-20250808222406149.htm", "2025-08-08 15:24:06"),
        ("https://x.example/2025/02/06/mot-bai-viet", "2025-02-05 17:00:00"),
    ],
)
def test_from_the_address(link: str, utc: str) -> None:
    found = dates.from_address(link, now=NOW, timezone=VIETNAM)
    assert found.at is not None
    assert (found.at.strftime("%Y-%m-%d %H:%M:%S"), found.quality) == (utc, "inferred")


def test_no_date_in_an_address() -> None:
    assert (
        dates.from_address("https://vn.example/bai-4925338.html", now=NOW, timezone=VIETNAM).quality == "missing"
    )


@given(st.text(max_size=60))
def test_anything_is_read_or_missing_and_never_ahead(raw: str) -> None:
    found = dates.read(raw, now=NOW, timezone=VIETNAM)
    assert (found.at is None) == (found.quality == "missing")
    assert found.at is None or found.at.timestamp() <= NOW


@given(
    st.from_regex(
        r"[0-9]{1,4}[/. -][0-9]{1,2}[/. -][0-9]{1,4}[ T,]{1,2}[0-9]{1,2}:[0-9]{2}(:[0-9]{2})? ?"
        r"(GMT)?[+-]?[0-9]{0,4}"
    )
)
def test_what_looks_like_a_date_never_raises(raw: str) -> None:
    dates.read(raw, now=NOW, timezone=VIETNAM)


PAST = st.datetimes(datetime(1971, 1, 2), datetime(2026, 11, 23)).map(lambda at: at.replace(microsecond=0))
FORMS = ["%d/%m/%Y %H:%M:%S", "%Y-%m-%dT%H:%M:%S+07:00", "%a, %d %b %Y %H:%M:%S +0700", "%H:%M:%S %d-%m-%Y"]


@given(PAST, st.sampled_from(FORMS))
def test_every_form_names_the_same_instant(at: datetime, form: str) -> None:
    found = dates.read(at.strftime(form), now=NOW, timezone="Etc/GMT-7")
    assert found.at == at.replace(tzinfo=UTC) - timedelta(hours=7)


def test_a_zone_that_does_not_exist() -> None:
    with pytest.raises(ValueError, match="no such time zone"):
        dates.zone("Asia/Ha_Noi_City")
