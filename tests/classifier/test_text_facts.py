"""Ways in which Vietnamese text breaks naive matchers, one test each (numbers: docs/tagging.md)."""

from __future__ import annotations

import unicodedata
from datetime import date, datetime

import pytest

from services.classifier import dates
from services.classifier.indicators import parse_number
from services.classifier.tagger import TagInput
from tests.classifier.private import tagger
from tinsom import messages as m
from tinsom.text import unaccented

DAY = date(2025, 9, 24)


def tags(text: str, *, title: str = "", day: date | None = DAY) -> m.Tags:
    return tagger().tag(TagInput(title=title, text=text, published_at=day))


def agencies(text: str, *, day: date | None = DAY) -> set[str]:
    return {tag.id for tag in tags(text, day=day).agencies}


def initiatives(text: str, *, day: date | None = DAY) -> set[str]:
    return {tag.id for tag in tags(text, day=day).initiatives}


def places(text: str, *, day: date | None = DAY) -> set[str]:
    return {place.id for place in tags(text, day=day).places}


def documents(text: str, *, day: date | None = DAY) -> set[str]:
    return {document.key for document in tags(text, day=day).documents}


def test_01_decomposed_text() -> None:
    assert "bo-cong-an" in agencies(unicodedata.normalize("NFD", "Bộ Công an yêu cầu"))


def test_02_windows_1258_marks() -> None:
    assert "de-an-06" in initiatives("Bộ Công an: Đê\u0300 a\u0301n 06")


def test_03_font_encodings_are_not_mistaken_for_names() -> None:
    assert agencies("Boä Coâng an") == set()


def test_04_both_tone_styles() -> None:
    assert agencies("Uỷ ban quốc gia về chuyển đổi số", day=date(2024, 1, 1)) == {"ubqg-cds"}
    assert agencies("Ủy ban Quốc gia về chuyển đổi số", day=date(2024, 1, 1)) == {"ubqg-cds"}


def test_05_the_other_d() -> None:
    assert "de-an-06" in initiatives("\u00d0ề án 06 của Chính phủ")
    assert unaccented("Đ đ") == "D d"


def test_06_no_break_spaces_inside_names() -> None:
    assert "bo-tttt" in agencies("Bộ Thông tin và\u00a0Truyền thông yêu cầu", day=date(2024, 1, 1))


@pytest.mark.parametrize("mark", "\u200b\u200c\u200d\ufeff\u2060\u00ad")
def test_07_zero_width_characters(mark: str) -> None:
    assert "bo-cong-an" in agencies(f"Bộ Công{mark} an yêu cầu")


@pytest.mark.parametrize("written", ["57-NQ/TW", "57\u2011NQ/TW", "57–NQ/TW", "57 - NQ/TW", "57−NQ/TW"])
def test_08_dashes(written: str) -> None:
    assert documents(f"thực hiện Nghị quyết {written}") == {"57-NQ/TW"}


@pytest.mark.parametrize("written", ["NQ57", "NQ 57", "Nghị quyết 57", "Nghị quyết số 57"])
def test_09_short_references(written: str) -> None:
    assert "nq-57" in initiatives(f"thực hiện {written} về khoa học")


@pytest.mark.parametrize("written", ["Quyết định 146/2006/QĐ-TTg", "1422/QĐ-TTg", "171/NQ-CP", "1266/QĐ-TTg"])
def test_10_numbers_are_no_substrings(written: str) -> None:
    found = tags(f"theo {written}").documents
    assert not {doc.key for doc in found} & {"06/QĐ-TTg", "422/QĐ-TTg", "71/NQ-CP", "66-NQ/TW"}


