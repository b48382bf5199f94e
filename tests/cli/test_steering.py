"""pause, resume, route-test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import Command

CONFIG = """
destinations: [{alias: a, channel: terminal}, {alias: b, channel: terminal}]
subscriptions:
  - {id: s1, destination: a, match: {initiatives: [de-an-06]}}
  - {id: s2, destination: b, match: {agencies: [bo-noi-vu]}}
"""


@pytest.fixture(autouse=True)
def configured(folder: Path) -> None:
    (folder / "tinsom.yaml").write_text(CONFIG)


def test_pause_stands_on_the_log_until_resume_and_through_apply(tinsom: Command, folder: Path) -> None:
    def paused() -> bool:
        tinsom("dump", "destinations", "d.jsonl")
        lines = [line for line in (folder / "d.jsonl").read_text().splitlines() if "pause/" in line]
        return bool(lines) and '"value":null' not in lines[-1]

    tinsom("apply")
    assert tinsom("pause").out == "nothing is sent any more; `tinsom resume` lets it go on\n"
    assert paused()
    tinsom("apply")
    assert paused()
    assert tinsom("resume").out == "sending goes on\n"
    assert not paused()


def test_route_test_says_who_would_be_told_and_who_not(tinsom: Command, folder: Path) -> None:
    (folder / "bai.txt").write_text("Bộ Công an triển khai Đề án 06\nNội dung.\n", "utf-8")
    result = tinsom("route-test", "bai.txt")
    assert (result.code, result.err) == (0, "")
    assert result.lines[:2] == ["+ s1 → a: initiative:de-an-06", result.lines[1]]
    assert result.lines[1].startswith("- s2 → b: not met: ")
    assert "a: normal alert; Bạn theo dõi: Đề án 06 (sáng kiến)" in result.lines
    assert not (folder / "tinsom.db").exists()


def test_nothing_to_route_is_one_line(tinsom: Command) -> None:
    assert tinsom.fails("route-test", code=1, stdin=b"\n") == "tinsom: -: nothing to route"
