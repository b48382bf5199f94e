"""Items that carry the same announcement are one story, whoever published it and in whatever order they come."""

from __future__ import annotations

import random
from datetime import timedelta
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.classifier.story import stories
from services.classifier.story.contradictions import differ
from services.classifier.story.likeness import likeness
from services.classifier.story.rarity import ENOUGH, Rarity
from services.classifier.story.shelf import MOST_COMPARED, MOST_ITEMS, WINDOW, Shelf
from services.classifier.story.storystage import KEPT_SECONDS
from services.classifier.story.traces import trace
from tests.classifier.story_building import (
    DECREE,
    HARVEST,
    LEDE,
    NOW,
    Kept,
    change,
    changes,
    handled,
    item,
    membership,
    restored,
    stage_on,
    tagged,
    ticked,
)
from tinsom import messages as m

DECREES = {
    "copy": (DECREE, LEDE),
    "credited": (DECREE, LEDE + " (Theo Thông tấn xã)"),
    "rewritten": ("Ban hành nghị định chia sẻ dữ liệu giữa cơ quan nhà nước", LEDE),
    "shouted": (DECREE.upper(), LEDE),
}


@pytest.mark.parametrize("form", DECREES)
def test_a_copy_in_another_paper_is_one_more_source_of_the_story(form: str) -> None:
    stage = stage_on()
    title, lede = DECREES[form]
    new = change(stage, tagged(item("a")))
    source = change(stage, tagged(item("b", minutes=20, title=title, lede=lede)))
    assert new is not None
    assert source is not None
    assert (new.kind, source.kind) == ("new", "source")
    assert (source.story, source.revision, source.sources) == (new.story, 2, ["a", "b"])
    assert source.began_at == NOW


def test_another_announcement_is_another_story() -> None:
    stage = stage_on()
    assert [handled(stage, tagged(i))[0] for i in (item("a"), item("b", title=HARVEST, lede=""))] == ["new", "new"]


SERIES = [
    ("Giá xăng ngày 13/10 tăng nhẹ", "Giá xăng ngày 14/10 tăng nhẹ"),
    ("Thời tiết trong ngày, bản tin 3-7", "Thời tiết trong ngày, bản tin 4-7"),
    ("Hội nghị lần thứ 13 của Ban Chỉ đạo", "Hội nghị lần thứ 14 của Ban Chỉ đạo"),
]


@pytest.mark.parametrize("titles", SERIES)
def test_a_headline_that_repeats_another_with_other_figures_is_another_announcement(
    titles: tuple[str, str],
) -> None:
    stage = stage_on()
    outcomes = [handled(stage, tagged(item(t, title=t, lede="Chi tiết trong bài.")))[0] for t in titles]
    assert outcomes == ["new", "new"]


def test_figures_of_other_things_forbid_nothing() -> None:
    stage = stage_on()
    titles = ("Khởi công sân vận động rộng hơn 100 ha ở Vịnh Mây", "Khởi công sân vận động 6 tầng ở Vịnh Mây")
    lede = "Sân vận động Vịnh Mây được khởi công sáng nay, dự kiến mở cửa sau hai năm."
    outcomes = [
        handled(stage, tagged(item(t, title=t, lede=lede, publisher=f"p{n}")))[0] for n, t in enumerate(titles)
    ]
    assert outcomes == ["new", "source"]


ROUNDED = [
    (
        "Tàu cá bị phạt gần 700 triệu đồng vì vượt ranh giới",
        "Tàu cá bị phạt 680 triệu đồng vì vượt ranh giới",
    ),
    ("Cấm biển từ 7h để tránh bão Hạ Mây", "Cấm biển từ 7 giờ để tránh bão Hạ Mây"),
    ("Tàu cá bị phạt 24,5 triệu đồng vì vượt ranh giới", "Tàu cá bị phạt hơn 24 triệu đồng vì vượt ranh giới"),
]


@pytest.mark.parametrize("titles", ROUNDED)
def test_a_rounded_figure_is_the_same_figure(titles: tuple[str, str]) -> None:
    one, other = (trace(item(title, title=title), m.Tags(id=title)) for title in titles)
    assert not differ(one, other)


@pytest.mark.parametrize("titles", SERIES)
def test_what_is_not_called_rounded_is_another_figure(titles: tuple[str, str]) -> None:
    one, other = (trace(item(title, title=title), m.Tags(id=title)) for title in titles)
    assert differ(one, other)


