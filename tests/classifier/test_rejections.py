from __future__ import annotations

import pytest

from services.classifier.tagger import TagInput
from services.classifier.workbench.rejections import Rejection, rejections
from tests.classifier.private import tagger


def rejected(title: str, text: str = "") -> list[Rejection]:
    item = TagInput(title=title, text=text)
    return rejections(tagger(), item, tagger().tag(item))


@pytest.mark.parametrize(
    ("title", "words", "rule", "why"),
    [
        ("Đề án 06 của Trường Đại học A", "Đề án 06", "de-an-06/alias", "right before 'của trường'"),
        ("Giải pháp chuyển đổi số của quán", "chuyển đổi số", "cds-quoc-gia/weak", "right after 'giải pháp'"),
        (
            "Trung tâm dữ liệu quốc gia về dân cư",
            "Trung tâm dữ liệu quốc gia",
            "ttdlqg/alias",
            "inside 'Trung tâm dữ liệu quốc gia về dân cư' (csdlqg-dan-cu/block)",
        ),
        ("Phim có vai Cđs", "Cđs", "cds-quoc-gia/abbreviation", "not written so"),
    ],
)
def test_a_name_that_makes_no_tag_says_what_kept_it(title: str, words: str, rule: str, why: str) -> None:
    assert Rejection("title", words, rule, why) in rejected(title)


def test_weak_words_without_company_say_so() -> None:
    (found,) = rejected("Quán ăn nói về kinh tế số")
    assert (found.rule, found.why.split(":")[0]) == ("kinh-te-so/weak", "weak words")


def test_teasers_prove_nothing() -> None:
    body = "Nội dung bài viết về thời tiết. " * 20
    found = rejected("Tin", f"{body}\nTin liên quan\nVNeID có bản mới")
    assert ("VNeID", "in the teasers at the end") in {(r.words, r.why) for r in found}


def test_what_was_tagged_is_not_rejected_and_each_is_named_once() -> None:
    assert rejected("Bộ Công an triển khai Đề án 06") == []
    assert len(rejected("Giải pháp chuyển đổi số, giải pháp chuyển đổi số")) == 1
