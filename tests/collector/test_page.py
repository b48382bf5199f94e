from __future__ import annotations

from services.collector.extract import extract
from services.collector.page import joined
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