@pytest.mark.parametrize(("mark", "outcome"), [("", "source"), ("?", "new")])
def test_two_that_ask_about_one_thing_in_their_own_words_are_two_announcements(mark: str, outcome: str) -> None:
    stage = stage_on()
    given = ("Tắm biển Mây Xanh mùa này cần biết gì", "Điều cần biết gì khi tắm biển Mây Xanh mùa này")
    ledes = ("Biển Mây Xanh đẹp nhất mùa này.", "Mùa này biển Mây Xanh đông khách.")
    outcomes = [
        handled(stage, tagged(item(f"p{n}", title=title + mark, lede=lede)))[0]
        for n, (title, lede) in enumerate(zip(given, ledes, strict=True))
    ]
    assert outcomes == ["new", outcome]


def document(number: str) -> m.Document:
    return m.Document(key=number, kind=None, number=number, issuer=None, year=None, date=None, raw=number)


def test_other_documents_and_other_places_are_other_announcements() -> None:
    stage = stage_on()
    title = DECREE + " số {}"
    records = [
        tagged(item("a", title=title.format("10/NĐ")), documents=[document("10/NĐ")]),
        tagged(item("b", title=title.format("11/NĐ")), documents=[document("11/NĐ")]),
        tagged(item("c", title=HARVEST, lede=""), places=[m.Place(id="ca-mau", role="primary")]),
        tagged(item("d", title=HARVEST, lede=""), places=[m.Place(id="an-giang", role="primary")]),
    ]
    assert [handled(stage, r)[0] for r in records] == ["new"] * 4


def text(seed: int, words: int = 300) -> str:
    rng = random.Random(seed)
    return " ".join(
        rng.choice(("dữ", "liệu", "kết", "nối", "dân", "cư", "tỉnh", "xã", "số", "hóa")) for _ in range(words)
    )


def test_the_same_text_under_another_headline_is_the_same_announcement() -> None:
    stage = stage_on()
    first = item("a", lede="", text=text(1))
    retold = item(
        "b", minutes=300, title="Năm ngày để trả lời", lede="Quy định mới.", text=text(1) + " Nguồn: TTX"
    )
    other = item("c", minutes=310, title="Bảy ngày để nộp lại", lede="Quy định khác.", text=text(2))
    assert [handled(stage, tagged(i))[0] for i in (first, retold, other)] == ["new", "source", "new"]


def test_a_copy_of_a_later_item_belongs_where_that_one_is() -> None:
    """However little it has of the story's first item: a site that makes its links anew alerts nobody."""
    first, later, copy = item("a"), item("b", title=HARVEST, lede=""), item("c", 600, title=HARVEST, lede="")
    traces = {i.id: trace(i, m.Tags(id=i.id)) for i in (first, later)}
    story = m.Story(id="a", revision=2, began_at=first.fetched_at, items={"a": 1, "b": 1}, traces=traces)
    shelf = Shelf()
    shelf.put(story)
    assert [match.story.id for match in shelf.matches(trace(copy, m.Tags(id="c")))] == ["a"]


def test_after_seven_days_it_is_a_story_of_its_own() -> None:
    stage = stage_on()
    week = WINDOW.total_seconds() / 60
    items = (item("a"), item("b", minutes=week - 1), item("c", minutes=week + 1))
    assert [handled(stage, tagged(i))[0] for i in items] == ["new", "source", "new"]


def test_the_official_text_after_the_press_is_marked_once() -> None:
    stage = stage_on()
    press, official, more = item("a"), item("b", minutes=5, tier=1), item("c", minutes=9, tier=1)
    found = [change(stage, tagged(i)) for i in (press, official, more)]
    assert [c.official for c in found if c] == [False, True, False]


def test_two_links_of_one_publisher_are_one_source() -> None:
    stage = stage_on()
    change(stage, tagged(item("a")))
    found = change(stage, tagged(item("a2", minutes=1, publisher="a", source="a")))
    assert found is not None
    assert (found.kind, found.sources) == ("source", ["a"])


def test_the_first_item_after_a_baseline_is_the_news() -> None:
    stage = stage_on()
    found = [
        change(stage, tagged(i)) for i in (item("a", baseline=True), item("b", minutes=60), item("c", minutes=70))
    ]
    assert [(c.kind, c.baseline) for c in found if c] == [("new", True), ("new", False), ("source", False)]


def test_revisions_of_each_item_stay_in_its_story_and_are_judged_by_its_own_facts() -> None:
    stage = stage_on()
    change(stage, tagged(item("a")))
    change(stage, tagged(item("b", minutes=5)))
    revised = item("b", minutes=60, revision=2, change="revised", lede=LEDE + " Sửa lỗi chính tả.")
    dated = item("b", minutes=70, revision=3, change="revised", title=DECREE + " từ ngày 1/12")
    assert handled(stage, tagged(revised))[0] == "minor"
    fact = change(stage, tagged(dated))
    assert fact is not None
    assert (fact.kind, fact.story, fact.revision) == ("fact", "a", 3)
    assert handled(stage, tagged(dated))[0] == "duplicate"


