"""Which bodies a text names: those in passing, bare and joined heads, offices without their ministry's name."""

from __future__ import annotations

from datetime import date

import pytest

from services.classifier import reading
from services.classifier.tagger import TagInput
from tests.classifier.private import tagger

DAY = date(2025, 5, 20)


def bodies(text: str, *, title: str = "", day: date = DAY) -> set[str]:
    return {tag.id for tag in tagger().tag(TagInput(title=title, text=text, published_at=day)).agencies}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Sở làm theo Chỉ thị số 04/CT-TTg của Thủ tướng Chính phủ.", {"thu-tuong"}),
        ("Hồ sơ theo Nghị định số 85/2016/NĐ-CP ngày 01/7/2016 của Chính phủ.", {"chinh-phu"}),
        ("Luật dự kiến được trình Quốc hội thông qua.", {"quoc-hoi"}),
        ("Doanh nghiệp làm theo chủ trương của Chính phủ.", set()),
        ("Phương châm: Đảng đã chỉ đạo, Chính phủ thống nhất, Quốc hội đồng tình.", set()),
        ("Quan hệ trên các kênh Đảng, Nhà nước, Chính phủ, Quốc hội và giao lưu nhân dân.", set()),
    ],
)
def test_who_issues_or_is_asked_counts_what_is_only_called_theirs_does_not(text: str, found: set[str]) -> None:
    assert bodies(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Theo Bộ trưởng Y tế Đào Hồng Lan, nghị định sắp có.", {"bo-yte"}),
        ("Thứ trưởng Tư pháp: thủ tục đã cắt sẽ không mọc lại.", {"bo-tu-phap"}),
        ("Bộ trưởng Giáo dục và Đào tạo Williamson nói về trường học.", set()),
        ("Bộ trưởng Tài chính của Qatar dự cuộc gặp.", set()),
        ("Cựu Bộ trưởng Y tế bị khởi tố.", set()),
        ("Hội nghị Bộ trưởng Quốc phòng ASEAN mở rộng họp.", set()),
        ("Bộ trưởng Khoa học và Công nghệ Việt Nam ký thỏa thuận.", {"bo-khcn"}),
        ("Thủ tướng Orban phát biểu.", set()),
        ("Phó Thủ tướng Phùng Quốc Hiển phát biểu.", {"pho-thu-tuong"}),
        ("THỦ TƯỚNG YÊU CẦU", {"thu-tuong"}),
    ],
)
def test_a_minister_by_what_he_is_minister_of(text: str, found: set[str]) -> None:
    assert bodies(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Chịu trách nhiệm trước Thành ủy, HĐND, UBND thành phố.", {"tinh-uy", "hdnd", "ubnd"}),
        ("Nội dung này được trình Ban Thường vụ Thành ủy xem xét.", {"tinh-uy"}),
        ("Bí thư Thành ủy Lê Trường Lưu nhấn mạnh.", {"tinh-uy"}),
        ("Bí thư Thành ủy Thủ Đức nhấn mạnh.", set()),
        ("Cơ quan quản lý căn cước của Công an tỉnh, thành phố trực thuộc trung ương.", set()),
        ("Bộ Y tế chỉ đạo Sở Y tế các tỉnh.", {"bo"}),
    ],
)
def test_a_bare_head_of_a_province_is_that_of_the_item(text: str, found: set[str]) -> None:
    assert {tag.split("-ha-noi")[0].removesuffix("-yte") for tag in bodies(text, title="Hà Nội họp")} == found


def test_a_province_whose_name_is_written_with_one_capital() -> None:
    assert bodies("UBND thành phố giao Sở Nội vụ.", title="Hà nội họp") == {"ubnd-ha-noi", "so-noi-vu-ha-noi"}


def test_the_ministry_behind_its_unit_is_an_address_and_the_unit_s_parent() -> None:
    tags = tagger().tag(TagInput(text="C06 - Bộ Công an cho biết.", published_at=DAY)).agencies
    assert {tag.id: tag.via or "" for tag in tags} == {"c06": "", "bo-cong-an": "c06"}


def test_a_line_that_begins_with_theo_ends_no_wrapped_text() -> None:
    lines = [
        "Ứng dụng VssID mới",
        "có thêm nhiều tiện ích",
        "cho người lao động.",
        "",
        "Theo Bảo hiểm xã hội Việt",
    ]
    assert "bhxh-vn" in bodies("\n".join([*lines, "Nam, cách làm này là", "mới với", "mọi", "người."]))
    assert "bo-cong-an" in bodies("\n".join([*lines, "Nam, cách làm này do", "Bộ Công an", "đề", "xuất."]))


def test_a_kind_of_officer_is_no_person_before_a_province() -> None:
    tags = tagger().tag(TagInput(title="Kiểm lâm TP.HCM khuyến cáo", text="Chim quý.", published_at=DAY))
    assert [place.id for place in tags.places] == ["tp-hcm"]


@pytest.mark.parametrize(
    ("title", "text", "found"),
    [
        ("TP.HCM thành lập tổ liên ngành", "", {"ubnd-tp-hcm"}),
        ("Đường mới", "Tỉnh Đồng Nai vừa phê duyệt dự án.", {"ubnd-dong-nai"}),
        ("Hà Nội vào thu", "Mùa thu Hà Nội.", set()),
        ("Sinh viên Hà Nội đề xuất", "Một ý hay.", set()),
    ],
)
def test_a_province_that_orders_or_decides_in_a_headline_is_its_people_s_committee(
    title: str, text: str, found: set[str]
) -> None:
    assert bodies(text, title=title) == found


def test_a_line_that_leads_to_another_article_names_nobody() -> None:
    text = "Người dân cần biết.\n**Mới: Thủ tướng Chính phủ tăng lương**\nBộ Công an hướng dẫn.\n"
    tags = tagger().tag(TagInput(title="Mới: Bộ Y tế thông báo", text=text, published_at=DAY)).agencies
    assert {tag.id for tag in tags} == {"bo-yte", "bo-cong-an"}
    (spot,) = next(tag for tag in tags if tag.id == "bo-cong-an").evidence
    assert text[spot.start : spot.end] == "Bộ Công an"


def test_a_line_that_leads_to_another_article_is_no_part_of_the_lede() -> None:
    teaser, sentences = f"**Mới: {'tin ' * 20}**", ("từ " * 133 + "hết. ", "từ " * 60 + "hết. ")
    read = reading.read("", "", f"{teaser}\n{''.join(sentences)}{'từ ' * 300}", DAY, frozenset())
    assert read.lede_end == read.texts[2][0] + len(teaser) + 1 + sum(map(len, sentences))


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("Sở Quy hoạch và Kiến trúc Hà Nội", "so-qhkt-ha-noi"),
        ("Sở VH-TT-DL Hà Nội", "so-vhttdl-ha-noi"),
        ("Sở Văn hóa - Thể thao và Du lịch Hà Nội", "so-vhttdl-ha-noi"),
        ("Sở An toàn thực phẩm TP.HCM", "so-attp-tp-hcm"),
        ("Sở Giao thông công chánh TP.HCM", "so-gtcc-tp-hcm"),
        ("Bộ Văn hóa Thể thao và Du lịch", "bo-vhttdl"),
    ],
)
def test_departments_as_papers_write_them(written: str, found: str) -> None:
    assert bodies(f"Hôm nay, {written} trả lời.") == {found}
