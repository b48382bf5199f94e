"""The words around a name, and what they add to its score."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest

from services.classifier import reading, taxonomy
from services.classifier.mentions import Mention
from services.classifier.surroundings import REACH, Around, words
from services.classifier.tagger import Tagger, TagInput

NAME = "đề án 06"


def read_of(text: str) -> reading.Reading:
    return reading.read("", "", text, None, frozenset())


def named(read: reading.Reading) -> tuple[list[Mention], list[int]]:
    """Each mention of the name, and the number of its sentence."""
    places = [match.start() for match in re.finditer(NAME, read.lower)]
    mentions = [Mention("de-an-06", at, at + len(NAME), "test") for at in places]
    return mentions, [read.sentence_number(at) for at in places]


def heard(text: str) -> tuple[set[str], set[str]]:
    read = read_of(text)
    return words(read, *named(read))


def test_each_word_has_its_side() -> None:
    assert heard("Bộ giao nhiệm vụ của Đề án 06 cho tỉnh.") == (
        {"bộ", "giao", "nhiệm", "vụ", "của"},
        {"cho", "tỉnh."},
    )


def test_other_sentences_say_nothing() -> None:
    assert heard("Trời mưa to. Về Đề án 06 có báo cáo. Trời nắng.") == ({"về"}, {"có", "báo", "cáo."})


def test_a_word_that_the_reach_cuts_is_left_out() -> None:
    long = "dài" * 4
    before, behind = heard(f"{' '.join([long] * 9)} Đề án 06 {' '.join([long] * 9)}")
    assert before == behind == {long}
    assert heard(f"{'x' * (REACH + 9)} Đề án 06 {'y' * (REACH + 9)}") == (set(), set())


def test_the_first_three_mentions_are_heard() -> None:
    before, _ = heard("Một Đề án 06. Hai Đề án 06. Ba Đề án 06. Bốn Đề án 06.")
    assert before == {"một", "hai", "ba"}


def test_many_words_say_more_but_each_of_them_less() -> None:
    around = Around({"giao": 2.0, "vụ": 2.0}, {"cho": 2.0}, {"de-an-06": 2.0})
    read = read_of("Giao Đề án 06")
    assert around.points("de-an-06", read, *named(read)) == pytest.approx(4.0 / math.sqrt(2))
    assert around.points("vneid", read, *named(read)) == pytest.approx(2.0)
    assert Around({}, {}, {}).points("de-an-06", read, *named(read)) == 0.0


def test_words_decide_a_role_that_is_in_doubt() -> None:
    """The same item, by weights that know one word more."""
    one = Tagger(taxonomy.load())
    item = TagInput(title="Họp báo của Bộ Công an", text="Bộ Công an họp báo. Sau đó giao Đề án 06 cho các tỉnh.")
    roles = set()
    for points in (-20.0, 20.0):
        one.weights = replace(one.weights, around=Around({"giao": points}, {}, {}))
        roles |= {(tag.id, tag.role) for tag in one.tag(item).initiatives if tag.id == "de-an-06"}
    assert roles == {("de-an-06", "mentioned"), ("de-an-06", "primary")}
