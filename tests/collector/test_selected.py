from __future__ import annotations

import pytest

from services.collector.articles import selected
from services.collector.articles.extract import extract, extract_selected
from services.collector.articles.page import Page
from services.collector.reading.css import SelectorError
from tests.collector.test_commands import LEAD, PAGE
from tinsom.messages import PageSelectors

SELECTORS = PageSelectors(
    body="article .noi-dung", title="h1", lead=".sapo", date=".ngay", without=".tin-lien-quan"
)
BODY = "".join(f"<p>Đoạn {n} của văn bản giao Bộ Công an <b>chủ trì</b>\n việc thứ {n}.</p>" for n in range(12))
RELATED = "<div class=tin-lien-quan><p>Hà Nội khánh thành cầu, một tin khác hẳn.</p></div>"
LINKS = "<ul>" + "".join(f"<li><a href=/{n}>Tin khác về Hải Phòng số {n}</a></li>" for n in range(4)) + "</ul>"


def article(body: str = BODY, name: str = "noi-dung") -> bytes:
    return (
        "<html lang=vi><head><title>Tên bài | Cổng</title><meta name=author content='Lan Anh'></head><body>"
        f"<h1>Tên bài</h1><p class=ngay>08/03/2026 09:30</p><h2 class=sapo>{LEAD}</h2>"
        f"<article><div class='{name}'>{body}{RELATED}<script>var x = 1</script>{LINKS}"
        "<figure><img><figcaption>Ảnh: Cổng</figcaption></figure></div></article></body></html>"
    ).encode()


def read(body: bytes, selectors: PageSelectors = SELECTORS, *, sampled: bool = False) -> tuple[str, Page]:
    found = extract_selected(body, "", "https://cong.example/bai", selectors, sampled)
    assert found.page is not None
    return found.outcome, found.page


def test_what_the_selectors_name_and_nothing_else() -> None:
    outcome, page = read(article())
    assert outcome == "ok"
    assert page.title == "Tên bài"
    assert page.text.split("\n")[0] == LEAD
    assert page.text.split("\n")[1:3] == [
        "Đoạn 0 của văn bản giao Bộ Công an chủ trì việc thứ 0.",
        "Đoạn 1 của văn bản giao Bộ Công an chủ trì việc thứ 1.",
    ]
    assert len(page.text.split("\n")) == 13
    assert (page.published, page.author, page.language) == ("08/03/2026 09:30", "Lan Anh", "vi")


def test_what_they_do_not_name_the_page_says_of_itself() -> None:
    _, page = read(PAGE.encode(), PageSelectors(body="article"))
    plain = extract(PAGE.encode())
    assert plain is not None
    assert (page.title, page.published, page.description) == (plain.title, plain.published, plain.description)
    assert page.text.startswith(LEAD)


def test_a_page_they_do_not_fit_is_read_all_the_same_and_says_so() -> None:
    outcome, page = read(article(name="khung-moi"))
    assert outcome == "layout"
    assert "việc thứ 11" in page.text


def test_the_sample_notices_selectors_that_match_something_else() -> None:
    teaser = PageSelectors(body=".tin-lien-quan")
    assert read(article(), teaser)[0] == "ok"
    assert read(article(), teaser, sampled=True)[0] == "layout"
    assert read(article(), PageSelectors(body="article .noi-dung", title=".ngay"), sampled=True)[0] == "layout"


def test_the_sample_finds_nothing_wrong_with_what_fits() -> None:
    assert read(article(), sampled=True) == read(article())
    # Nobody knows what a page says in which the other reader finds next to nothing.
    assert read(article("<p>Ngắn gọn: lễ khai mạc lúc 8 giờ.</p>"), sampled=True)[0] == "ok"


def test_signs_that_are_no_text_end_nothing() -> None:
    odd = BODY.replace("việc thứ 3", "vi\x00ệc\x0b thứ\x1f 3")
    outcome, page = read(article(odd))
    assert outcome == "ok"
    assert "việc thứ 3" in page.text
    assert "việc thứ 11" in page.text


def test_a_body_named_twice_is_read_once() -> None:
    _, page = read(article(), PageSelectors(body="article, .noi-dung, .khong-co"))
    assert page.text.count("việc thứ 5") == 1


@pytest.mark.parametrize("body", [b"", b"\x89PNG", b"<html></html>", b"<a>" * 200_000, article()[:200]])
@pytest.mark.parametrize("sampled", [False, True])
def test_pages_that_are_none(body: bytes, sampled: bool) -> None:
    found = extract_selected(body, "", "", SELECTORS, sampled)
    assert found.outcome in ("no_text", "layout")


def test_selectors_that_are_none() -> None:
    for wrong, name in ((PageSelectors(body="p["), "body"), (PageSelectors(body="p", lead=":x("), "lead")):
        with pytest.raises(SelectorError, match=f"^{name}: "):
            selected.check(wrong)
    with pytest.raises(SelectorError, match="body: is empty"):
        selected.check(PageSelectors(body=" "))