def test_a_withdrawn_copy_is_silent_and_a_withdrawn_first_item_is_told() -> None:
    stage = stage_on()
    for name in "ab":
        change(stage, tagged(item(name)))
    gone = [item(name, minutes=9, revision=2, change="withdrawn") for name in "ba"]
    assert [handled(stage, tagged(i))[0] for i in gone] == ["minor", "withdrawn"]


# Two reports that share few words, and one that shares many with both.
LEFT = ("Bộ Công an công bố số liệu định danh mới", "Hơn tám mươi triệu tài khoản đã kích hoạt.")
RIGHT = ("Tài khoản điện tử vượt mốc tám mươi triệu", "Số liệu mới nhất được đưa ra sáng nay.")
BOTH = (f"{LEFT[0]}: {RIGHT[0]}", f"{LEFT[1]} {RIGHT[1]}")


def bridged(stage_items: list[m.Item]) -> tuple[Kept, list[m.StoryChange]]:
    log = Kept()
    stage = stage_on(log)
    found = []
    for an_item in stage_items:
        outputs = handled(stage, tagged(an_item))[1]
        log.write(outputs)
        found += changes(outputs)
    return log, found


def test_two_stories_that_turn_out_to_be_one_are_merged_and_told_so() -> None:
    items = [item(n, title=t, lede=lede) for n, (t, lede) in (("a", LEFT), ("b", RIGHT), ("c", BOTH))]
    log, found = bridged(items)
    assert [(c.kind, c.story, c.merged) for c in found] == [
        ("new", "a", []), ("new", "b", []), ("source", "a", ["b"]),
    ]  # fmt: skip
    assert found[-1].sources == ["a", "b", "c"]
    stage = restored(log)
    assert membership(stage) == {frozenset("abc")}
    revised = item("b", minutes=5, revision=2, change="revised", title=RIGHT[0] + " ngày 14/10", lede=RIGHT[1])
    after = change(stage, tagged(revised))
    assert after is not None
    assert (after.story, after.kind, after.merged) == ("a", "fact", ["b"])


def test_a_full_story_takes_no_more_and_its_record_stays_small() -> None:
    stage = stage_on()
    outputs = [handled(stage, tagged(item(f"publisher-{n}", minutes=n / 60)))[1] for n in range(MOST_ITEMS + 1)]
    sizes = [output.size for made in outputs for output in made if output.topic == "stories"]
    assert len(membership(stage)) == 2
    assert max(sizes) < 60_000


def test_a_record_that_fails_leaves_the_memory_as_it_was() -> None:
    stage = stage_on()
    given = tagged(item("a"))
    broken = stage._outputs
    stage._outputs = lambda *_: 1 / 0  # type: ignore[assignment]
    with pytest.raises(ZeroDivisionError):
        handled(stage, given)
    stage._outputs = broken
    assert handled(stage, given)[0] == "new"


TITLES = [
    *(title for title, _ in DECREES.values()),
    HARVEST,
    LEFT[0],
    RIGHT[0],
    BOTH[0],
    SERIES[0][0],
    SERIES[0][1],
]
ITEMS = st.lists(
    st.tuples(st.sampled_from(TITLES), st.integers(0, 12 * 24 * 60), st.integers(0, 4), st.booleans()), max_size=14
)


def drawn(rows: list[tuple[str, int, int, bool]]) -> list[m.Item]:
    return [
        item(f"i{n}", minutes=minutes, title=title, lede="", publisher=f"p{publisher}", baseline=baseline)
        for n, (title, minutes, publisher, baseline) in enumerate(rows)
    ]


@patch("services.classifier.story.rarity.ENOUGH", 2)  # so that rare words count among so few
@settings(max_examples=40)
@given(ITEMS, st.integers(0, 13))
def test_restored_is_as_live(rows: list[tuple[str, int, int, bool]], cut: int) -> None:
    """Taken over in the middle, the successor writes what the first would have written, byte for byte."""
    items = sorted(drawn(rows), key=lambda i: i.fetched_at)
    live, log = stage_on(), Kept()
    for an_item in items[:cut]:
        log.write(handled(live, tagged(an_item))[1])
    heir = restored(log)
    for an_item in items[cut:]:
        assert handled(heir, tagged(an_item)) == handled(live, tagged(an_item))
    end = NOW + timedelta(days=13, seconds=KEPT_SECONDS)
    assert sorted(o.key or b"" for o in ticked(heir, end)) == sorted(o.key or b"" for o in ticked(live, end))


@settings(max_examples=40)
@given(ITEMS, st.randoms(use_true_random=False))
def test_no_item_is_in_two_stories_and_none_is_lost(
    rows: list[tuple[str, int, int, bool]], rng: random.Random
) -> None:
    items = drawn(rows)
    rng.shuffle(items)
    stage = stage_on()
    for an_item in items:
        handled(stage, tagged(an_item))
    members = [name for story in stage.shelf.stories.values() for name in story.items]
    assert sorted(members) == sorted(i.id for i in items)
    assert all(stage.shelf.of(name) is story for story in stage.shelf.stories.values() for name in story.items)


