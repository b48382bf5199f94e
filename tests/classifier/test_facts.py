"""What an edit changed, and what is no change at all."""

from typing import Any

import msgspec
import pytest

from services.classifier.story.facts import MOST, details_of, differences, is_whole
from tests.classifier.story_building import change, item, stage_on, tagged
from tinsom import messages as m


def task(deadline: str | None, *lead: str) -> m.Task:
    return m.Task(
        lead=list(lead) or ["bo-cong-an"], co=[], action="báo cáo", deadline=deadline, precision="day", raw="…"
    )


def agency(identity: str, name: str | msgspec.UnsetType = msgspec.UNSET) -> m.Tag:
    return m.Tag(id=identity, role="primary", score=1.0, evidence=[], name=name)


def details(title: str = "Tin", lede: str = "", taxonomy: str = "1", **tags: Any) -> list[str]:
    return details_of(item("a", title=title, lede=lede), m.Tags(id="a", taxonomy=taxonomy, **tags))


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (
            {"tasks": [task("2026-06-30")]},
            {"tasks": [task("2026-07-15")]},
            [m.Difference(field="deadline", before=["2026-06-30"], after=["2026-07-15"])],
        ),
        (
            {"title": "Thêm 30 dịch vụ"},
            {"title": "Thêm 45 dịch vụ"},
            [m.Difference(field="number", before=["30"], after=["45"])],
        ),
        (
            {"title": "Họp lúc 8 giờ 30"},
            {"title": "Họp lúc 14h"},
            [m.Difference(field="number", before=["8h30"], after=["14h"])],
        ),
        ({"title": "Họp lúc 8 giờ 30"}, {"title": "Họp lúc 8h30"}, []),
        (
            {"agencies": [agency("a", "Bộ A")]},
            {"agencies": [agency("b", "Bộ B")]},
            [m.Difference(field="agency", before=["Bộ A"], after=["Bộ B"])],
        ),
        ({"agencies": [agency("a")]}, {"agencies": [agency("a", "Bộ A")]}, []),  # a name is no fact
        ({"title": "5 và 7"}, {"title": "7 rồi 5"}, []),
        ({"title": "Lào 1-1 Malaysia (H1)"}, {"title": "Lào 1-1 Malaysia (H2)"}, []),
        ({"title": "150 thủ tục, 7 bộ"}, {"title": "Cắt giảm 150 thủ tục"}, []),
        ({"title": "Họp", "lede": "Lúc 8h30."}, {"title": "8 giờ 30 họp", "lede": "Ở Hà Nội."}, []),
        (
            {"title": "Họp", "lede": "Sáng nay."},
            {"title": "14h họp", "lede": "Sáng nay."},
            [m.Difference(field="number", before=[], after=["14h"])],
        ),
        ({"tasks": [task("2026-06-30", "a")]}, {"tasks": [task("2026-06-30", "b")]}, []),
    ],
)
def test_differences(before: Any, after: Any, told: list[m.Difference]) -> None:
    assert list(differences(details(**before), details(**after))) == told


def test_another_taxonomy_is_no_news() -> None:
    old = details(tasks=[task("2026-06-30", "a")])
    seen = details(taxonomy="2", agencies=[agency("b", "Bộ B")], tasks=[task("2026-06-30", "b")])
    assert differences(old, seen) == ()
    moved = details(taxonomy="2", agencies=[agency("b")], tasks=[task("2026-07-01", "b")])
    assert [d.field for d in differences(old, moved)] == ["deadline"]


def test_a_list_that_was_cut_proves_nothing() -> None:
    many = details(" ".join(str(n) for n in range(MOST + 1)))
    assert not is_whole(many)
    assert is_whole(details())


def test_a_change_carries_its_difference() -> None:
    stage = stage_on()
    change(stage, tagged(item("a"), tasks=[task("2026-06-30")], taxonomy="1"))
    moved = change(
        stage, tagged(item("a", 5, revision=2, change="revised"), tasks=[task("2026-07-15")], taxonomy="1")
    )
    assert moved is not None
    assert moved.kind == "fact"
    assert moved.differences == [m.Difference(field="deadline", before=["2026-06-30"], after=["2026-07-15"])]
    again = change(
        stage,
        tagged(
            item("a", 9, revision=3, change="revised"),
            tasks=[task("2026-07-15")], agencies=[agency("bo-cong-an")], taxonomy="2",
        ),
    )  # fmt: skip
    assert again is None, "what only a newer taxonomy sees is told to nobody"


def test_the_difference_of_an_item_that_was_joined_is_its_own() -> None:
    stage = stage_on()
    change(stage, tagged(item("a"), tasks=[task("2026-06-30")]))
    change(stage, tagged(item("b", 1), tasks=[task("2026-06-30")]))
    moved = change(stage, tagged(item("b", 5, revision=2, change="revised"), tasks=[task("2026-07-15")]))
    assert moved is not None
    assert (moved.story, moved.kind) == ("a", "fact")
    assert moved.differences[0].before == ["2026-06-30"]
