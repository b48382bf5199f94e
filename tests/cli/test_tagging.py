"""tag, taxonomy: JSON lines in, JSON lines out, in order; one text explained; the taxonomy shown and checked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.running import Command

ITEMS = [
    {"id": "1", "title": "Bộ Công an triển khai Đề án 06", "text": "Nội dung."},
    {"id": "2", "title": "Thời tiết hôm nay", "text": "Trời nắng."},
    {"id": "3", "title": "Đề án 06 tại Đồng Tháp", "lede": "", "published_at": "2026-10-14", "url": "http://x"},
]
LINES = "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in ITEMS).encode()


@pytest.mark.parametrize("prefix", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_json_lines_come_out_one_for_one_in_order(tinsom: Command, prefix: bytes) -> None:
    result = tinsom("tag", stdin=prefix + LINES)
    assert (result.code, result.err) == (0, "")
    assert [row["id"] for row in result.json] == ["1", "2", "3"]
    assert list(result.json[0]) == [
        *("id", "initiatives", "agencies", "documents", "places", "events", "tasks", "indicators", "taxonomy"),
    ]
    tag = next(tag for tag in result.json[0]["initiatives"] if tag["id"] == "de-an-06")
    assert set(tag) >= {"id", "role", "score", "evidence"}
    span = tag["evidence"][0]
    title = ITEMS[0]["title"]
    assert span["field"] == "title"
    assert title[span["start"] : span["end"]] == "Đề án 06"


def test_a_file_and_standard_input_give_the_same_bytes(tinsom: Command, folder: Path) -> None:
    (folder / "items.jsonl").write_bytes(LINES)
    assert tinsom("tag", "items.jsonl").out == tinsom("tag", "-", stdin=LINES).out


def test_a_bad_line_is_named_in_its_place_and_the_others_are_tagged(tinsom: Command) -> None:
    bad = LINES.replace(b"\n", b"\n{oh\n", 1)
    result = tinsom("tag", stdin=bad)
    assert result.code == 1
    assert [row.get("id") for row in result.json] == ["1", None, "2", "3"]
    assert result.json[1]["line"] == 2
    assert result.json[1]["error"].startswith("line 2: JSON is malformed")
    assert result.error == "tinsom: 1 of 4 lines could not be read; the output names the reason"


def test_a_name_that_says_json_lines_is_believed_whatever_the_first_line_holds(
    tinsom: Command, folder: Path
) -> None:
    (folder / "items.jsonl").write_bytes(b"oh\n" + LINES)
    assert len(tinsom("tag", "items.jsonl").json) == 4


def test_a_text_is_explained_with_the_rules_that_made_its_tags(tinsom: Command, folder: Path) -> None:
    (folder / "bai.txt").write_text(
        "Bộ Công an triển khai [/red] Đề án 06\n\nTại \x1b[31mĐồng Tháp, Bộ Công an báo cáo.\n", "utf-8"
    )
    result = tinsom("tag", "bai.txt")
    assert (result.code, result.err) == (0, "")
    assert result.lines[0] == "Bộ Công an triển khai [/red] Đề án 06"
    assert any("Đề án 06 (de-an-06), primary, score" in line and "de-an-06/" in line for line in result.lines)
    assert "\x1b" not in result.out


def test_a_text_is_explained_with_what_was_rejected_and_why(tinsom: Command) -> None:
    lines = tinsom("tag", stdin="Đề án 06 của Trường Đại học A".encode()).lines
    assert lines[-2:] == ["rejected:", "  'Đề án 06' (de-an-06/alias) in title: right before 'của trường'"]


def test_nothing_to_tag_is_said_and_no_fault(tinsom: Command) -> None:
    result = tinsom("tag", stdin=b"\n")
    assert (result.code, result.out, result.error) == (0, "", "nothing to tag on standard input")


def test_a_file_that_cannot_be_read_is_code_1(tinsom: Command, folder: Path) -> None:
    assert tinsom.fails("tag", "nosuch.txt", code=1) == "tinsom: cannot read nosuch.txt: No such file or directory"
    (folder / "a").mkdir()
    assert tinsom.fails("tag", "a", code=1) == "tinsom: cannot read a: Is a directory"


def test_own_taxonomy_files_are_used_or_refused_with_the_reason(tinsom: Command, folder: Path) -> None:
    own = folder / "own"
    assert (
        tinsom.fails("tag", "--taxonomy", "own", code=1, stdin=LINES)
        == "tinsom: taxonomy: own is neither a folder nor a file"
    )
    own.mkdir()
    (own / "mine.yaml").write_text(
        "initiatives: [{id: nang, names: {vi: Trời nắng}, aliases: [trời nắng]}]\n", "utf-8"
    )
    tagged = tinsom("tag", "--taxonomy", "own", stdin=LINES).json
    assert [tag["id"] for tag in tagged[1]["initiatives"]] == ["nang"]
    (own / "mine.yaml").write_text(
        "themes: [{id: theme-x, names: {vi: X}, threshold: 3, terms: [{words: trời, weight: 2}]}]\n", "utf-8"
    )
    explained = tinsom("tag", "--taxonomy", "own", stdin="Trời nắng to".encode())
    assert explained.lines[-1] == "  X (theme-x), score 2: 1 of 3 points missing"
    (own / "mine.yaml").write_text(
        "initiatives: [{id: nang, names: {vi: Trời nắng}, aliases: [trời nắng]}]\n", "utf-8"
    )
    assert tinsom("taxonomy", "show", "nang", "--taxonomy", "own").lines[1].split("\t")[2] == "Trời nắng"


def test_the_shipped_taxonomy_has_no_fault_and_shows_what_it_holds(tinsom: Command) -> None:
    assert tinsom("taxonomy", "lint").out == "no fault found\n"
    everything = tinsom("taxonomy", "show").lines
    assert everything[0].split("\t") == ["id", "kind", "name", "also written"]
    assert len(everything) > 100
    (_, row) = tinsom("taxonomy", "show", "de-an-06").lines
    assert row.split("\t")[:3] == ["de-an-06", "initiative/de-an", "Đề án 06"]


def test_an_id_that_is_none_names_the_nearest(tinsom: Command) -> None:
    line = tinsom.fails("taxonomy", "show", "de-an-07", code=1)
    assert line.startswith("tinsom: 'de-an-07' is not in the taxonomy; did you mean de-an-06?")


def test_lint_names_the_faults_of_own_files(tinsom: Command, folder: Path) -> None:
    (folder / "own").mkdir()
    (folder / "own" / "mine.yaml").write_text(
        "initiatives: [{id: a, names: {vi: A}, aliases: [một tên riêng], parents: [no-such]}]\n", "utf-8"
    )
    result = tinsom("taxonomy", "lint", "own")
    assert result.code == 1
    assert "no-such" in result.out
