"""taxonomy eval, try, compare, audit: on files and on the log."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.running import Command
from tests.cli.test_moving import TIMES, append, item
from tinsom.log import Record
from tinsom.replay import line_of
from tinsom.topics import DAY_MS

MINE = """initiatives: [{id: nang, names: {vi: Trời nắng}, aliases: [trời nắng]}]
themes:
  - id: theme-lua
    names: {vi: "Mùa lúa"}
    threshold: 3
    terms: [{words: lúa, weight: 2}, {words: thu hoạch, weight: 1}]
    tests: {positive: [thu hoạch lúa], negative: [lúa]}
"""
ITEMS = [("1", "Thu hoạch lúa"), ("2", "Lúa tốt"), ("3", "Trời nắng"), ("4", "VNeID có bản mới")]


@pytest.fixture(autouse=True)
def files(folder: Path) -> None:
    rows = [{"id": n, "title": title, "published_at": "2026-10-14"} for n, title in ITEMS]
    (folder / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "mine.yaml").write_text(MINE, "utf-8")


def test_try_shows_what_fired_and_what_nearly_did(tinsom: Command) -> None:
    lines = tinsom("taxonomy", "try", "mine.yaml", "--over", "items.jsonl").lines
    assert lines[0] == "4 items of 1.0 days"
    assert "nang: fired 1 time, 1.0 a day; nearly 0 times" in lines
    assert "theme-lua: fired 1 time, 1.0 a day; nearly 1 time" in lines
    assert "2026-10-14T00:00+00:00\t3\tThu hoạch lúa\tthu hoạch, lúa" in lines
    assert "2026-10-14T00:00+00:00\t2\tLúa tốt\t1 of 3 points missing" in lines


def test_try_says_when_a_rule_fires_more_often_than_anybody_reads(tinsom: Command, folder: Path) -> None:
    (folder / "many.jsonl").write_text('{"id": "x", "title": "Thu hoạch lúa"}\n' * 31)
    assert (
        "  more than 30 a day: who will read that?"
        in tinsom("taxonomy", "try", "mine.yaml", "--over", "many.jsonl").lines
    )


def test_try_refuses_rules_with_faults(tinsom: Command, folder: Path) -> None:
    (folder / "bad.yaml").write_text(MINE.replace("weight: 1", "weight: 0"), "utf-8")
    line = tinsom.fails("taxonomy", "try", "bad.yaml", "--over", "items.jsonl", code=1)
    assert line.startswith("tinsom: themes: theme-lua: all its terms together weigh 2")


def test_the_logs_own_items_are_tried_without_a_file(tinsom: Command, folder: Path) -> None:
    (folder / "tinsom.yaml").write_text("http: {port: 0}\n")
    append(folder, *(item(number) for number in range(3)))
    (folder / "one.yaml").write_text("initiatives: [{id: nang, names: {vi: N}, aliases: ['đề án 06']}]\n", "utf-8")
    first = tinsom("taxonomy", "try", "one.yaml", "--since", "2000-01-01").lines
    assert first[0].startswith("3 items of")
    tinsom("dump", "items", "f.gz")
    assert tinsom("taxonomy", "try", "one.yaml", "--over", "f.gz").lines == first


def test_compare_lists_the_items_whose_tags_changed_and_why(tinsom: Command) -> None:
    result = tinsom("taxonomy", "compare", "shipped", "mine.yaml", "--over", "items.jsonl")
    assert result.code == 1
    assert result.lines[0] == "2 of 4 items with other tags"
    assert "1\t+\ttheme-lua\tprimary\tby theme-lua/lúa, theme-lua/thu hoạch\tThu hoạch lúa" in result.lines
    same = tinsom("taxonomy", "compare", "mine.yaml", "mine.yaml", "--over", "items.jsonl")
    assert (same.code, same.lines) == (0, ["0 of 4 items with other tags"])


def test_compare_can_take_both_for_whole(tinsom: Command) -> None:
    lines = tinsom("taxonomy", "compare", "shipped", "mine.yaml", "--whole", "--over", "items.jsonl").lines
    assert any(line.startswith("4\t-\tvneid\tprimary\tby vneid/alias") for line in lines)


def test_audit_names_what_is_of_no_use(tinsom: Command, folder: Path) -> None:
    verdicts = [
        {"reader": "r", "alert": str(n), "verdict": "irrelevant", "item": "3", "matched": ["initiative:nang"],
         "at": "2026-10-14T00:00:00Z"}
        for n in range(3)
    ]  # fmt: skip
    (folder / "v.jsonl").write_text("".join(json.dumps(row) + "\n" for row in verdicts))
    (folder / "mine.yaml").write_text(MINE.replace("[trời nắng]", "[trời nắng, trời mưa]"), "utf-8")
    options = ("--taxonomy", "mine.yaml", "--over", "items.jsonl", "--verdicts", "v.jsonl")
    result = tinsom("taxonomy", "audit", *options)
    assert result.code == 1
    assert "nang/alias\ttrời mưa\tstood nowhere" in result.lines
    assert "initiative:nang\t\t3 readers' verdicts, all irrelevant" in result.lines
    assert "de-an-06\t\ttagged nothing" in result.lines
    assert "vneid\t\ttagged nothing" not in result.lines


def test_audit_of_a_young_log_lists_what_no_text_could_make_fire_and_counts_the_rest(
    tinsom: Command, folder: Path
) -> None:
    (folder / "tinsom.yaml").write_text("http: {port: 0}\n")
    append(folder, *(item(number) for number in range(3)))
    (folder / "own.yaml").write_text(MINE.replace("[trời nắng]", "[trời – nắng]"), "utf-8")
    result = tinsom("taxonomy", "audit", "--taxonomy", "own.yaml", "--since", "2000-01-01")
    assert (result.code, result.lines[1:]) == (1, ["nang/alias\ttrời – nắng\tcan never fire"])
    assert re.fullmatch(
        r"not listed: \d\d+ rules and aliases that did nothing in 2 days of items;"
        r" in fewer than 28 that says little",
        result.error,
    )
    result = tinsom("taxonomy", "audit", "--since", "2000-01-01")
    assert (result.code, result.out) == (0, "")
    assert result.error.startswith("not listed: ")
    append(folder, item(3, TIMES[0] + 40 * DAY_MS))
    result = tinsom("taxonomy", "audit", "--since", "2000-01-01")
    assert (result.code, result.err) == (1, "")
    assert "ubqg-cds\t\ttagged nothing" in result.lines


def test_eval_scores_a_labelled_file(tinsom: Command, folder: Path) -> None:
    row = {"id": "a", "title": "VNeID có bản mới", "initiatives": {"de-an-06": "primary"}}
    (folder / "labels.jsonl").write_text(json.dumps(row) + "\n")
    lines = tinsom("taxonomy", "eval", "labels.jsonl").lines
    assert lines[:2] == ["kinds:", "kind\tprecision\trecall\tF1\tright\twrong\tmissed"]
    assert "initiatives primary\tde-an-06\tvneid\t1" in lines
    assert "cannot read no.jsonl" in tinsom.fails("taxonomy", "eval", "no.jsonl", code=1)


def test_who_has_left_counts_in_no_dump_from_before_compaction(tinsom: Command, folder: Path) -> None:
    said = {"verdict": "right", "item": "4", "matched": ["initiative:vneid"], "at": "2026-10-14T00:00:00Z"}
    values = {who: json.dumps(said | {"reader": who, "alert": "4"}).encode() for who in ("left", "stays", "back")}
    records = [("left", values["left"]), ("back", values["back"]), ("stays", values["stays"]), ("left", None),
               ("back", None), ("back", values["back"])]  # fmt: skip
    head = {"format": "tinsom-dump-1", "topic": "verdicts", "partitions": 1}
    lines = [json.dumps(head).encode()]
    for number, (who, value) in enumerate(records):
        lines.append(line_of(Record("verdicts", 0, number, 0, f"{who}/4".encode(), value, ())))
    (folder / "v.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    assert "initiative\t1.000\t1.000\t1.000\t2\t0\t0" in tinsom("taxonomy", "eval", "v.jsonl").lines
    (folder / "v.jsonl").write_bytes(lines[0].replace(b"verdicts", b"items") + b"\n")
    assert "is a dump of items, not of verdicts" in tinsom.fails("taxonomy", "eval", "v.jsonl", code=1)


def test_eval_reads_verdicts_alone_and_with_their_items(tinsom: Command, folder: Path) -> None:
    rows = [
        {"reader": "r", "alert": n, "verdict": word, "item": n, "matched": ["initiative:vneid"],
         "at": "2026-10-14T00:00:00Z"}
        for n, word in (("4", "right"), ("3", "irrelevant"))
    ]  # fmt: skip
    (folder / "v.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert "initiative\t0.500\t1.000\t0.667\t1\t1\t0" in tinsom("taxonomy", "eval", "v.jsonl").lines
    now = tinsom("taxonomy", "eval", "v.jsonl", "--over", "items.jsonl").lines
    assert "initiative\t1.000\t1.000\t1.000\t1\t0\t0" in now
    (folder / "v.jsonl").write_text(json.dumps(rows[0]) + "\n{}\n")
    assert "v.jsonl:2: no verdict" in tinsom.fails("taxonomy", "eval", "v.jsonl", code=1)
