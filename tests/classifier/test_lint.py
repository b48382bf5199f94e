from __future__ import annotations

from pathlib import Path

import pytest

from services.classifier import taxonomy
from services.classifier.workbench import lint
from tinsom.errors import ConfigError

ROW = 'initiatives:\n  - {id: x, names: {vi: "X"}, aliases: ["chương trình xanh"]}\n'


def test_the_shipped_taxonomy_has_no_fault() -> None:
    assert lint.faults(taxonomy.load()) == []


def test_an_unknown_key_is_named_with_its_file_and_row() -> None:
    with pytest.raises(ConfigError, match=r"mine\.yaml.*aliasses.*\(x\)"):
        taxonomy.parse('initiatives:\n  - {id: x, names: {vi: "X"}, aliasses: []}\n', "mine.yaml")


def test_broken_yaml_is_one_line() -> None:
    with pytest.raises(ConfigError) as caught:
        taxonomy.parse("initiatives: [", "mine.yaml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("initiatives:\n  - {id: x, names: {vi: X}, parents: [y]}\n", "'y' is not in the taxonomy"),
        ("weights: {name.y: 1.0}\n", "weights: 'name.y' is nothing that is weighed"),
        ("weights: {initiative.titel: 1.0}\n", "weights: 'initiative.titel' is nothing that is weighed"),
        ("weights: {agency.party: 1.0}\n", "weights: 'agency.party' is nothing that is weighed"),
        ("initiatives:\n  - {id: Đề án, names: {vi: X}}\n", "is no slug"),
        (
            "agencies:\n  - {id: x, names: {vi: X}, valid_from: 2025-01-01, valid_to: 2024-01-01}\n",
            "valid_from is after valid_to",
        ),
        (
            ROW + '  - {id: y, names: {vi: "Y"}, aliases: ["chương trình xanh"]}\n',
            "'chương trình xanh' is an alias of x and y",
        ),
        (
            'initiatives:\n  - {id: x, names: {vi: X}, aliases: ["đề án"], tests: {positive: ["dự án đỏ"]}}\n',
            "not found in its test",
        ),
        (
            'initiatives:\n  - {id: x, names: {vi: X}, aliases: ["đề án"], tests: {negative: ["đề án đỏ"]}}\n',
            "found in its negative test",
        ),
    ],
)
def test_each_kind_of_fault_is_found(text: str, fault: str) -> None:
    assert any(fault in found for found in lint.faults(taxonomy.parse(text, "mine.yaml")))


def test_a_users_file_extends_and_overrides(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        'version: "2099-01-01"\n' + ROW + '  - {id: vneid, names: {vi: "VNeID của tôi"}, aliases: ["VNeID"]}\n',
        "utf-8",
    )
    joined = taxonomy.load(tmp_path)
    assert (joined.name("vneid"), "x" in joined.initiatives) == ("VNeID của tôi", True)
    # The content is part of it, or an edit without a new date would go unseen.
    assert joined.version.startswith("2099-01-01+")
    (tmp_path / "mine.yaml").write_text('version: "2099-01-01"\n' + ROW, "utf-8")
    assert taxonomy.load(tmp_path).version not in ("2099-01-01", joined.version)
    assert "de-an-06" in joined.initiatives


def test_a_folder_that_is_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is neither a folder nor a file"):
        taxonomy.load(tmp_path / "missing")


def test_names_of_local_bodies() -> None:
    rows = taxonomy.load()
    assert rows.name("so-khcn-bac-ninh") == "Sở Khoa học và Công nghệ Bắc Ninh"
    assert rows.name("ubnd-tp-hcm") == "UBND TP Hồ Chí Minh"
    assert rows.name("unheard-of") == "unheard-of"
