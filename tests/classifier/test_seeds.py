"""The five articles that the project was born from: the tags that they must and must not get."""

from __future__ import annotations

from datetime import date

import pytest

from services.classifier.tagger import TagInput
from tests.classifier.private import needs_private_data, seed, tagger
from tinsom import messages as m

DATES = {
    0: date(2025, 2, 6),
    1: date(2023, 2, 25),
    2: date(2022, 12, 25),
    3: date(2025, 9, 24),
    4: date(2022, 4, 27),
}
TITLE_LINE = {2: 1}  # the second line; the first is a kicker

PRIMARY_INITIATIVES = {
    0: "cds-quoc-gia de-an-06 csdl-chuyen-nganh",
    1: "cds-quoc-gia de-an-06 nam-dl-so-2023 ttdlqg",
    2: "cds-quoc-gia de-an-06",
    3: "khcn-dmst-cds cds-quoc-gia de-an-06 csdl-chuyen-nganh cqdp-2-cap",
    4: "cds-quoc-gia",
}
MENTIONED_INITIATIVES = {
    0: "nq-57 ctht-nq57 khcn-dmst-cds csdlqg-dan-cu dvc-truc-tuyen",
    1: "csdlqg-dan-cu danh-muc-csdlqg csdl-thue kh-cds-2023 vneid dinh-danh-dien-tu dvc-truc-tuyen"
    " dvc-thiet-yeu-53 bo-so-ho-khau-giay tt-khong-tien-mat sim-rac bao-ve-dlcn quy-hoach-ha-tang-tttt"
    " tt-chi-dao-dieu-hanh-cp",
    2: "csdlqg-dan-cu ttdlqg nam-dl-so-2023 kh-cds-2023 kh-ubqg-2022 dinh-danh-dien-tu dvc-truc-tuyen",
    3: "nq-57 binh-dan-hoc-vu-so ttdlqg nen-tang-so-qg ndxp ecabinet dvc-truc-tuyen cai-cach-hc",
    4: "cl-chinh-phu-so cl-kts-xhs nen-tang-so-qg-35 to-cnscd kh-ubqg-2022 cmcn-4 cai-cach-hc",
}
PRIMARY_AGENCIES = {
    0: "ubqg-cds thu-tuong",
    1: "ubqg-cds to-cong-tac-da06 bo-cong-an bo-tttt thu-tuong",
    2: "ubqg-cds thu-tuong ubnd-dong-thap",
    3: "bcd-cp-khcn-cds-da06 thu-tuong",
    4: "ubqg-cds bo-tttt thu-tuong",
}
MENTIONED_AGENCIES = {
    0: "to-cong-tac-da06 bo-tttt bo-cong-an",
    1: "bo-tai-chinh tong-cuc-thue bo-tu-phap bo-quoc-phong nhnn quoc-hoi",
    2: "to-cong-tac-da06",
    3: "bo-khcn",
    4: "vpcp bo-cong-thuong bo-khdt bo-gddt bo-yte",
}


def document_of(number: int) -> tuple[str, str]:
    """Title and text."""
    lines = seed(number).split("\n")
    at = next(i for i, line in enumerate(lines) if line.strip())
    if number in TITLE_LINE:
        at = next(i for i, line in enumerate(lines) if i > at and line.strip())
    return lines[at], "\n".join(lines[:at] + lines[at + 1 :])


def tags_of(number: int) -> m.Tags:
    title, text = document_of(number)
    return tagger().tag(TagInput(title=title, text=text, published_at=DATES[number]))


def with_role(tags: list[m.Tag], role: str) -> set[str]:
    return {tag.id for tag in tags if tag.role == role}


@needs_private_data
@pytest.mark.parametrize("number", DATES)
def test_every_primary_initiative_is_primary(number: int) -> None:
    assert set(PRIMARY_INITIATIVES[number].split()) <= with_role(tags_of(number).initiatives, "primary")


@needs_private_data
@pytest.mark.parametrize("number", DATES)
def test_every_primary_agency_is_primary(number: int) -> None:
    assert set(PRIMARY_AGENCIES[number].split()) <= with_role(tags_of(number).agencies, "primary")


@needs_private_data
@pytest.mark.parametrize("number", DATES)
def test_every_mentioned_initiative_is_tagged(number: int) -> None:
    assert set(MENTIONED_INITIATIVES[number].split()) <= {tag.id for tag in tags_of(number).initiatives}


@needs_private_data
@pytest.mark.parametrize("number", DATES)
def test_every_mentioned_agency_is_tagged(number: int) -> None:
    assert set(MENTIONED_AGENCIES[number].split()) <= {tag.id for tag in tags_of(number).agencies}


@needs_private_data
def test_what_must_stay_empty_stays_empty() -> None:
    assert "hoa-binh" not in {place.id for place in tags_of(0).places}
    third = tags_of(3)
    assert not {"ha-noi", "hai-phong", "hai-duong"} & {place.id for place in third.places}
    assert "05/2025/NQ-CP" not in {document.key for document in third.documents}
    assert not {"de-an-06", "dvc-truc-tuyen"} & {tag.id for tag in tags_of(4).initiatives}


@needs_private_data
@pytest.mark.parametrize("number", DATES)
def test_no_province_is_found_in_a_tax(number: int) -> None:
    assert "hue" not in {place.id for place in tags_of(number).places}


CONGRESS = "Văn kiện Đại hội XIII 2021"
DOCUMENTS = {0: {"57-NQ/TW"}, 1: {"422/QĐ-TTg", "05/CT-TTg"}, 2: {"06/QĐ-TTg"}, 3: {"57-NQ/TW"}, 4: {CONGRESS}}
PLACES = {
    0: set(),
    1: {"da-nang", "binh-phuoc", "nam-dinh", "binh-duong"},
    2: {"dong-thap", "quang-ngai", "quang-tri", "tien-giang", "tra-vinh"},
    3: set(),
    4: set(),
}
EVENTS = {
    0: ("session", "ubqg-cds", 10, "2025-02-06"),
    1: ("session", "ubqg-cds", 5, "2023-02-25"),
    2: ("conference", "ubqg-cds", None, "2022-12-25"),
    3: ("session", "bcd-cp-khcn-cds-da06", 4, "2025-09-24"),
    4: ("session", "ubqg-cds", 2, "2022-04-27"),
}
# What is printed in teasers and counters of the page is no indicator of the article.
NO_INDICATORS = {1: {3073}, 3: {243_000, 230_000}, 4: {388}}


@needs_private_data
@pytest.mark.parametrize("number", DATES)
def test_documents_places_and_event(number: int) -> None:
    tags = tags_of(number)
    event = tags.events[0]
    assert {document.key for document in tags.documents} == DOCUMENTS[number]
    assert {place.id for place in tags.places} == PLACES[number]
    assert (event.type, event.body, event.number, event.date) == EVENTS[number]


@needs_private_data
@pytest.mark.parametrize("number", NO_INDICATORS)
def test_counters_and_teasers_are_no_indicators(number: int) -> None:
    assert not NO_INDICATORS[number] & {indicator.value for indicator in tags_of(number).indicators}


@needs_private_data
def test_documents_resolve_to_their_dates() -> None:
    dates = {d.key: d.date for number in DATES for d in tags_of(number).documents if d.key != CONGRESS}
    assert dates == {
        "57-NQ/TW": "2024-12-22",
        "422/QĐ-TTg": "2022-04-04",
        "05/CT-TTg": "2023-02-23",
        "06/QĐ-TTg": "2022-01-06",
    }
