"""Text from strangers: harmless, whole, in NFC."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alerter import clean
from tests.fakes.telegram.markup import found


def test_one_line_collapses_and_composes() -> None:
    decomposed = unicodedata.normalize("NFD", "Bộ Công an\r\nĐề án\t06")
    assert clean.one_line(decomposed) == "Bộ Công an Đề án 06"


def test_what_reorders_or_hides_text_goes() -> None:
    assert clean.one_line("a\u202eb\u200bc\ufeffd\x00e\ud800f\u2066g") == "abcdefg"


def test_emoji_families_stay_whole() -> None:
    assert clean.one_line("👨‍👩‍👧 ok") == "👨‍👩‍👧 ok"


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [("ngắn", 10, "ngắn"), ("một hai ba bốn", 10, "một hai…"), ("x" * 20, 10, "x" * 9 + "…")],
)
def test_cut_at_a_word(text: str, limit: int, expected: str) -> None:
    assert clean.cut(text, limit) == expected


@pytest.mark.parametrize(
    "hostile",
    [
        "xem evil.com ngay", "http://evil.com/x", "t.me/kenh", "@admin", "mail a@evil.com", "#hash", "/start",
        "tg://resolve?domain=x", "sub-.evil.vn", "1.2.3.4", "$USD tăng", "x.com.vn/duong-dan",
    ],
)  # fmt: skip
def test_nothing_becomes_a_link_by_itself(hostile: str) -> None:
    assert found(hostile, []), "the sample must be one that a client would link"
    shown = clean.shown(hostile)
    assert found(shown, []) == []
    assert shown.replace(clean.JOINER, "") == hostile


@pytest.mark.parametrize("text", ["Quyết định số 06/QĐ-TTg", "3.000.000 hồ sơ", "63→34 tỉnh", "8h30, ngày 1/7"])
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert clean.shown(text) == text


@given(st.text(max_size=200))
def test_any_text_ends_inert_and_normal(text: str) -> None:
    shown = clean.shown(text, 100)
    assert found(shown, []) == []
    assert unicodedata.is_normalized("NFC", shown)
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in shown)
    assert len(shown.replace(clean.JOINER, "")) <= 100


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "https://a b.vn", 'https://a.vn/"onclick=', "//a.vn", "https://", "https://u:p@a.vn/",
        "ftp://a.vn", "https://a.vn/\u202e", "https://a.vn/<b>", "http://[bad", "https://a.vn/" + "x" * 3000, "",
    ],
)  # fmt: skip
def test_only_plain_web_links(url: str) -> None:
    assert clean.link(url) == ""


def test_a_web_link_stays() -> None:
    assert clean.link(" https://báo.vn/tin?a=1&b=2#x ") == "https://báo.vn/tin?a=1&b=2#x"
