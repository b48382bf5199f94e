"""The tables of the field guide, row by row: what each phrase of the five seed articles must give."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """`role`: P primary, M tagged (a mention may weigh more), X not tagged, by the words of `phrase`."""

    seed: int
    id: str
    role: str
    phrase: str = ""


def rows(role: str, tag: str, *phrases: tuple[int, str]) -> list[Row]:
    return [Row(seed, tag, role, phrase) for seed, phrase in phrases]


INITIATIVES = [
    *rows(
        "P",
        "cds-quoc-gia",
        (0, "CĐS quốc gia và Đề án 06"),
        (1, "CĐS quốc gia năm 2023"),
        (2, "công cuộc CĐS quốc gia"),
        (3, "hoàn thiện chuyển đổi số trong vận hành"),
        (4, "Chương trình Chuyển đổi số quốc gia"),
    ),
    *rows(
        "P",
        "de-an-06",
        (0, "Đề án 06 năm 2024"),
        (1, "Tổ công tác triển khai Đề án 06 của Chính phủ"),
        (2, "gọi tắt là Đề án 06/CP"),
        (2, "đề án 06/CP"),
        (3, "chuyển đổi số và Đề án 06"),
    ),
    Row(4, "de-an-06", "X"),
    *rows(
        "M",
        "nq-57",
        (0, "Nghị quyết số 57 ngày 22/12/2024 của Bộ Chính trị"),
        (3, "triển khai Nghị quyết 57-NQ/TW"),
    ),
    Row(0, "ctht-nq57", "M", "Chương trình hành động thực hiện Nghị quyết số 57"),
    Row(0, "khcn-dmst-cds", "M", "lĩnh vực KHCN, ĐMST và CĐS"),
    Row(3, "khcn-dmst-cds", "P", "phát triển khoa học, công nghệ, đổi mới sáng tạo, chuyển đổi số và Đề án 06"),
    *rows(
        "M",
        "csdlqg-dan-cu",
        (0, "Cơ sở dữ liệu quốc gia về dân cư"),
        (1, "khai thác thông tin cư trú từ Cơ sở dữ liệu quốc gia về dân cư"),
        (2, "ứng dụng cơ sở dữ liệu quốc gia về dân cư"),
    ),
    *rows(
        "P",
        "csdl-chuyen-nganh",
        (0, "hoàn thiện cơ sở dữ liệu chuyên ngành"),
        (3, "cấp bách hoàn thành xây dựng cơ sở dữ liệu ở tất cả ngành, cấp"),
    ),
    Row(1, "danh-muc-csdlqg", "M", "Nghị định quy định danh mục cơ sở dữ liệu quốc gia"),
    Row(1, "csdl-thue", "M", "cơ sở dữ liệu đăng ký thuế"),
    Row(1, "ttdlqg", "P", "chủ trì xây dựng Trung tâm dữ liệu quốc gia"),
    Row(1, "ttdlqg", "P", "Đề án Trung tâm dữ liệu quốc gia"),
    Row(2, "ttdlqg", "M", "xây dựng hoàn chỉnh trung tâm dữ liệu quốc gia"),
    Row(3, "ttdlqg", "M", "Trung tâm Dữ liệu Quốc gia số 1"),
    Row(1, "nam-dl-so-2023", "P", "năm quốc gia về dữ liệu số"),
    Row(1, "nam-dl-so-2023", "P", '"Năm quốc gia về dữ liệu số"'),
    Row(2, "nam-dl-so-2023", "M", "xác định năm 2023 là năm dữ liệu"),
    *rows(
        "M",
        "kh-cds-2023",
        (1, "Kế hoạch CĐS năm 2023 của Ủy ban"),
        (1, "phê duyệt Kế hoạch hoạt động năm 2023"),
        (2, "phê duyệt chương trình CĐS năm 2023"),
    ),
    *rows(
        "M",
        "kh-ubqg-2022",
        (2, "Kế hoạch hoạt động của Ủy ban Quốc gia về CĐS năm 2022"),
        (4, "Kế hoạch năm 2022 của Ủy ban quốc gia về chuyển đổi số"),
        (4, "Kế hoạch chuyển đổi số quốc gia năm 2022"),
    ),
    Row(1, "vneid", "M", "sử dụng ứng dụng VNeID"),
    *rows(
        "M",
        "dinh-danh-dien-tu",
        (1, "40 triệu tài khoản định danh điện tử"),
        (2, "hệ thống định danh và xác thực điện tử"),
    ),
    *rows(
        "M",
        "dvc-truc-tuyen",
        (0, "triển khai các dịch vụ công trực tuyến"),
        (1, "triển khai dịch vụ công trực tuyến"),
        (2, "cung cấp dịch vụ công trực tuyến"),
        (3, "cung cấp dịch vụ công trực tuyến"),
    ),
    Row(4, "dvc-truc-tuyen", "X"),
    Row(1, "dvc-thiet-yeu-53", "M", "53 dịch vụ công thiết yếu"),
    Row(1, "bo-so-ho-khau-giay", "M", "bỏ sổ hộ khẩu giấy, sổ tạm trú giấy"),
    Row(1, "tt-khong-tien-mat", "M", "hỗ trợ an sinh xã hội không dùng tiền mặt"),
    Row(1, "sim-rac", "M", 'giải quyết tình trạng "SIM rác"'),
    Row(1, "bao-ve-dlcn", "M", "Nghị định về Bảo vệ dữ liệu cá nhân"),
    Row(1, "quy-hoach-ha-tang-tttt", "M", "Quy hoạch hạ tầng thông tin và truyền thông thời kỳ 2021 - 2030"),
    Row(1, "tt-chi-dao-dieu-hanh-cp", "M", "Trung tâm Thông tin, chỉ đạo điều hành của Chính phủ"),
    Row(4, "cl-chinh-phu-so", "M", "Chiến lược quốc gia phát triển Chính phủ số"),
    Row(4, "cl-kts-xhs", "M", "Chiến lược quốc gia phát triển kinh tế số và xã hội số"),
    Row(4, "nen-tang-so-qg-35", "M", "xây dựng 35 nền tảng số quốc gia"),
    Row(3, "nen-tang-so-qg", "M", "21/84 nền tảng số đã ban hành kế hoạch triển khai"),
    Row(3, "nen-tang-so-qg-35", "X"),
    Row(3, "ndxp", "M", "nền tảng tích hợp, chia sẻ dữ liệu quốc gia"),
    Row(3, "ecabinet", "M", "Hệ thống thông tin phục vụ họp và xử lý công việc của Chính phủ (eCabinet)"),
    Row(4, "to-cnscd", "M", "thành lập các tổ công nghệ số cộng đồng"),
    Row(3, "binh-dan-hoc-vu-so", "M", "phong trào “Bình dân học vụ số”"),
    Row(3, "cqdp-2-cap", "P", "vận hành chính quyền địa phương 2 cấp"),
    Row(4, "cmcn-4", "M", "Cách mạng công nghiệp lần thứ 4"),
    Row(4, "cmcn-4", "M", "Cách mạng công nghiệp lần thứ tư"),
    Row(4, "cai-cach-hc", "M", "gắn kết chặt chẽ với cải cách hành chính"),
    Row(3, "cai-cach-hc", "M", "thực hiện thủ tục hành chính"),
    Row(3, "*", "X", "trung tâm dữ liệu hiện đại FPT Fornix"),
    Row(3, "*", "X", "Zalo, MOMO"),
    Row(3, "*", "X", "Nghị quyết 05/2025/NQ-CP"),
    Row(3, "*", "X", "Công ước Hà Nội 2025 về chống tội phạm mạng"),
]

AGENCIES = [
    *rows(
        "P",
        "ubqg-cds",
        (0, "Ủy ban Quốc gia về chuyển đổi số"),
        (4, "Uỷ ban quốc gia về chuyển đổi số"),
        (1, "Ủy ban Quốc gia và Ban Chỉ đạo CĐS"),
        (2, "Ủy ban CĐS quốc gia"),
        (4, "cơ quan thường trực Uỷ ban Quốc gia về chuyển đổi số"),
    ),
    Row(0, "to-cong-tac-da06", "M", "Tổ Công tác triển khai Đề án 06 của Chính phủ"),
    Row(1, "to-cong-tac-da06", "P", "Tổ công tác của Chính phủ triển khai Đề án 06"),
    Row(
        2,
        "to-cong-tac-da06",
        "M",
        "Tổ Công tác triển khai Đề án phát triển ứng dụng dữ liệu về dân cư, định danh và xác thực điện tử",
    ),
    Row(
        3,
        "bcd-cp-khcn-cds-da06",
        "P",
        "Ban Chỉ đạo của Chính phủ về phát triển khoa học, công nghệ, đổi mới sáng tạo, chuyển đổi số và Đề án 06",
    ),
    Row(
        3,
        "bcd-cp-khcn-cds-da06",
        "P",
        "Ban Chỉ đạo về phát triển khoa học, công nghệ, đổi mới sáng tạo",
    ),
    Row(1, "*", "X", "Ban Chỉ đạo CĐS của các bộ, ngành, địa phương"),
    Row(2, "bcd-dong-thap", "M", "Ban chỉ đạo CĐS tỉnh"),
    Row(4, "*", "X", "Ban chỉ đạo chuyển đổi số các bộ, ngành, địa phương"),
    Row(0, "thu-tuong", "P", "Chính phủ, Thủ tướng Chính phủ đã quyết liệt chỉ đạo"),
    Row(1, "thu-tuong", "P", "Thủ tướng Chính phủ yêu cầu Ủy ban Quốc gia"),
    Row(2, "thu-tuong", "P", "Thủ tướng yêu cầu người đứng đầu"),
    Row(3, "thu-tuong", "P", "Thủ tướng Chính phủ yêu cầu tại Phiên họp này"),
    Row(4, "thu-tuong", "P", "Thủ tướng Phạm Minh Chính, Chủ tịch Ủy ban"),
    Row(0, "bo-cong-an", "M", "Thứ trưởng Bộ Công an"),
    Row(1, "bo-cong-an", "P", "giao Bộ Công an chủ trì"),
    Row(0, "bo-tttt", "M", "Bộ trưởng Bộ Thông tin và Truyền thông"),
    Row(1, "bo-tttt", "P", "Bộ Thông tin và Truyền thông chủ trì"),
    Row(1, "bo-tttt", "P", "Bộ Thông tin Truyền thông"),
    Row(4, "bo-tttt", "P", "Tại đầu cầu Bộ TT&TT"),
    Row(3, "bo-khcn", "M", "Theo Bộ Khoa học và Công nghệ"),
    Row(1, "bo-tai-chinh", "M", "Bộ Tài chính (Tổng cục Thuế)"),
    Row(1, "tong-cuc-thue", "M", "Bộ Tài chính (Tổng cục Thuế)"),
    Row(1, "bo-tai-chinh", "M", "Ngân hàng Nhà nước, Bộ Tài chính"),
    Row(1, "bo-tu-phap", "M", "Bộ Tư pháp chủ trì, phối hợp với Bộ Công an"),
    Row(1, "bo-quoc-phong", "M", "Bộ Công an, Bộ Quốc phòng, các doanh nghiệp cung cấp dịch vụ viễn thông"),
    Row(1, "nhnn", "M", "nhất là Bộ Công an, Ngân hàng Nhà nước"),
    Row(4, "vpcp", "M", "Bộ trưởng, Chủ nhiệm Văn phòng Chính phủ Trần Văn Sơn"),
    Row(4, "bo-cong-thuong", "M", "Bộ trưởng Bộ Công Thương Nguyễn Hồng Diên"),
    Row(4, "bo-khdt", "M", "Bộ trưởng Bộ Kế hoạch và Đầu tư Nguyễn Chí Dũng"),
    Row(4, "bo-gddt", "M", "Bộ trưởng Bộ Giáo dục và Đào tạo Nguyễn Kim Sơn"),
    Row(4, "bo-yte", "M", "Bộ trưởng Bộ Y tế Nguyễn Thanh Long"),
    Row(2, "ubnd-dong-thap", "P", "điểm cầu UBND tỉnh Đồng Tháp"),
    Row(0, "*", "X", "Ủy viên Bộ Chính trị"),
    Row(1, "quoc-hoi", "M", "Chủ tịch Quốc hội vừa có ý kiến"),
    Row(0, "*", "X", "các bộ, ngành, tập đoàn công nghệ lớn"),
    Row(2, "*", "X", "trụ sở các bộ, cơ quan ngang bộ, cơ quan thuộc Chính phủ"),
    Row(3, "*", "X", "các Bộ trưởng, Thủ trưởng cơ quan ngang bộ"),
    Row(3, "*", "X", "Hiệp hội An ninh mạng Quốc gia (NCA)"),
    Row(3, "*", "X", "Đảng bộ thành phố Hải Phòng"),
    Row(3, "*", "X", "Đại hội đồng Liên hợp quốc"),
    Row(3, "*", "X", "Theo TTXVN/Vietnam+"),
    Row(3, "*", "X", "Bộ Khoa học và Công nghệ đang xây dựng dự thảo Nghị định"),
]

# Where an office names its body: the words, and the body.
OFFICES = [
    Row(0, "thu-tuong", "M", "Thủ tướng Chính phủ Phạm Minh Chính, Chủ tịch Ủy ban"),
    Row(0, "ubqg-cds", "M", "Thủ tướng Chính phủ Phạm Minh Chính, Chủ tịch Ủy ban Quốc gia về chuyển đổi số"),
    Row(3, "bcd-cp-khcn-cds-da06", "M", "Thủ tướng Chính phủ Phạm Minh Chính, Trưởng Ban Chỉ đạo của Chính phủ"),
    Row(0, "pho-thu-tuong", "M", "Nguyễn Hòa Bình, Ủy viên Bộ Chính trị, Phó Thủ tướng Thường trực Chính phủ"),
    Row(0, "bo-tttt", "M", "Nguyễn Mạnh Hùng, Ủy viên Trung ương Đảng, Bộ trưởng Bộ Thông tin"),
    Row(4, "bo-tttt", "M", "Bộ trưởng Bộ Thông tin và Truyền thông Nguyễn Mạnh Hùng"),
    Row(0, "bo-cong-an", "M", "Trung tướng Nguyễn Văn Long, Thứ trưởng Bộ Công an"),
    Row(1, "bo-cong-an", "M", "Bộ trưởng Tô Lâm nhấn mạnh"),
    Row(2, "pho-thu-tuong", "M", "Phó Thủ tướng Chính phủ Vũ Đức Đam"),
    Row(2, "ubnd-dong-thap", "M", "ông Phạm Thiện Nghĩa - Chủ tịch UBND tỉnh"),
    Row(4, "vpcp", "M", "Chủ nhiệm Văn phòng Chính phủ Trần Văn Sơn"),
    Row(4, "bo-tttt", "M", "Thứ trưởng Bộ TT&TT Nguyễn Huy Dũng"),
    Row(3, "*", "X", "Chủ tịch nước Lương Cường"),
]


class DocumentRow(NamedTuple):
    seed: int
    raw: str
    key: str
    kind: str
    number: str
    issuer: str
    date: str = ""


DOCUMENTS = [
    DocumentRow(0, "Nghị quyết số 57", "57-NQ/TW", "NQ", "57", "TW", "2024-12-22"),
    DocumentRow(3, "Nghị quyết 57-NQ/TW", "57-NQ/TW", "NQ", "57", "TW", "2024-12-22"),
    DocumentRow(2, "Quyết định số 06/QĐ-TTg", "06/QĐ-TTg", "QĐ", "06", "TTg", "2022-01-06"),
    DocumentRow(1, "Quyết định 422", "422/QĐ-TTg", "QĐ", "422", "TTg", "2022-04-04"),
    DocumentRow(1, "Chỉ thị 05", "05/CT-TTg", "CT", "05", "TTg", "2023-02-23"),
    DocumentRow(4, "Văn kiện Đại hội lần thứ XIII", "Văn kiện Đại hội XIII 2021", "Văn kiện", "", ""),
]
# Drafts without a number stand for their initiatives; the numbers that they got later are not in the item.
DRAFTS = [
    Row(1, "danh-muc-csdlqg", "M", "danh mục cơ sở dữ liệu quốc gia; việc xây dựng"),
    Row(1, "bao-ve-dlcn", "M", "ban hành Nghị định về Bảo vệ dữ liệu cá nhân"),
    Row(2, "de-an-06", "P", "“Phát triển ứng dụng dữ liệu về dân cư, định danh và xác thực điện tử phục vụ CĐS"),
]
LATER = {"47/2024/NĐ-CP", "13/2023/NĐ-CP"}


class TaskRow(NamedTuple):
    """`words` are of the task's sentence; `deadline` as ISO date."""

    name: str
    seed: int
    words: str
    lead: str = ""
    co: str = ""
    deadline: str | None = None
    hedge: str = ""

    def __str__(self) -> str:
        return self.name


