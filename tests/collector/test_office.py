"""Announcements as PDF and DOCX: their text, or the name of what they are instead."""

from __future__ import annotations

import io
import time
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter

from services.collector.articles import office
from services.collector.articles.office import MAX_CHARACTERS, MAX_PAGES, Paper, read, unwrapped
from tests.collector.papers import W, assembled, docx, pdf, stream, word

DECREE = [
    "QUYẾT ĐỊNH",
    "Điều 1. Giao Bộ Công an chủ trì, phối hợp với Bộ Khoa học và Công",
    "nghệ hoàn thành việc kết nối dữ liệu theo Đề án 06 trước ngày",
    "30 tháng 6 năm 2026.",
    "Điều 2. Quyết định này có hiệu lực kể từ ngày ký ban hành và thay thế",
    "Quyết định số 422/QĐ-TTg ngày 04 tháng 4 năm 2022 của Thủ tướng.",
    "- 1 -",
]
STAMP = ["Ký bởi: Cổng Thông tin điện tử", "Thời gian ký: 10.03.2026 08:30:00 +07:00"]


def encrypted(password: str) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf([DECREE]))))
    writer.encrypt(password, "chủ", algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_the_text_of_a_pdf_in_paragraphs() -> None:
    found = read(pdf([DECREE, DECREE]))
    assert (found.outcome, found.kind, found.pages, found.cut) == ("ok", "pdf", 2, False)
    assert found.text.split("\n")[:3] == [
        "QUYẾT ĐỊNH",
        " ".join(DECREE[1:4]),
        " ".join(DECREE[4:6]),
    ]
    assert "- 1 -" not in found.text


def test_a_scan_is_called_one_whatever_was_stamped_on_it() -> None:
    assert read(pdf([[]] * 3)) == Paper("scanned", "pdf", pages=3)
    assert read(pdf([STAMP])) == Paper("scanned", "pdf", pages=1)
    assert read(pdf([STAMP, [], []])) == Paper("scanned", "pdf", pages=3)


def test_what_stands_behind_a_text_box_is_not_lost() -> None:
    box = "<w:r><w:pict><w:txbxContent><w:p><w:r><w:t>Hộp</w:t></w:r></w:p></w:txbxContent></w:pict></w:r>"
    body = f"<w:p><w:r><w:t>Giao </w:t></w:r>{box}<w:r><w:t>Bộ Công an.</w:t></w:r></w:p>"
    found = read(docx(f'<w:document xmlns:w="{W}"><w:body>{body}</w:body></w:document>'))
    assert found.text == "Giao Bộ Công an.\nHộp"


def test_the_text_of_a_docx() -> None:
    found = read(word("QUYẾT ĐỊNH", "Điều 1. Giao Bộ Công an &amp; Bộ Y tế."))
    assert found == Paper("ok", "docx", "QUYẾT ĐỊNH\nĐiều 1. Giao Bộ Công an & Bộ Y tế.")
    cell = "<w:p><w:r><w:t>Việc</w:t><w:tab/><w:t>Hạn</w:t></w:r></w:p>"
    rows = f"<w:tbl><w:tr><w:tc>{cell}</w:tc></w:tr></w:tbl>"
    gone = "<w:p><w:del><w:r><w:delText>bị xoá</w:delText></w:r></w:del></w:p>"
    assert read(docx(f'<w:document xmlns:w="{W}"><w:body>{rows}{gone}</w:body></w:document>')).text == "Việc Hạn"


def test_long_documents_are_cut_and_say_so() -> None:
    many = read(pdf([DECREE] * (MAX_PAGES + 2)))
    assert (many.outcome, many.pages, many.cut) == ("ok", MAX_PAGES + 2, True)
    long = read(word("Một đoạn dài. " * 10_000))
    assert (len(long.text), long.cut) == (MAX_CHARACTERS, True)


BOMB = b"0" * 200_000_000
LAUGHS = "<!DOCTYPE x [<!ENTITY a 'ha'>" + "".join(
    f"<!ENTITY {b} '{f'&{a};' * 10}'>" for a, b in zip("abcdefghi", "bcdefghij", strict=True)
)


def page_of(contents: bytes, *, kids: bytes = b"[3 0 R]", count: int = 1) -> bytes:
    return assembled(
        {
            1: b"<< /Type /Catalog /Pages 2 0 R >>",
            2: b"<< /Type /Pages /Kids %s /Count %d >>" % (kids, count),
            3: b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
            4: contents,
            5: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        }
    )


def twice_packed(data: bytes) -> bytes:
    packed = zlib.compress(zlib.compress(data, 9), 9)
    return b"<< /Filter [/FlateDecode /FlateDecode] /Length %d >>\nstream\n%s\nendstream" % (len(packed), packed)


HOSTILE = {
    "no document": (b"hello", {"other_format"}),
    "a page in HTML": (b"<html><p>%PDF is missing</p></html>", {"other_format"}),
    "a password": (encrypted("mật khẩu"), {"encrypted"}),
    "truncated": (pdf([DECREE])[:700], {"broken", "scanned", "empty", "ok"}),
    "only a head": (b"%PDF-1.7\n", {"broken"}),
    "a bomb": (page_of(stream(BOMB)), {"too_big"}),
    "a bomb in a bomb": (page_of(twice_packed(BOMB)), {"too_big"}),
    "a tree that bites its tail": (page_of(stream(b""), kids=b"[2 0 R 2 0 R]"), {"broken", "empty", "scanned"}),
    "pages that are promised": (page_of(stream(b""), count=10**9), {"broken", "empty", "scanned"}),
    "arrays without end": (page_of(stream(b"[" * 100_000)), {"broken", "too_big", "scanned"}),
    "states without end": (page_of(stream(b"q " * 1_500_000)), {"broken", "too_big", "scanned"}),
    "another zip": (docx("<x/>", "xl/workbook.xml"), {"other_format"}),
    "half a zip": (word("x" * 1_000)[:200], {"broken"}),
    "a zip bomb": (docx(b"<a>" + b" " * 100_000_000 + b"</a>"), {"too_big"}),
    "a billion laughs": (
        docx(f'{LAUGHS}]><w:document xmlns:w="{W}"><w:p><w:t>&j;</w:t></w:p></w:document>'),
        {"broken", "empty"},
    ),
    "nested without bottom": (docx(f'<w:p xmlns:w="{W}">' * 100_000), {"broken"}),
    "an empty one": (word(""), {"empty"}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_hostile_or_broken_has_a_name_soon(name: str) -> None:
    body, outcomes = HOSTILE[name]
    start = time.process_time()
    found = read(body)
    assert found.outcome in outcomes
    assert found.text == "" or found.outcome == "ok"
    assert time.process_time() - start < 20.0


def test_an_owner_s_password_keeps_nobody_from_reading() -> None:
    assert read(encrypted("")).text == read(pdf([DECREE])).text


SOUND = (pdf([DECREE], compress=False), pdf([DECREE]), word(*DECREE))


@settings(max_examples=60)
@given(st.sampled_from(SOUND), st.data())
def test_whatever_is_damaged_has_an_outcome(body: bytes, data: st.DataObject) -> None:
    damaged = bytearray(body)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        damaged[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    found = read(bytes(damaged))
    assert found.outcome in {"ok", "scanned", "encrypted", "empty", "broken", "too_big", "other_format"}


@given(st.lists(st.text("abc .;", max_size=30), max_size=10))
def test_unwrapping_loses_no_word(lines: list[str]) -> None:
    assert unwrapped("\n".join(lines)).split() == "\n".join(lines).split()


def test_short_lines_are_lines_of_their_own() -> None:
    assert unwrapped("CỘNG HÒA\nĐộc lập\nĐiều 1. Một dòng dài hơn hẳn những dòng kia, cho đến\nhết câu.\n3") == (
        "CỘNG HÒA\nĐộc lập\nĐiều 1. Một dòng dài hơn hẳn những dòng kia, cho đến hết câu."
    )
    assert office.kind_of(b"\xef\xbb\xbf\n%PDF-1.4") == "pdf"
