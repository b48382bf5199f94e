from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector import identity
from services.collector.reading.entry import Entry

AT = datetime(2026, 3, 10, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "link",
    [
        "https://bao.example/tin-100001.htm",
        "http://bao.example/tin-100001.htm",
        "https://www.bao.example/tin-100001.htm/",
        "https://m.bao.example/tin-100001.htm#binh-luan",
        "https://bao.example:443/tin-100001.htm?utm_source=rss&fbclid=x&zarsrc=30",
        "https://BAO.example/tin-100001.htm?",
        "https://bao.example/tin-100001.htm;jsessionid=8F2A01.node2?PHPSESSID=a1",
        "https://bao.example/(S(x1y2z3))/tin-100001.htm",
    ],
)
def test_one_article_by_many_links(link: str) -> None:
    assert identity.canonical(link) == "bao.example/tin-100001.htm"


def test_no_session_is_published() -> None:
    link = "https://bao.example/tin/100001;jsessionid=8F2A01.node2"
    assert identity.tidy(f"{link}?a=1#x") == "https://bao.example/tin/100001?a=1#x"
    assert identity.tidy(link) == "https://bao.example/tin/100001"


@pytest.mark.parametrize(
    "link",
    [
        "https://bao.example/?id=2",
        "https://bao.example/tin?trang=2",
        "https://en.bao.example/tin",
        "https://bao.example/Tin",
    ],
)
def test_what_may_be_another_page_stays_another(link: str) -> None:
    assert identity.canonical(link) not in ("bao.example/", "bao.example/tin")


def test_the_published_link_loses_its_tracking_only() -> None:
    assert (
        identity.tidy("http://www.bao.example/a?utm_medium=x&id=7&gclid=1#b") == "http://www.bao.example/a?id=7#b"
    )
    assert identity.tidy("http://www.bao.example/a") == "http://www.bao.example/a"


@given(st.text(max_size=80))
def test_links_are_never_a_reason_to_fail(link: str) -> None:
    identity.canonical(link)
    identity.tidy(link)
    identity.is_specific(link)


@given(st.from_regex(r"https?://[a-z.]{1,12}/[a-z0-9/?&=#%]{0,30}", fullmatch=True))
def test_canonical_and_tidy_are_stable(link: str) -> None:
    assert identity.tidy(identity.tidy(link)) == identity.tidy(link)
    assert identity.canonical(identity.tidy(link)) == identity.canonical(link)


def test_a_bare_number_as_guid_is_its_feed_s_own() -> None:
    one = identity.aliases(Entry(guid="123", title="Tin"), "a", AT, exact=True)
    two = identity.aliases(Entry(guid="123", title="Tin"), "b", AT, exact=True)
    assert one.guid != two.guid
    url = Entry(guid="https://bao.example/?p=123")
    assert identity.aliases(url, "a", None, exact=False).guid == identity.aliases(url, "b", None, exact=False).guid


def test_a_short_title_and_a_day_name_nothing() -> None:
    assert identity.aliases(Entry(title="Thông báo"), "a", AT, exact=False).dated == 0
    assert identity.aliases(Entry(title="Thông báo"), "a", AT, exact=True).dated != 0


def test_aliases_are_safe_in_json() -> None:
    names = identity.aliases(
        Entry(guid="g", link="https://a.example/b-123456.htm", title="t" * 30), "a", AT, exact=True
    )
    assert all(0 < alias < 2**53 for alias in names.all)
    assert len(set(names.all)) == 3


def test_digest_tells_which_field_changed() -> None:
    before = identity.digest(Entry(title="a", lede="b", text="c"))
    assert identity.changed_fields(before, identity.digest(Entry(title="a", lede="x", text="c"))) == ("lede",)
    assert identity.changed_fields(before, before) == ()


def test_minting_again_gives_another_id() -> None:
    assert identity.mint("p", 1) == identity.mint("p", 1)
    assert len({identity.mint("p", 1), identity.mint("p", 1, 1), identity.mint("q", 1)}) == 3