# T13 (the national data centre within 2023, by a year that another clause names) is in docs/limits.md.
TASKS = [
    TaskRow("T1", 1, "hoàn thành trong quý I/2023", "ubqg-cds", deadline="2023-03-31", hedge="khẩn trương"),
    TaskRow("T2", 1, "đẩy nhanh tiến độ xây dựng Đề án Trung tâm", "bo-cong-an", hedge="đẩy nhanh"),
    TaskRow("T3", 1, "đẩy mạnh xác thực thông tin công dân", "bo-cong-an", "bo-tai-chinh tong-cuc-thue"),
    TaskRow("T4", 1, "40 triệu tài khoản", "bo-cong-an", deadline="2023-06-30", hedge="phấn đấu"),
    TaskRow("T5", 1, "phê duyệt Kế hoạch hoạt động năm 2023", "bo-tttt"),
    TaskRow("T6", 1, "Khẩn trương xây dựng, trình Chính phủ ban hành Nghị định", "bo-tttt", hedge="khẩn trương"),
    TaskRow("T7", 1, "sớm trình Chính phủ phê duyệt Quy hoạch", "bo-tttt", hedge="sớm"),
    TaskRow("T8", 1, "có kế hoạch, lộ trình cụ thể", "bo-tttt", "bo-cong-an bo-quoc-phong"),
    TaskRow("T9", 1, "rà soát lộ trình bổ sung, sửa đổi", "bo-tu-phap", "bo-cong-an bo-tttt"),
    TaskRow("T10", 1, "Trong tháng 02/2023", "thu-tuong", deadline="2023-02-28", hedge="mong muốn"),
    TaskRow("T11", 1, "triển khai 53 dịch vụ công thiết yếu"),
    TaskRow("T12", 2, "phê duyệt chương trình CĐS năm 2023", hedge="khẩn trương"),
    TaskRow("T14", 3, "vận hành chính quyền địa phương 2 cấp", hedge="cấp bách"),
    TaskRow("T15", 4, "dự kiến đến tháng 6 hoàn thành 100%", deadline="2022-06-30", hedge="dự kiến"),
    TaskRow("T16", 4, "thành lập các tổ công nghệ số cộng đồng"),
    TaskRow("T17", 4, "Về những nhiệm vụ trọng tâm trong quý II/2022", deadline="2022-06-30", hedge="khẩn trương"),
]