def test_11_the_same_number_of_another_issuer_or_year() -> None:
    assert "nq-57" not in initiatives("Nghị quyết 57/2022/QH15 về đường Vành đai 3")
    assert "de-an-06" not in initiatives("Quyết định số 06/QĐ-TTg ngày 2/1/2025 về quy hoạch")
    assert "nq-57" not in initiatives("Nghị quyết số 57 của HĐND tỉnh Hà Giang")
    old = tags("Quyết định số 422/QĐ-TTg", day=date(2023, 2, 25)).documents[0]
    new = tags("Quyết định số 422/QĐ-TTg", day=date(2026, 5, 1)).documents[0]
    assert (old.date, new.date) == ("2022-04-04", "2026-03-10")


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("Nghị quyết 66.7/2025/NQ-CP", "66.7/2025/NQ-CP"),
        ("Kế hoạch số 2410/KH-UBND", "2410/KH-UBND"),
        ("Kế hoạch 40/KH-BCA-C12", "40/KH-BCA-C12"),
        ("Quyết định 6/QĐ-TTg", "06/QĐ-TTg"),
        ("Kế hoạch số 02-KH/BCĐTW", "02-KH/BCĐTW"),
        ("Nghị quyết 57/NQ-TW", "57-NQ/TW"),
        ("Nghị quyết 30/2022/UBTVQH15", "30/2022/UBTVQH15"),
        ("Nghị định 10 năm 2020", "10/2020/NĐ-CP"),
        ("Nghị định số 69 ngày 25/6/2024 của Chính phủ", "69/2024/NĐ-CP"),
        ("Chỉ thị số 12 của Bộ trưởng Bộ Y tế", "12/CT-BYT"),
        ("Thông báo số 171 ngày 11/4/2025 của Văn phòng Chính phủ", "171/TB-VPCP"),
    ],
)
def test_12_odd_numbers(written: str, key: str) -> None:
    assert documents(written) == {key}


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("Nghị quyết 31 của Bộ Chính trị", "31-NQ/TW"),
        ("Bộ Chính trị đã ban hành Nghị quyết số 71", "71-NQ/TW"),
        ("Kết luận 91 của Bộ Chính trị", "91-KL/TW"),
        ("Chỉ thị 13 của Ban Bí thư", "13-CT/TW"),
        ("Chính phủ đã ban hành Nghị quyết số 175 ngày 30/10/2023", "175/NQ-CP"),
        ("Nghị quyết số 03-NQ/CP", "03/NQ-CP"),
    ],
)
def test_12_a_bare_number_with_its_issuer(written: str, key: str) -> None:
    assert documents(f"{written} nêu rõ.") == {key}


def test_12_a_date_misprinted_by_a_few_days_is_the_same_document() -> None:
    assert "nq-57" in initiatives("Nghị quyết 57-NQ/TW ban hành ngày 27/12/2024 nêu rõ.")
    assert "nq-57" not in initiatives("Nghị quyết 57-NQ/TW ban hành ngày 27/11/2024 nêu rõ.")


def test_12_a_bare_number_stands_for_an_initiative_only_with_its_date() -> None:
    assert "ttdlqg" in initiatives("Chính phủ ban hành Nghị quyết số 175 ngày 30/10/2023 về việc này.")
    assert "ttdlqg" not in initiatives("Chính phủ ban hành Nghị quyết số 175 về việc này.")
    assert documents("Quyết định 12 của Chính phủ") == set()


def test_13_all_capitals() -> None:
    assert "bo-cong-an" in agencies("BỘ CÔNG AN TRIỂN KHAI ĐỀ ÁN 06")
    assert "de-an-06" in initiatives("BỘ CÔNG AN TRIỂN KHAI ĐỀ ÁN 06")


def test_13_a_title_without_any_mark() -> None:
    found = tags(
        "", title="Bo Thong tin va Truyen thong hop ve chuong trinh chuyen doi so quoc gia", day=date(2024, 1, 1)
    )
    assert [tag.id for tag in found.agencies] == ["bo-tttt"]
    assert [tag.id for tag in found.initiatives] == ["cds-quoc-gia"]
    (evidence,) = found.agencies[0].evidence
    assert (evidence.field, evidence.start, evidence.end) == ("title", 0, 28)


@pytest.mark.parametrize("title", ["Bo Cong an hop ve de an 06", "Họp ve chuong trinh chuyen doi so quoc gia"])
def test_13_short_names_and_titles_with_marks_are_not_read_so(title: str) -> None:
    found = tags("", title=title)
    assert not found.agencies
    assert not found.initiatives


def test_14_abbreviations() -> None:
    assert {"bo-cong-an", "vpcp"} <= agencies("BCA và VPCP phối hợp")
    assert agencies("bca và vpcp phối hợp") == set()


def test_15_syllable_boundaries() -> None:
    assert agencies("chất lượng của cán bộ công chức, cán bộ công an xã") == set()


def test_16_ministry_police_and_class() -> None:
    assert agencies("Công an tỉnh Tây Ninh đề nghị") == {"cong-an-tay-ninh"}
    assert agencies("các bộ, công an, quân đội") == set()


def test_16_a_police_club_and_another_country_s_head_of_government() -> None:
    assert "cong-an-ha-noi" not in agencies("Trọng tài bắt trận đấu của Công An Hà Nội ở Cúp quốc gia.")
    assert agencies("Thủ tướng CH Czech tuyên bố nước này sẽ không bảo lãnh.") == set()
    assert agencies("Công an Hà Nội triệt xóa một đường dây cá độ.") == {"cong-an-ha-noi"}