@settings(max_examples=30)
@given(st.permutations(range(8)))
def test_the_order_within_the_window_changes_no_membership_of_clear_copies(order: list[int]) -> None:
    """Clear copies and clear strangers: for what lies between, the first come decides (docs/limits.md)."""
    texts = [
        *DECREES.values(),
        (HARVEST, ""),
        (HARVEST + ".", ""),
        ("Giải chạy qua cầu", ""),
        ("Giải chạy qua cầu!", ""),
    ]
    items = [item(f"i{n}", minutes=n, title=title, lede=lede) for n, (title, lede) in enumerate(texts)]
    stage = stage_on()
    for n in order:
        handled(stage, tagged(items[n]))
    assert membership(stage) == {frozenset(f"i{n}" for n in group) for group in ((0, 1, 2, 3), (4, 5), (6, 7))}


def test_the_outcomes_are_a_closed_list() -> None:
    told = {"new", "source", "fact", "enriched", "withdrawn"}
    assert told | {"minor", "duplicate", "orphan"} == set(stories.OUTCOMES)


def test_what_a_site_shows_again_under_another_guid_is_in_its_story_however_far_that_had_drifted() -> None:
    first = trace(item("a", title=HARVEST, lede=""), m.Tags(id="a"))
    later = trace(item("b", minutes=30), m.Tags(id="b"))
    story = m.Story(id="a", revision=2, began_at=NOW, items={"a": 1, "b": 1}, traces={"a": first, "b": later})
    shelf = Shelf()
    shelf.put(story)
    again = trace(item("c", minutes=600, publisher="b"), m.Tags(id="c"))
    assert [match.story.id for match in shelf.matches(again)] == ["a"]
    other = trace(item("c", minutes=600, publisher="b", lede=LEDE + " Và một câu nữa."), m.Tags(id="c"))
    assert shelf.matches(other) == [], "what is only alike has drifted too far"


def test_an_archive_pushes_out_no_copy_of_what_stood_there_before() -> None:
    """Hundreds of newer pages share a band with the copy; what shares most is looked at all the same."""
    shelf = Shelf()
    known = [
        item("a"),
        *(item(f"b{n}", minutes=n, lede=f"{LEDE} Trang {n}.") for n in range(1, MOST_COMPARED + 50)),
    ]
    for an_item in known:
        words = trace(an_item, m.Tags(id=an_item.id))
        shelf.put(
            m.Story(
                id=an_item.id, revision=1, began_at=words.at, items={an_item.id: 1}, traces={an_item.id: words}
            )
        )
    again = trace(item("c", minutes=600), m.Tags(id="c"))
    assert "a" in {match.story.id for match in shelf.matches(again)}


def test_words_and_pairs_are_rare_by_what_is_kept_in_whatever_order_and_only_among_enough() -> None:
    traces = [
        trace(item(f"a{n}", title=f"{HARVEST} đồng ruộng{n}", lede=""), m.Tags(id="a")) for n in range(ENOUGH)
    ]
    rarity, other = Rarity(), Rarity()
    for one, two in zip(traces, reversed(traces), strict=True):
        assert rarity.rare(one) is None
        rarity.add(one)
        other.add(two)
    rare = rarity.rare(traces[0])
    assert rare is not None
    assert rare == other.rare(traces[0])
    assert sum(score > 0.5 for score in rare.words.values()) == 1, "the field's own number, no word that all have"
    assert len(rare.pairs) == 1, "the pair with the field's own number"
    rarity.remove(traces[0])
    assert rarity.rare(traces[1]) is None


def test_what_two_items_have_and_few_others_proves_more_than_what_all_have() -> None:
    rarity = Rarity()
    for n in range(ENOUGH):
        rarity.add(trace(item(f"a{n}", title=f"{HARVEST} ruộng{n}", lede=f"bờ{n} kênh"), m.Tags(id="a")))
    rare_one, rare_other = (
        trace(item(name, title=title, lede=""), m.Tags(id="a"))
        for name, title in (("p", "Cá voi xám dạt vào Hòn Mây"), ("q", "Người dân đẩy cá voi xám ra khơi"))
    )
    plain_one, plain_other = (
        trace(item(name, title=title, lede=""), m.Tags(id="a"))
        for name, title in (("p", "Nông dân miền nhận giống mới"), ("q", "Người mua nông dân miền khoai"))
    )
    assert likeness(rare_one, rare_other, rarity.rare(rare_other)) > 0
    assert likeness(plain_one, plain_other, rarity.rare(plain_other)) < 0
