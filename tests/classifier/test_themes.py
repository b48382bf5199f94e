from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from services.classifier import occurrences, taxonomy
from services.classifier.tagger import Tagger, TagInput
from services.classifier.themes import Outcome, Themes
from services.classifier.workbench import lint
from tests.classifier.brute import Brute
from tests.classifier.private import FOLDER, needs_private_data, tagger

FILE = Path(__file__).parent / "data" / "themes.yaml"
THEMES: list[dict[str, Any]] = yaml.safe_load(FILE.read_text("utf-8"))["themes"]
VOCABULARY = """VNeID vneid định danh điện tử mức 2 lừa đảo giả mạo cảnh báo Giả danh công an bóng đá phim sáp
nhập sắp xếp tỉnh xã phường ngân hàng giá vàng tăng lao dốc SJC miếng triệu đồng TP Thủ Đức thủ đức Q.9 ngập lụt lũ
mưa lớn Huế thuế Khánh Hòa Khánh Hoà Quảng Nam Hội An căn cước can cuoc cân hộ chiếu ho chieu visa ma túy ma tuý mà
má cần sa bắt Bắt xe điện máy trạm sạc VinFast VINFAST pin tàu bộ trưởng trả lời nói quốc hội đại biểu bão Bão mạng
giật cấp áp thấp nhiệt đới rét đậm không khí lạnh miền Bắc tăng cường nhẹ và của , . 1.000 57 &amp; “ ” –"""


@cache
def themed() -> Tagger:
    return Tagger(taxonomy.extended({FILE.name: FILE.read_text("utf-8")}))


@cache
def brute() -> Brute:
    return Brute(THEMES)


def fired(title: str, lede: str = "", by: Tagger | None = None) -> dict[str, float]:
    tags = (by or themed()).tag(TagInput(title=title, lede=lede)).initiatives
    return {tag.id: tag.score for tag in tags if tag.id.startswith("theme-")}


def of(text: str) -> Tagger:
    """The tagger of one theme alone."""
    return Tagger(taxonomy.parse(f"themes:\n  - {text}", "mine.yaml"))


def outcome(by: Tagger, title: str) -> Outcome:
    (found,) = by.outcomes(TagInput(title=title))
    return found


def test_words_repeated_without_end_are_not_compared_in_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever writes a page of nothing but somebody's words must not stop the tag stage: it took a minute."""
    looked = 0
    follows = occurrences.Stand._follows

    def counted(self: occurrences.Stand, *given: Any) -> bool:
        nonlocal looked
        looked += 1
        return follows(self, *given)

    monkeypatch.setattr(occurrences.Stand, "_follows", counted)
    by = of("{id: theme-a, names: {vi: A}, threshold: 1, terms: [{words: dữ liệu + số, weight: 1}]}")
    for text in ("dữ liệu số " * 300, "dữ liệu " * 300 + "số " * 300, "số " * 300 + "dữ liệu " * 300):
        by.outcomes(TagInput(title="", text=text))
    assert 300 < looked < 3_000


def test_the_ten_have_no_fault_and_hold_their_own_test_strings() -> None:
    assert (len(THEMES), lint.faults(themed().taxonomy)) == (10, [])


def compared(step: int) -> Counter[str]:
    """Our answer and the plain one, over every `step`-th arrival; returns how often each theme fired."""
    count: Counter[str] = Counter()
    with gzip.open(FOLDER / "stream" / "first_seen.jsonl.gz") as lines:
        for number, line in enumerate(lines):
            if number % step == 0:
                row = json.loads(line)
                title, lede = row["title"], row["summary"] or ""
                ours = fired(title, lede)
                assert ours == brute().fired(title, lede), row["id"]
                count.update(ours)
    return count


@needs_private_data
def test_they_fire_on_the_real_stream_as_a_plain_evaluation_says() -> None:
    assert sum(compared(40).values()) > 30


@needs_private_data
@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_they_fire_on_all_of_the_real_stream_as_a_plain_evaluation_says() -> None:
    count = compared(1)
    print(count)
    assert set(count) == {theme["id"] for theme in THEMES}


