"""docs/shown.md names tests that exist, and no promise without one."""

import ast
import re

from tests.docs.reading import ROOT

PAGE = (ROOT / "docs" / "shown.md").read_text("utf-8")
_ROW = re.compile(r"^\| (\d[\d, ]*) \| (.+?) \|(.*)\| (.+) \|$", re.MULTILINE)


def test_every_test_that_is_named_exists() -> None:
    named = set(re.findall(r"`(tests/[\w/.]+)::(\w+)`", PAGE))
    assert len(named) > 40
    known: dict[str, set[str]] = {}
    for file in {file for file, _ in named}:
        tree = ast.parse((ROOT / file).read_text("utf-8"))
        known[file] = {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert [f"{file}::{name}" for file, name in sorted(named) if name not in known[file]] == []


def test_every_rule_that_is_named_exists() -> None:
    rules = (ROOT / "deploy" / "prometheus" / "rules" / "tinsom.yml").read_text("utf-8")
    assert all(f"alert: {name}\n" in rules for name in re.findall(r"`(Tinsom\w+)`", PAGE))


def test_no_promise_without_its_test() -> None:
    rows = _ROW.findall(PAGE)
    numbers = {int(number) for row in rows for number in row[0].split(",")}
    assert numbers == {*range(1, 23), 25}
    assert all("tests/" in row[3] or "benchmarks/" in row[3] for row in rows)
