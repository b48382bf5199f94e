from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from tinsom.text import normalise, single_spaced, slug, tone_variants, unaccented

NOISY = st.text(
    alphabet=st.sampled_from("aộủỷ \u00a0\u200b\u2013\u201c\n&;#x0đĐ\u00d0\u0301\u0323ê1/-") | st.characters()
)


def test_plain_text_needs_no_map() -> None:
    text = normalise("Bộ Công an triển khai Đề án 06")
    assert text.edits is None
    assert text.lower == "bộ công an triển khai đề án 06"


def test_a_decomposed_name_is_cut_out_whole() -> None:
    original = unicodedata.normalize("NFD", "của Bộ Công an.")
    text = normalise(original)
    start = text.plain.index("Bộ Công an")
    cut = original[text.origin(start) : text.origin(start + len("Bộ Công an"))]
    assert unicodedata.normalize("NFC", cut) == "Bộ Công an"


def test_windows_1258_order_of_marks() -> None:
    assert normalise("Đê\u0300 a\u0301n").plain == "Đề án"


def test_spaces_dashes_quotes_zero_width_and_entities() -> None:
    text = normalise("Bộ\u00a0Công\u200b an – “số” &amp; KH&amp;CN  hai")
    assert text.plain == 'Bộ Công an - "số" & KH&CN hai'


def test_a_stray_mark_joins_no_words() -> None:
    assert normalise("Bộ Công an \u0301và &amp; Bộ Y tế").plain == "Bộ Công an \u0301và & Bộ Y tế"


@given(NOISY)
def test_offsets_are_monotonous_and_within_the_original(original: str) -> None:
    text = normalise(original)
    positions = [text.origin(i) for i in range(len(text.plain) + 1)]
    assert positions == sorted(positions)
    assert positions[-1] <= len(original)
    assert len(text.lower) == len(text.plain)


@given(NOISY)
def test_normalising_twice_changes_nothing_more(original: str) -> None:
    once = normalise(original).plain
    if "&" not in once:  # an entity may write an entity
        assert normalise(once).plain.replace("  ", " ") == normalise(normalise(once).plain).plain.replace(
            "  ", " "
        )


@given(NOISY)
def test_composed_text_is_repaired_as_any_other(original: str) -> None:
    composed = unicodedata.normalize("NFC", original)
    assert normalise(composed + ".&amp;e\u0301").plain == normalise(composed + ".&amp;é").plain


@given(st.text("aạ \n\u00a0\u2028\u200b\x1f\x85.", max_size=12))
def test_one_space_stands_between_words_whatever_was_there(text: str) -> None:
    assert single_spaced(text) == " ".join(text.split())


def test_tone_variants_only_in_open_syllables() -> None:
    assert tone_variants("Ủy ban hòa") == ["Ủy ban hòa", "Ủy ban hoà", "Uỷ ban hòa", "Uỷ ban hoà"]
    assert tone_variants("quý hoàn") == ["quý hoàn"]


def test_slugs_fold_the_d_by_hand() -> None:
    assert slug("Đắk Lắk – Bà Rịa") == "dak-lak-ba-ria"
    assert unaccented("Đề án") == "De an"
