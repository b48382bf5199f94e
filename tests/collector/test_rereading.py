"""What a look at a page that is remembered means, without a web."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.collector import items
from services.collector.articles import comparing, rereading
from services.collector.articles.attachments import Attached, with_attached
from services.collector.articles.page import Page, PageLook, PageOutcome
from services.collector.articles.rereading import CONFIRM_AFTER, DAY, HOUR, LOOKS, RETRIES
from services.collector.known import ItemState, PageState
from tests.collector.build import NOW, source
from tinsom.messages import Attachment, Item

LINES = [f"Đoạn thứ {n} của thông báo giao Bộ Công an chủ trì việc số {n} trong năm nay." for n in range(8)]
PAGE = Page(title="Thông báo số 12 của Bộ", text="\n".join(LINES))
OFFICIAL = source(tier=1)
ITEM = Item(
    id="a" * 24,
    publisher="bao.example",
    source="bao-home",
    url="https://bao.example/bai-1",
    title="Thông báo số 12",
    fetched_at=datetime.fromtimestamp(NOW, UTC),
    text=PAGE.text,
    tier=1,
)
OTHER = Page(title="Không tìm thấy trang", text="Trang bạn tìm không còn ở đây. Mời xem các tin khác của cổng.")
OUTCOMES: list[PageOutcome] = [word for part in get_args(PageOutcome) for word in get_args(part)]
NO_EVENT = sorted(set(OUTCOMES) - {"ok", "layout", "missing", "gone"})


def seen(page: Page = PAGE, outcome: PageOutcome = "ok") -> PageLook:
    return PageLook(outcome, page)


def watched(look: PageLook | None = None, **changes: object) -> PageState:
    state = rereading.watched(ITEM, look or seen(), OFFICIAL, NOW, None)
    assert state is not None
    return replace(state, **changes)


def edited(old: str, new: str) -> Page:
    return replace_text(PAGE.text.replace(old, new))


def replace_text(text: str) -> Page:
    return Page(title=PAGE.title, text=text)


def story(state: PageState, *looks: tuple[float, PageLook]) -> list[str]:
    """The outcomes of looks, each at its time after the item went out, as long as anybody looks."""
    found: list[str] = []
    for at, look in looks:
        finding = rereading.judge(state, look, 1, NOW + at)
        found.append(finding.outcome)
        if finding.state is None:
            break
        state = finding.state
    return found


def test_official_pages_are_read_again_three_times() -> None:
    state: PageState | None = watched()
    times = []
    while state is not None:
        times.append(state.next_at - NOW)
        state = rereading.judge(state, seen(), 1, state.next_at).state
    assert times == list(LOOKS)


def test_what_is_not_watched() -> None:
    press, again = source(tier=2), replace(ITEM, revision=2)
    assert rereading.watched(ITEM, seen(), press, NOW, None) is None
    assert rereading.watched(again, seen(), OFFICIAL, NOW, None) is None
    assert rereading.watched(ITEM, PageLook("robots"), OFFICIAL, NOW, None) is None
    assert rereading.watched(replace(ITEM, baseline=True), PageLook("timeout"), OFFICIAL, NOW, None) is None


def test_an_edit_that_the_feed_showed_is_compared_with_from_then_on() -> None:
    before = watched()
    after = rereading.watched(replace(ITEM, revision=2, text="x"), seen(), OFFICIAL, NOW + DAY, before)
    assert after is not None
    assert (after.out_at, after.next_at) == (NOW, NOW + LOOKS[-1])
    assert rereading.item_in(after).text == "x"


@pytest.mark.parametrize("outcome", ["timeout", "http_5xx", "missing", "rate_limited", "connection", "dns", "tls"])
def test_a_page_that_did_not_come_is_tried_again_and_given_up(outcome: PageOutcome) -> None:
    state: PageState | None = rereading.watched(ITEM, PageLook(outcome), source(tier=2), NOW, None)
    now, waits, found = NOW, [], []
    while state is not None:
        waits.append(state.next_at - now)
        now = state.next_at
        finding = rereading.judge(state, PageLook(outcome), 2, now)
        found.append(finding.outcome)
        state = finding.state
    assert waits == list(RETRIES)
    assert found == ["failed"] * (len(RETRIES) - 1) + ["given_up"]


def test_a_page_that_comes_late_is_enrichment_and_then_watched_if_official() -> None:
    for tier, ahead in ((1, HOUR), (2, None)):
        state = rereading.watched(ITEM, PageLook("timeout"), source(tier=tier), NOW, None)
        assert state is not None
        finding = rereading.judge(state, seen(), tier, NOW + 300)
        assert (finding.outcome, finding.page) == ("enriched", PAGE)
        assert (finding.state.next_at - NOW if finding.state else None) == ahead


@pytest.mark.parametrize("gone", ["missing", "gone"])
def test_a_withdrawal_takes_two_looks(gone: PageOutcome) -> None:
    first = rereading.judge(watched(), PageLook(gone), 1, NOW + HOUR)
    assert first.outcome == "doubt"
    assert first.state is not None
    assert first.state.next_at == NOW + HOUR + CONFIRM_AFTER
    assert rereading.judge(first.state, PageLook(gone), 1, first.state.next_at) == rereading.Finding("withdrawn")
    assert story(watched(), (HOUR, PageLook(gone)), (HOUR + 600, seen()), (DAY, PageLook(gone))) == [
        "doubt",
        "same",
        "doubt",
    ]
    late = (7 * DAY, PageLook(gone)), (7 * DAY + 600, PageLook(gone))
    assert story(watched(), *late) == ["doubt", "withdrawn"]


@pytest.mark.parametrize("outcome", NO_EVENT)
def test_nothing_else_is_ever_a_withdrawal_or_an_edit(outcome: PageOutcome) -> None:
    looks = [(HOUR + n * 600, PageLook(outcome)) for n in range(20)]
    assert set(story(watched(), *looks)) == {"failed"}
    between = [(HOUR, PageLook("gone")), (HOUR + 600, PageLook(outcome)), (DAY, seen())]
    assert story(watched(), *between) == ["doubt", "failed", "same"]


@pytest.mark.parametrize("other", [OTHER, Page(title=PAGE.title, text="Đang cập nhật"), Page(text=OTHER.text)])
def test_a_soft_404_is_no_event(other: Page) -> None:
    looks = [(HOUR, seen(other)), (HOUR + 600, seen(other)), (DAY, seen(other)), (7 * DAY, seen(other))]
    assert set(story(watched(), *looks)) == {"another_page"}


@pytest.mark.parametrize(
    ("page", "fields"),
    [
        (edited("việc số 3", "việc số 33"), ("text",)),
        (edited(LINES[5] + "\n", ""), ("text",)),
        (replace_text(PAGE.text + "\nThời hạn: 30/6/2026."), ("text",)),
        (Page(title="Thông báo số 13 của Bộ", text=PAGE.text), ("title",)),
    ],
)
def test_an_edit_counts_when_two_looks_see_the_same(page: Page, fields: tuple[str, ...]) -> None:
    first = rereading.judge(watched(), seen(page), 1, NOW + HOUR)
    assert first.outcome == "doubt"
    assert first.state is not None
    second = rereading.judge(first.state, seen(page), 1, first.state.next_at)
    assert (second.outcome, second.fields, second.page) == ("revised", fields, page)
    assert second.state is not None
    assert (second.state.next_at, second.state.title) == (NOW + DAY, page.title)


def test_documents_that_are_exchanged_are_an_edit_and_carried_by_it() -> None:
    def with_file(name: str, *, read: bool = True) -> PageLook:
        url = f"https://bao.example/{name}.pdf"
        attached = (Attached(Attachment(url=url, kind="pdf"), f"Điều 1 của {name}."),) if read else ()
        return seen(dataclasses.replace(PAGE, links=(url,), attached=attached))

    first = with_file("cu").page
    assert first is not None
    item = replace(
        ITEM, text=with_attached(first.text, first.attached), attachments=[a.attachment for a in first.attached]
    )
    state = rereading.watched(item, with_file("cu"), OFFICIAL, NOW, None)
    assert state is not None
    assert not rereading.wants_attachments(state, 1)
    assert rereading.judge(state, with_file("cu", read=False), 1, NOW + HOUR).outcome == "same"
    doubted = rereading.judge(state, with_file("moi", read=False), 1, NOW + HOUR).state
    assert doubted is not None
    assert rereading.wants_attachments(doubted, 1)
    assert not rereading.wants_attachments(doubted, 2)
    found = rereading.judge(doubted, with_file("moi"), 1, doubted.next_at)
    assert (found.outcome, found.fields) == ("revised", ("attachments",))
    known = ItemState(id=ITEM.id, publisher=ITEM.publisher, aliases=[1], revision=4)
    revision = items.revision_of(doubted, known, found, OFFICIAL, NOW + DAY)
    assert (revision.revision, revision.changed, [a.url for a in revision.attachments]) == (
        5,
        ["attachments"],
        ["https://bao.example/moi.pdf"],
    )
    assert revision.text == f"{PAGE.text}\n[Tệp đính kèm: moi.pdf]\nĐiều 1 của moi."


def test_what_changes_by_itself_is_no_edit() -> None:
    counter = replace_text(PAGE.text + "\nLượt xem: 3.412\n5 phút trước")
    assert story(watched(), (HOUR, seen(counter))) == ["same"]
    assert story(watched(), (HOUR, seen(replace_text("\n".join(reversed(LINES)))))) == ["same"]
    teasers = [
        (HOUR + n * 600, seen(replace_text(f"{PAGE.text}\nMột tin khác về tỉnh khác số {n}"))) for n in range(40)
    ]
    found = story(watched(), *teasers)
    assert set(found) == {"doubt"}
    state: PageState | None = watched()
    looks = 0
    while state is not None and looks < 100:
        looks += 1
        page = replace_text(f"{PAGE.text}\nMột tin khác về tỉnh khác số {looks}")
        state = rereading.judge(state, seen(page), 1, state.next_at).state
    assert looks <= 3 * len(LOOKS) + 3, "a page that is never the same twice is not looked at all week"


def test_what_is_due_goes_by_news_then_time_and_stops() -> None:
    known, fresh = watched(next_at=NOW), watched(PageLook("timeout"), item="b" * 24, next_at=NOW + 1)
    other = watched(item="c" * 24, source="khac", next_at=NOW)
    assert rereading.due([known, other, fresh], "bao-home", NOW + 1, 4) == [fresh, known]
    assert rereading.due([known, fresh], "bao-home", NOW + 1, 1) == [fresh]
    assert (
        rereading.due([known, fresh], "bao-home", NOW - 1, 4) == rereading.due([known], "bao-home", NOW, -3) == []
    )


def test_a_long_text_is_kept_in_part_and_compared_in_part() -> None:
    long = "\n".join(f"Điều {n}. Nội dung của điều thứ {n} trong văn bản này." for n in range(2_000))
    state = rereading.watched(replace(ITEM, text=long), seen(replace_text(long)), OFFICIAL, NOW, None)
    assert state is not None
    assert len(state.packed) < 20_000
    assert rereading.judge(state, seen(replace_text(long)), 1, NOW + HOUR).outcome == "same"


LOOK = st.sampled_from([seen(), seen(OTHER), seen(edited("số 1", "số 2")), *map(PageLook, OUTCOMES)])


@given(st.lists(st.tuples(st.floats(1.0, DAY), LOOK), max_size=60), st.sampled_from([1, 2]), st.booleans())
def test_whatever_is_seen_ends_and_only_a_confirmed_change_is_told(
    looks: list[tuple[float, PageLook]], tier: int, came: bool
) -> None:
    first = seen() if came else PageLook("timeout")
    state = rereading.watched(ITEM, first, source(tier=tier), NOW, None)
    now, before = NOW, first
    for wait, look in looks:
        if state is None:
            return
        now = max(now + wait, state.next_at)
        finding = rereading.judge(state, look, tier, now)
        assert finding.state is None or finding.state.next_at > now
        if finding.outcome == "withdrawn":
            assert look.outcome in ("missing", "gone")
            assert state.doubt
        if finding.outcome == "revised":
            assert look.page is not None
            assert state.doubt == comparing.fingerprint(look.page)
        if finding.outcome == "enriched":
            assert not state.came
        state, before = finding.state, look
    del before


@pytest.mark.parametrize(
    ("item", "before", "after", "title"),
    [
        ("Tin A", "Tin A - Cổng", "Tin B - Cổng", "Tin B"),
        ("Tin A", "Tin A", "Tin B", "Tin B"),
        ("Tin A", "TIN A | Cổng", "TIN B | Cổng", "TIN B | Cổng"),
        ("Tin A", "Tin A - Cổng", " - Cổng", " - Cổng"),
    ],
)
def test_the_name_of_the_site_stays_out_of_the_title(item: str, before: str, after: str, title: str) -> None:
    assert comparing.retitled(item, before, after) == title
