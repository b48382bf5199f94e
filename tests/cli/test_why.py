"""why: from an id or an address to what became of an item; on the log of a replay, which has everything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.running import Command
from tests.cli.test_moving import append, item

CONFIG = """
http: {port: 0}
taxonomy: mine.yaml
destinations: [{alias: man-hinh, channel: terminal}]
subscriptions: [{id: s1, destination: man-hinh, match: {initiatives: [de-an-06]}, priority: urgent}]
"""


THEME = """
themes:
  - id: theme-gan
    names: {vi: "Gần"}
    threshold: 10
    terms: [{words: "đề án", weight: 7}, {words: "không có", weight: 3}]
    tests: {positive: ["đề án không có"], negative: ["đề án"]}
"""


@pytest.fixture
def replayed(folder: Path) -> str:
    """What `replay --run` printed; the namespace `seen` holds what it made."""
    (folder / "tinsom.yaml").write_text(CONFIG)
    (folder / "mine.yaml").write_text(THEME, "utf-8")
    append(folder, *(item(number) for number in range(6)))
    command = [sys.executable, "-m", "services.cli"]
    subprocess.run([*command, "dump", "items", "f"], check=True, capture_output=True)
    run = [*command, "replay", "f", "--namespace", "seen", "--run"]
    return subprocess.run(run, check=True, capture_output=True, text=True).stdout


def test_why_answers_from_the_log(tinsom: Command, replayed: str) -> None:
    assert "6 records of items in namespace seen" in replayed
    assert "man-hinh\talert\t6" in replayed
    by_id = tinsom("why", "i0", "--namespace", "seen")
    assert (by_id.code, by_id.err) == (0, "")
    assert by_id.lines[0] == "item i0"
    text = by_id.out
    assert "tagged: de-an-06 (primary, " in text
    assert "dong-thap (mentioned)" in text
    assert "to man-hinh (urgent): initiative:de-an-06 by s1" in text
    assert ": sent" in text
    assert by_id.lines[-1] == "nearly theme-gan: score 7, 3 of 10 points missing"
    assert tinsom("why", "http://x/0", "--namespace", "seen").out == by_id.out
    assert tinsom("why", "i0", "man-hinh", "--namespace", "seen").out == by_id.out
    assert tinsom.fails("why", "i9", "--namespace", "seen", code=1) == (
        "tinsom: nothing is known of item 'i9'; ids and addresses are those of topic `items`"
    )
    assert tinsom.fails("why", "i0", "nobody", "--namespace", "seen", code=1) == (
        "tinsom: there is no destination 'nobody'; there are: man-hinh"
    )
    # The live namespace knows of nothing but the items.
    assert "nothing is known of item" in tinsom.fails("why", "i0", code=1)