class IndicatorRow(NamedTuple):
    seed: int
    value: float
    unit: str
    of: float | None = None
    to: float | None = None


INDICATORS = [
    IndicatorRow(0, 63, "tỉnh"),
    IndicatorRow(3, 34, "tỉnh"),
    IndicatorRow(1, 101, "nhiệm vụ"),
    IndicatorRow(1, 18, "nhiệm vụ"),
    IndicatorRow(1, 5, "đồng chí"),
    IndicatorRow(1, 40_000_000, "tài khoản"),
    *(IndicatorRow(2, value, "mục tiêu") for value in (24, 11, 13)),
    *(IndicatorRow(2, value, "nhiệm vụ") for value in (89, 47, 34, 107, 44, 42)),
    IndicatorRow(2, 63, "địa phương"),
    IndicatorRow(2, 59, "tỉnh"),
    IndicatorRow(3, 60, "nhiệm vụ"),
    IndicatorRow(3, 18, "hạng"),
    IndicatorRow(3, 13, "hạng"),
    IndicatorRow(3, 7_500_000, "hồ sơ"),
    IndicatorRow(3, 1.5e12, "đồng"),
    IndicatorRow(3, 21, "nền tảng", of=84),
    IndicatorRow(3, 28.2, "%"),
    IndicatorRow(3, 111.4e9, "usd"),
    IndicatorRow(3, 27, "%"),
    IndicatorRow(3, 70, "%"),
    IndicatorRow(3, 8.3, "%", to=8.5),
    IndicatorRow(4, 1, "%"),
    IndicatorRow(4, 20, "%"),
]