def test_another_country_s_law_is_no_programme_of_ours() -> None:
    assert tags("Ông Trump ký sắc lệnh.", title="Ông Trump thúc đẩy 'luật AI cho toàn nước Mỹ'").initiatives == []


@pytest.mark.parametrize(
    "title", ["TP.HCM khánh thành trạm y tế số tại Phú Mỹ Hưng", "Phó Thủ tướng Vũ Đức Đam nói về y tế số"]
)
def test_a_name_of_ours_with_another_country_s_syllable_is_no_other_country(title: str) -> None:
    assert "y-te-so" in {tag.id for tag in tags("Người dân trải nghiệm.", title=title).initiatives}
    assert tags("Người dân trải nghiệm.", title="Thủ tướng Anh nói về y tế số").initiatives == []


def test_a_place_in_the_headline_is_its_authorities_unless_something_is_there() -> None:
    text = "Mục tiêu là 35% GRDP."
    assert [tag.id for tag in tags(text, title="Đà Nẵng tăng tốc kinh tế số").initiatives] == ["kinh-te-so"]
    assert tags(text, title="Bàn về kinh tế số ở Đà Nẵng").initiatives == []


def test_what_only_the_state_has_makes_an_item_public() -> None:
    assert "du-lieu-so" in initiatives("Nộp giấy tờ trên VNeID để làm sạch dữ liệu đất đai.")
    assert initiatives("Nộp giấy tờ qua mạng để làm sạch dữ liệu đất đai.") == set()


def test_what_companies_sell_is_mentioned_at_most_where_nobody_public_is() -> None:
    title = "đồng hành cùng xu hướng thanh toán không dùng tiền mặt"
    (sold,) = tags("Lộ trình hướng tới 100% giao dịch.", title=f"Prudential {title}").initiatives
    assert (sold.id, sold.role) == ("tt-khong-tien-mat", "mentioned")
    by_app = tags("Quý khách mở tài khoản bằng VNeID.", title=f"Prudential {title}").initiatives
    assert {tag.id: tag.role for tag in by_app}[sold.id] == "mentioned"
    (led,) = tags("Lộ trình hướng tới 100% giao dịch.", title=f"Ngân hàng Nhà nước {title}").initiatives
    assert (led.id, led.role) == ("tt-khong-tien-mat", "primary")


def test_a_title_and_a_lede_name_a_thing_once_an_article_more_often() -> None:
    lede = "Bộ Công an thay bản giấy trong hồ sơ thủ tục hành chính."
    assert "cai-cach-hc" in initiatives(lede)
    assert "cai-cach-hc" not in initiatives(lede + "\n" + "Người dân cả nước chờ đợi đã lâu.\n" * 30)


def test_a_line_that_begins_with_a_source_s_word_but_goes_on_is_no_end() -> None:
    before, behind = "Người dân hỏi về thẻ.\n" * 3, "\nNộp trên Cổng Dịch vụ công quốc gia."
    for line in ("Theo Điều 10 Thông tư 60 như sau:", "**Theo Điều 10 Thông tư 60 như sau:** "):
        assert "dvc-truc-tuyen" in initiatives(before + line + behind)
    assert "dvc-truc-tuyen" not in initiatives(before + "Theo TTXVN" + behind)


def test_a_wrapped_line_that_begins_with_a_source_s_word_is_no_end() -> None:
    before, behind = "Người dân hỏi về thẻ,\n" * 9, "\nNam, hồ sơ nộp trên Cổng Dịch vụ công quốc gia."
    assert "dvc-truc-tuyen" in initiatives(before + "Theo Bảo hiểm xã hội Việt" + behind)


def test_17_nested_agencies() -> None:
    assert {"c06", "bo-cong-an"} <= agencies("Cục C06 - Bộ Công an cho biết")
    found = agencies("Bộ Tài chính (Tổng cục Thuế) chủ trì", day=date(2023, 1, 1))
    assert {"bo-tai-chinh", "tong-cuc-thue"} <= found


def test_18_an_office_is_less_than_its_body() -> None:
    office = tags("Cùng dự có ông A, Thứ trưởng Bộ Công an.").agencies[0]
    body = tags("Bộ Công an yêu cầu các đơn vị báo cáo.").agencies[0]
    assert (office.role, body.role) == ("mentioned", "primary")
    assert office.score < body.score


def test_18_who_speaks_speaks_for_the_body() -> None:
    attends = tags("Cùng dự có Thứ trưởng Bộ Công an Nguyễn Văn A và các đại biểu.").agencies[0]
    speaks = tags("Cùng dự, Thứ trưởng Bộ Công an Nguyễn Văn A cho biết kết quả.").agencies[0]
    assert speaks.score > attends.score