@needs_private_data
@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_they_fire_on_whole_articles_as_a_plain_evaluation_says() -> None:
    """Those that end without teasers, which a plain evaluation does not know from text."""
    count: Counter[str] = Counter()
    with gzip.open(FOLDER / "articles.jsonl.gz") as lines:
        for line in lines:
            row = json.loads(line)
            item = TagInput(title=row.get("title") or "", text=row.get("text") or "")
            reading = themed().read(item)
            if reading.tail == len(reading.lower):
                ours = {o.id: o.score for o in themed().outcomes(item) if o.fired}
                assert ours == brute().fired(item.title, "", item.text), row["id"]
                count.update(ours.keys())
    print(count)
    assert len(count) == 10


jumbles = st.lists(st.sampled_from(VOCABULARY.split()), max_size=24).map(" ".join)


@given(title=jumbles, lede=jumbles)
@settings(max_examples=150)
def test_any_jumble_of_their_words_fires_as_a_plain_evaluation_says(title: str, lede: str) -> None:
    assert fired(title, lede) == brute().fired(title, lede)


def test_each_tag_has_its_score_and_the_words_that_prove_it() -> None:
    title = "Cảnh báo LỪA ĐẢO qua VNeID, kẻ lừa đảo tự xưng là cán bộ"
    (tag,) = (t for t in themed().tag(TagInput(title=title)).initiatives if t.id.startswith("theme-"))
    assert (tag.id, tag.role, tag.score) == ("theme-lua-dao-dinh-danh", "primary", 15)
    words = {(e.rule.split("/")[1], title[e.start : e.end]) for e in tag.evidence}
    assert ("VNeID", "VNeID") in words
    assert ("(lừa đảo|mạo danh|giả mạo|chiếm đoạt)", "LỪA ĐẢO") in words


def test_an_evidence_span_counts_in_the_text_as_it_was_given() -> None:
    title = "Tin\u00a0 nhanh:  gia\u0301 va\u0300ng miếng &amp; nhẫn tăng"
    (tag,) = (t for t in themed().tag(TagInput(title=title)).initiatives if t.id.startswith("theme-"))
    (evidence,) = tag.evidence
    assert title[evidence.start : evidence.end] == title[title.index("gia") :]
    assert evidence.rule == "theme-gia-vang/combination-1"


def test_names_beside_and_inside_a_themes_words_stay_what_they_are() -> None:
    line = "{id: theme-x, names: {vi: X}, threshold: 1, terms: [{words: bộ công an và bộ y tế, weight: 1}]}"
    both = Tagger(taxonomy.extended({"mine.yaml": f"themes:\n  - {line}"}))
    text = TagInput(title="Bộ Công an và Bộ Y tế triển khai Đề án 06")
    found = both.tag(text)
    assert [t.id for t in found.initiatives if t.id.startswith("theme-")] == ["theme-x"]
    assert found.agencies == tagger().tag(text).agencies


TERMS = (
    "{id: theme-x, names: {vi: X}, threshold: 10, terms: [{words: cháy, weight: 4}, {words: nổ, weight: 3},"
    " {words: khẩn cấp, weight: 10}], none: [diễn tập]}"
)


def test_a_near_miss_says_what_was_missing() -> None:
    near = outcome(of(TERMS), "Cháy nổ ở kho hàng")
    assert (near.fired, near.score, near.missing, near.near) == (False, 7, 3, True)
    assert not outcome(of(TERMS), "Nổ lốp").near


def test_what_an_excluding_word_silenced_names_it() -> None:
    silenced = outcome(of(TERMS), "Diễn tập tình huống khẩn cấp")
    assert (silenced.fired, silenced.silenced, silenced.near) == (False, "diễn tập", True)


