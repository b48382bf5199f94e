"""The demo, once, as a newcomer runs it in a pipe: it ends, it adds up, alerts are readable."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import PATIENCE

pytestmark = pytest.mark.alone


def outcomes(out: str, stage: str) -> tuple[int, dict[str, int]]:
    """What went into a stage and how it ended; a row may take several lines."""
    lines = out.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"│ {stage} "))
    row = [lines[start]]
    for line in lines[start + 1 :]:
        if not line.startswith("│  "):
            break
        row.append(line)
    cells = [" ".join(line.split("│")[column].strip() for line in row) for column in (2, 3)]
    ended = {name: int(count) for count, name in re.findall(r"(\d+) ([a-z -]+?)(?:,|\s*$)", cells[1])}
    return int(cells[0].split()[0]), ended


def test_the_demo_ends_and_its_books_add_up(folder: Path) -> None:
    asked = ["demo", "--once", "--seconds", "20", "--port", "0"]
    command = [sys.executable, "-m", "services.cli", "--log-level", "warning", *asked]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    assert ended.returncode == 0, ended.stdout[-3_000:] + ended.stderr
    # Nothing to warn of but the outages of the day, which a reader of the demo is not shown unless he asks.
    assert {json.loads(line)["event"] for line in ended.stderr.splitlines()} <= {"source fails"}, ended.stderr
    out = ended.stdout
    for stage in ("collect", "tag", "stories", "plan", "deliver", "send"):
        assert re.search(rf"│ {stage} +│ \d+ [^│]*│[^│]*│ 0 +│", out), out[-3_000:]
    alerts, ended_as = outcomes(out, "send")
    assert alerts == sum(ended_as.values()), out[-3_000:]
    assert set(ended_as) <= {"sent", "digested", "for the next digest", "suppressed"}
    delivered = ended_as["sent"]
    assert "Bản tin tổng hợp" in out
    # What was delivered at once is on the terminal, as staff read it.
    assert out.count("╭─ → ") >= delivered // 2
    assert "Bạn theo dõi: " in out
    assert "Sáng kiến: " in out
    assert "dead-letter" not in out
    new, revised, baseline = re.findall(r"(\d+) (?:new articles|edits|older ones)", out)
    found = re.search(r"Found: (\d+), (\d+), (\d+)\.", out)
    assert found
    assert found.groups()[::2] == (new, baseline)
    # A busy machine may miss an edit between two polls; it never invents one.
    assert int(found[2]) <= int(revised)


def test_a_reader_who_leaves_ends_it_without_a_word(folder: Path) -> None:
    """As `tinsom demo | head`."""
    command = [sys.executable, "-m", "services.cli", "demo", "--seconds", "60", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        assert demo.stderr is not None
        assert "A sample day" in demo.stdout.readline()
        demo.stdout.close()
        assert demo.stderr.read() == ""
        demo.wait(PATIENCE)
