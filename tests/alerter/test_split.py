"""Messages that fit: nothing broken, nothing lost."""

import html

from hypothesis import given
from hypothesis import strategies as st

from services.alerter.split import split, units, visible
from tests.fakes.telegram.markup import parse


def test_short_text_is_one_message() -> None:
    assert split("<b>Tin</b> ngắn") == ["<b>Tin</b> ngắn"]


def test_open_tags_are_closed_and_opened_again() -> None:
    parts = split('<b><a href="https://a.vn">một hai</a> ba</b> bốn', limit=7)
    assert parts == ['<b><a href="https://a.vn">một hai</a></b>', "<b>ba</b> bốn"]
    assert [parse(part)[0].strip() for part in parts] == ["một hai", "ba bốn"]


def test_entities_of_html_are_not_cut() -> None:
    assert split("aaaa &amp;&lt;&gt;", limit=4) == ["aaaa", "&amp;&lt;&gt;"]


def test_a_word_too_long_is_cut_between_characters() -> None:
    parts = split("😀" * 5, limit=4)
    assert parts == ["😀😀", "😀😀", "😀"]


def test_entities_are_counted() -> None:
    parts = split(" ".join(f"<b>{n}</b>" for n in range(250)), entities=100)
    assert [len(parse(part)[1]) for part in parts] == [100, 100, 50]


_words = st.lists(
    st.text(st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp", "Cf")), min_size=1, max_size=12),
    min_size=1,
    max_size=60,
)


@given(_words, st.integers(20, 60))
def test_no_word_is_lost_or_broken(words: list[str], limit: int) -> None:
    text = " ".join(f"<b>{html.escape(w)}</b>" if n % 3 == 0 else html.escape(w) for n, w in enumerate(words))
    parts = split(text, limit)
    seen = []
    for part in parts:
        plain, _ = parse(part)
        assert units(plain.strip()) <= limit
        seen += plain.split()
    assert seen == " ".join(words).split()


@given(st.text(max_size=300))
def test_visible_undoes_escaping(text: str) -> None:
    assert visible(html.escape(text)) == text