@pytest.mark.parametrize(
    ("title", "lacking", "is_near"),
    [
        ("Cầu ở Huế", ("sập | hỏng",), False),  # half of a rule is nothing
        ("Cầu ở Huế cũ, đã xây từ nhiều năm trước, sập", ("within 5 words",), True),
        ("Cầu ở Huế sập trong game", ("not 'game'",), True),
    ],
)
def test_a_combination_that_was_not_met_says_what_it_lacks(
    title: str, lacking: tuple[str, ...], is_near: bool
) -> None:
    by = of("{id: theme-x, names: {vi: X}, combinations: [{all: [[cầu], [sập, hỏng]], within: 5, none: [game]}]}")
    near = outcome(by, title)
    assert (near.fired, near.lacking, near.near) == (False, lacking, is_near)


def test_nothing_is_done_where_none_of_its_words_occurs(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*given: object) -> None:
        raise AssertionError("looked closer")

    monkeypatch.setattr("services.classifier.themes.Stand", forbidden)
    assert themed().tag(TagInput(title="Đề án 06 sau ba năm")).initiatives
    with pytest.raises(AssertionError, match="looked closer"):
        themed().tag(TagInput(title="visa"))


def test_a_teaser_at_the_end_of_a_page_proves_nothing() -> None:
    body = "Nội dung bài viết về thời tiết. " * 20
    assert [o.fired for o in themed().outcomes(TagInput(title="Tin", text=f"{body}\nvisa, hộ chiếu"))] == [True]
    assert themed().outcomes(TagInput(title="Tin", text=f"{body}\nTin liên quan\nvisa, hộ chiếu")) == []


TESTS = "tests: {positive: [a b], negative: [c]}"


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (f"{{id: x, names: {{vi: X}}, combinations: [{{all: [[a]]}}], {TESTS}}}", "must begin with 'theme-'"),
        (f"{{id: theme-x, names: {{vi: X}}, {TESTS}}}", "can never fire"),
        (f"{{id: theme-x, names: {{vi: X}}, terms: [{{words: a, weight: 1}}], {TESTS}}}", "threshold above 0"),
        (
            f"{{id: theme-x, names: {{vi: X}}, threshold: 3, terms: [{{words: a, weight: 1}}], {TESTS}}}",
            "together weigh 1, less than the threshold 3",
        ),
        (
            f"{{id: theme-x, names: {{vi: X}}, threshold: 3, terms: [{{words: a, weight: 2, most: 2}}], {TESTS}}}",
            "is weak and fires alone",
        ),
        (f"{{id: theme-x, names: {{vi: X}}, combinations: [{{all: [[]]}}], {TESTS}}}", "an empty group"),
        (
            f"{{id: theme-x, names: {{vi: X}}, combinations: [{{all: [[a], [b]], within: 1}}], {TESTS}}}",
            "do not fit",
        ),
        (f"{{id: theme-x, names: {{vi: X}}, combinations: [{{all: [[a]], none: [a]}}], {TESTS}}}", "is excluded"),
        (f"{{id: theme-x, names: {{vi: X}}, combinations: [{{all: [[a +]]}}], {TESTS}}}", "nothing to be found"),
        ("{id: theme-x, names: {vi: X}, combinations: [{all: [[a]]}]}", "a positive and a negative test string"),
        (f"{{id: theme-x, names: {{vi: X}}, combinations: [{{all: [[z]]}}], {TESTS}}}", "not found in its test"),
        (f"{{id: theme-x, names: {{vi: X}}, combinations: [{{all: [[c]]}}], {TESTS}}}", "in its negative test"),
    ],
)
def test_lint_names_each_kind_of_fault(row: str, fault: str) -> None:
    found = lint.faults(taxonomy.parse(f"themes:\n  - {row}", "mine.yaml"))
    assert any(fault in one for one in found), found


def test_themes_are_compiled_for_the_automaton_they_are_given() -> None:
    assert isinstance(themed().themes, Themes)
    assert fired("visa, hộ chiếu", by=tagger()) == {}


def test_what_the_documentation_shows_can_be_used() -> None:
    page = (Path(__file__).parents[2] / "docs" / "tagging.md").read_text("utf-8")
    shown = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert len(shown) >= 2
    for number, text in enumerate(shown):
        assert lint.faults(taxonomy.extended({f"{number}.yaml": text})) == []
