from __future__ import annotations

from services.collector.articles.extract import extract
from services.collector.articles.page import joined, without_furniture
from tests.collector.test_commands import LEAD, PAGE


def test_the_lead_is_put_first_when_it_is_missing() -> None:
    assert joined(LEAD, "Thân bài.") == f"{LEAD}\nThân bài."
    assert joined(LEAD, f"Mở đầu. {LEAD} Thân bài.") == f"Mở đầu. {LEAD} Thân bài."


def test_a_description_cut_off_is_not_said_twice() -> None:
    lead = "Thủ tướng chủ trì phiên họp thứ mười của Ủy ban Quốc gia về chuyển đổi số và bàn ba việc"
    assert joined(lead[:70] + "...", f"{lead}.") == f"{lead}."


def test_a_slogan_is_no_lead() -> None:
    assert joined("Tin nhanh", "Thân bài.") == "Thân bài."


def test_pages_that_are_none() -> None:
    for body in (b"", b"\x89PNG", b"{}", b"<html></html>"):
        page = extract(body)
        assert page is None or page.text == ""


def test_linked_data_gives_the_date() -> None:
    body = PAGE.replace("article:published_time", "x").replace(
        "<body>",
        '<script type="application/ld+json">{"@graph": [{"datePublished": "2026-03-01T09:51:00+07:00"}]}</script>',
    )
    page = extract(body.encode())
    assert page is not None
    assert page.published == "2026-03-01T09:51:00+07:00"


def test_lists_of_links_and_furniture_are_no_text() -> None:
    links = "".join(f"<li><a href='/bai-{n}'>Một bài khác về một bộ khác, số {n}</a></li>" for n in range(4))
    body = PAGE.replace("<p>Đoạn thân bài thứ 3", f"<ul>{links}</ul><p>Xem thêm:</p><p>Đoạn thân bài thứ 3")
    page = extract(body.encode())
    assert page is not None
    assert "Một bài khác" not in page.text
    assert "Xem thêm" not in page.text
    assert "thứ 8" in page.text


def test_a_list_that_is_text_stays() -> None:
    points = "".join(
        f"<li>Điểm thứ {n} của nghị định, có <a href='/x'>một liên kết</a> bên trong.</li>" for n in range(4)
    )
    page = extract(PAGE.replace("<p>Đoạn thân bài thứ 3", f"<ul>{points}</ul><p>Đoạn thân bài thứ 3").encode())
    assert page is not None
    assert "Điểm thứ 3" in page.text


def test_the_title_is_not_said_again_at_the_head() -> None:
    assert without_furniture("Tên bài\nTHÂN BÀI\nTên bài", "Tên bài") == "THÂN BÀI\nTên bài"


def test_an_address_is_no_author() -> None:
    body = PAGE.replace("<title>", "<meta name='author' content='https://facebook.example/x'><title>")
    page = extract(body.encode())
    assert page is not None
    assert page.author == ""


def test_an_english_description_is_only_a_description() -> None:
    english = "A description that search engines show and that stands nowhere on the page itself."
    page = extract(PAGE.replace(LEAD, english).replace("lang='vi'", "lang='en'").encode())
    assert page is not None
    assert page.description == english
    assert english not in page.text


SAPO = "Đoạn mở đầu như nó đứng trên trang, có (Chinhphu.vn) ở trước và dài hơn dòng mô tả."


def with_sapo(markup: str) -> str:
    page = extract(PAGE.replace("<article>", f"<h1>Tên bài</h1>{markup}<article>").encode())
    assert page is not None
    return page.text


def test_the_lead_as_it_stands_on_the_page_goes_before_the_description() -> None:
    for element in (f"<h2 class='detail-sapo'>{SAPO}</h2>", f"<p data-role=sapo>{SAPO}</p>"):
        text = with_sapo(element)
        assert text.startswith(SAPO)
        assert LEAD not in text


def test_a_lead_that_is_seen_on_the_page_counts_in_any_language() -> None:
    english = "The lead as it stands on the page, of a portal that says nothing in its head."
    assert with_sapo(f"<div class=summary>{english}</div>").startswith(english)


def test_what_is_only_named_like_a_lead_is_none() -> None:
    for element in (
        f"<p class='the-loai-sapoche'>{SAPO}</p>",
        "<h2 class=sapo>Ngắn</h2>",
        f"<h2 class=sapo>{SAPO * 40}</h2>",
        f"<ul><li class=sapo>{SAPO}</li></ul>",
    ):
        assert with_sapo(element).startswith(LEAD)
    before = extract(PAGE.replace("<article>", f"<p class=sapo>{SAPO}</p><h1>Tên bài</h1><article>").encode())
    assert before is not None
    assert before.text.startswith(LEAD)
