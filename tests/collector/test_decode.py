from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.reading import decode as decode_module
from services.collector.reading.decode import decode, xml_text

TEXT = "<rss><title>Ủy ban Quốc gia về chuyển đổi số, Đề án 06</title></rss>"
LONG = TEXT * 40


def test_one_cut_character_damages_one_character() -> None:
    cut = LONG.encode().replace("Ủ".encode(), "Ủ".encode()[:1], 1)
    found = decode(cut, "text/xml; charset=utf-8")
    assert found.damaged
    assert found.encoding == "utf-8"
    assert found.text.count("Đề án 06") == 40


@pytest.mark.parametrize("encoding", ["cp1258", "cp1252", "iso8859-1", "koi8-r", "gb18030", "shift_jis"])
def test_another_encoding_is_no_damage(encoding: str) -> None:
    words = {"koi8-r": "Новости дня", "gb18030": "国家数据中心", "shift_jis": "デジタル変革"}
    text = words.get(encoding, "Hôi nghi, café, déjà")
    body = text.encode(encoding) * 3
    assert decode(body, f"text/xml; charset={encoding}").text == text * 3


@given(st.integers(0, len(TEXT.encode()) - 1))
def test_one_byte_lost_from_a_short_document_costs_one_character(at: int) -> None:
    whole = TEXT.encode()
    found = decode(whole[:at] + whole[at + 1 :])
    assert found.encoding == "utf-8"
    kept = [sign for sign in found.text if sign != "\ufffd"]
    assert len(kept) >= len(TEXT) - 1


@pytest.mark.parametrize("says", ["windows-1258", "iso-8859-1", "utf-16", "no-such-code", "punycode", "idna"])
def test_what_is_utf8_is_utf8_whatever_it_says(says: str) -> None:
    body = f'<?xml version="1.0" encoding="{says}"?>{TEXT}'.encode()
    assert TEXT in decode(body, f"text/xml; charset={says}").text


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_decides(encoding: str) -> None:
    assert decode(TEXT.encode(encoding)).text == TEXT


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_wide_text_without_a_mark(encoding: str) -> None:
    assert decode(TEXT.encode(encoding)).text == TEXT


def test_declared_in_the_document() -> None:
    body = '<?xml version="1.0" encoding="iso-8859-1"?><t>' + "café, déjà, été" * 10 + "</t>"
    assert "déjà" in decode(body.encode("iso-8859-1")).text


def test_declared_in_the_header() -> None:
    assert "Hôi nghi" in decode(("Hôi nghi " * 20).encode("cp1258"), "text/html; charset=windows-1258").text


def test_xml_text_has_nothing_that_a_parser_rejects() -> None:
    assert xml_text('\n\n <?xml version="1.0" encoding="x"?>\n<rss>\x0b\x00</rss>') == "<rss></rss>"


HEADS = st.sampled_from(
    ["", "\ufeff", " \n", '<?xml version="1.0"?>', '<?xml version="1.0" encoding="ü"?>', "\xa0", "<?xml"]
)


@given(st.lists(HEADS, max_size=3).map("".join), st.text(max_size=40))
def test_what_is_clean_is_taken_as_it_is(head: str, rest: str) -> None:
    body = f"{head}<rss>{rest}</rss>".encode("utf-8", "replace")
    plain = decode_module.plain_xml(body)
    assert plain in (None, xml_text(decode(body).text).encode("utf-8", "replace"))
    if rest.isprintable() and head in ("", "\ufeff", " \n", '<?xml version="1.0"?>'):
        assert plain is not None


@given(st.binary(max_size=300), st.text(max_size=30))
def test_any_bytes_become_text(body: bytes, content_type: str) -> None:
    xml_text(decode(body, content_type).text).encode("utf-8")