@pytest.mark.parametrize(
    ("told", "lead"), [("Sở Nội vụ hoàn thành", "so-noi-vu-lao-cai"), ("hoàn thành", "ubnd-lao-cai")]
)
def test_who_tells_another_body_leads_no_task_of_it(told: str, lead: str) -> None:
    (task,) = tags(
        f"UBND tỉnh Lào Cai yêu cầu {told} việc số hóa trước ngày 15/12/2025.", day=date(2025, 11, 26)
    ).tasks
    assert task.lead == [lead]


def test_18_each_ministry_of_a_list_behind_a_colon_is_told() -> None:
    listed = tags("Chiều qua, Thủ tướng yêu cầu các Bộ: Xây dựng, Y tế, Tư pháp báo cáo.").agencies
    told = tags("Chiều qua, Thủ tướng yêu cầu Bộ Xây dựng, Bộ Y tế, Bộ Tư pháp báo cáo.").agencies
    assert {tag.id: tag.role for tag in listed} == {tag.id: tag.role for tag in told}


def test_19_party_organs_are_no_ministries() -> None:
    assert agencies("Bộ Chính trị đã ban hành các Nghị quyết") == {"bo-chinh-tri"}
    assert tagger().taxonomy.agencies["bo-chinh-tri"].type == "party-organ"
    assert agencies("Ủy viên Bộ Chính trị") == set()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("các Bộ Công an, Tài chính, Tư pháp khẩn trương", {"bo-cong-an", "bo-tai-chinh", "bo-tu-phap"}),
        ("các Bộ: Xây dựng, Văn hóa, Thể thao và Du lịch và Y tế", {"bo-xay-dung", "bo-vhttdl", "bo-yte"}),
        ("UBND các tỉnh, thành phố gồm: Hà Nội, Bắc Ninh", {"ubnd-ha-noi", "ubnd-bac-ninh"}),
        ("UBND và Công an tỉnh Tây Ninh", {"ubnd-tay-ninh", "cong-an-tay-ninh"}),
    ],
)
def test_20_elided_lists(text: str, found: set[str]) -> None:
    assert agencies(text) == found


def test_21_a_bare_head_is_the_last_one_named() -> None:
    alone = tags("Ủy ban Quốc gia về chuyển đổi số họp.", day=date(2024, 1, 1)).agencies[0]
    again = tags(
        "Ủy ban Quốc gia về chuyển đổi số họp. Sau đó Ủy ban đã thông qua kế hoạch.", day=date(2024, 1, 1)
    ).agencies[0]
    assert len(again.evidence) > len(alone.evidence)


def test_22_former_names_keep_their_entity_and_name_successors() -> None:
    tag = tags("Bộ Thông tin và Truyền thông từng ban hành", day=date(2026, 5, 1)).agencies[0]
    assert (tag.id, tag.successors) == ("bo-tttt", ["bo-khcn", "bo-vhttdl", "bo-cong-an"])


def test_23_typos_in_official_text() -> None:
    assert "bo-tttt" in agencies("Bộ Thông tin Truyền thông rà soát", day=date(2023, 1, 1))
    assert "vneid" in initiatives("ứng dụng VNelD")
    assert "cds-quoc-gia" in initiatives("Bộ Công an: Chuyển đối số tạo ra không gian mới")


def test_24_quotes_around_names() -> None:
    assert "binh-dan-hoc-vu-so" in initiatives("phong trào “Bình dân học vụ số”")


def test_25_entities() -> None:
    assert "bo-cong-an" in agencies("Bộ C&ocirc;ng an y&ecirc;u cầu")
    assert "bo-khcn" in agencies("Bộ KH&amp;CN yêu cầu")


def test_26_stopwords_are_parts_of_names() -> None:
    assert "cds-quoc-gia" in initiatives("chuyển đổi số quốc gia năm 2025")


def test_27_names_with_and_inside() -> None:
    assert agencies("Bộ Khoa học và Công nghệ và Bộ Y tế") == {"bo-khcn", "bo-yte"}


