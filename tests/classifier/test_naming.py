"""The taxonomy's names as a table for stages that have no taxonomy."""

from __future__ import annotations

from services.classifier import naming, taxonomy
from tinsom.config import Config
from tinsom.log import Record
from tinsom.tables import Changes
from tinsom.topics import VERSION_KEY

TAXONOMY = taxonomy.load()
NAMES = {name.id: name for name in naming.names(TAXONOMY)}


def test_every_initiative_and_place_and_who_may_be_told_about() -> None:
    assert {*TAXONOMY.initiatives, *TAXONOMY.places} <= NAMES.keys()
    assert "bo-cong-an" in NAMES
    assert "thu-tuong" not in NAMES, "named everywhere"
    assert all(len(name.spellings) <= naming.SPELLINGS for name in NAMES.values())


def test_a_name_with_what_belongs_to_it() -> None:
    assert (NAMES["de-an-06"].name, NAMES["de-an-06"].kind) == ("Đề án 06", "initiative")
    assert "ĐA06" in NAMES["de-an-06"].spellings
    assert NAMES["vneid"].parents == ["dinh-danh-dien-tu"]
    assert NAMES["tien-giang"].now == ["dong-thap"]
    assert NAMES["bo-tttt"].now[0] == "bo-khcn"


def test_local_bodies_of_the_places_of_today() -> None:
    assert NAMES["ubnd-dong-thap"].name == "UBND Đồng Tháp"
    assert "Sở KH&CN Đồng Tháp" in NAMES["so-khcn-dong-thap"].spellings
    assert "ubnd-tien-giang" not in NAMES


def test_a_second_apply_changes_nothing() -> None:
    first = naming.name_outputs(Config(), 1_000, {})
    table = {
        o.key: Record("names", 0, n, o.timestamp, o.key, o.value) for n, o in enumerate(first.outputs) if o.key
    }
    version = table.pop(VERSION_KEY)
    assert (len(table), version.offset) == (len(NAMES), len(NAMES)), "the version comes last"
    second: Changes = naming.name_outputs(Config(), 2_000, table)
    assert second.difference == []