@pytest.mark.parametrize(
    ("text", "day", "precision"),
    [
        ("chiều 6/2", date(2025, 2, 6), "day"),
        ("quý I/2023", date(2023, 3, 31), "quarter"),
        ("đến tháng 6/2023", date(2023, 6, 30), "month"),
        ("trong tháng 02/2023", date(2023, 2, 28), "month"),
        ("ngày 22.9.2017", date(2017, 9, 22), "day"),
        ("ngày 5 tháng 6 năm 2025", date(2025, 6, 5), "day"),
        ("hết năm 2025", date(2025, 12, 31), "year"),
    ],
)
def test_28_dates(text: str, day: date, precision: str) -> None:
    (found,) = dates.find(text.lower(), 0, len(text), date(2025, 2, 6))
    assert (found.day, found.precision) == (day, precision)


@pytest.mark.parametrize("text", ["21/84 nền tảng", "hỗ trợ 24/7", "giai đoạn 2022-2025"])
def test_29_ratios_are_no_dates(text: str) -> None:
    assert dates.find(text, 0, len(text), date(2025, 2, 6)) == []


@pytest.mark.parametrize(
    ("digits", "value"),
    [("28,2", 28.2), ("230.000", 230_000), ("1,5", 1.5), ("05", 5), ("1.234,5", 1234.5), ("111,4", 111.4)],
)
def test_30_numbers(digits: str, value: float) -> None:
    assert parse_number(digits) == value


@pytest.mark.parametrize(
    ("then", "lead"),
    [
        ("Phối hợp với các bộ, ngành hoàn thành trước ngày 30/10/2025.", ["bo-yte"]),
        ("Các bộ, ngành hoàn thành báo cáo trước ngày 30/10/2025.", []),
    ],
)
def test_a_class_that_is_worked_with_leaves_the_task_to_the_body_above(then: str, lead: list[str]) -> None:
    (due,) = (task for task in tags(f"Bộ Y tế chủ trì rà soát quy trình. {then}").tasks if task.deadline)
    assert due.lead == lead


def test_30_scales_multiply() -> None:
    found = tags("Có 7,5 triệu hồ sơ và 1,5 nghìn tỷ đồng.").indicators
    assert [(i.value, i.unit) for i in found] == [(7_500_000, "hồ sơ"), (1.5e12, "đồng")]


@pytest.mark.parametrize("written", ["2025-12-31T23:30:00+00:00", "2026-01-01T06:30:00+07:00"])
def test_31_days_are_local_whatever_the_zone_of_the_feed(written: str) -> None:
    text = "Bộ Công an yêu cầu hoàn thành trong năm nay; các tỉnh báo cáo trước ngày 5/1."
    found = tagger().tag(TagInput(text=text, published_at=datetime.fromisoformat(written)))
    assert {task.deadline for task in found.tasks if task.deadline} == {"2026-12-31", "2026-01-05"}


def test_provinces_inside_other_words_and_names() -> None:
    assert places("đăng ký thuế; châu Á - Thái Bình Dương; ông Nguyễn Hòa Bình; Đại học Bách khoa Hà Nội") == set()


def test_merged_provinces_by_date() -> None:
    assert places("UBND tỉnh Nam Định", day=date(2023, 1, 1)) == {"nam-dinh"}
    assert places("tỉnh Nam Định cũ", day=date(2026, 1, 1)) == {"ninh-binh"}


def test_an_item_teaches_its_abbreviations() -> None:
    text = "Bộ Khoa học và Công nghệ (Bộ) và Ngân hàng Chính sách xã hội (NHCS) họp. NHCS yêu cầu."
    found = next(tag for tag in tags(text).agencies if tag.id == "nhcsxh")
    assert [evidence.rule for evidence in found.evidence][-1] == "nhcsxh/learnt"


def test_an_item_takes_an_abbreviation_away() -> None:
    assert "ubcknn" not in agencies("Công ty Giống cây trồng miền Nam (SSC) tăng vốn. SSC sẽ tái cấu trúc.")


def _score(sentence: str, initiative: str = "y-te-so") -> float:
    (tag,) = (tag for tag in tags(f"Bộ Y tế họp. {sentence}").initiatives if tag.id == initiative)
    return tag.score


def test_a_link_of_a_list_is_less_what_an_item_is_about() -> None:
    alone = _score("Bệnh án điện tử được triển khai ở 120 bệnh viện.")
    for listed in ("Bệnh án điện tử, học phí được trả ở 120 nơi.", "Bệnh án điện tử và học phí ở 120 nơi."):
        assert _score(listed) < alone


def test_what_stands_late_in_its_sentence_is_less_what_an_item_is_about() -> None:
    late = "Sau nhiều năm chuẩn bị ở các khoa và phòng của hơn một trăm bệnh viện lớn nhỏ trong cả nước, nay có "
    assert _score(f"{late}bệnh án điện tử ở 120 nơi.") < _score("Bệnh án điện tử ở 120 nơi.")
