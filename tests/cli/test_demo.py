"""The demo, once, as a newcomer runs it in a pipe: it ends, it adds up, alerts are readable."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

SENT = re.compile(r"│ send +│ (\d+) alerts +│ (?:(\d+) pending, )?(\d+) sent +│ 0 +│")


@pytest.mark.timeout(240)
def test_the_demo_ends_and_its_books_add_up(folder: Path) -> None:
    command = [sys.executable, "-m", "services.cli", "demo", "--once", "--seconds", "20", "--port", "0"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=220, check=False)
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout[-3_000:] + ended.stderr
    out = ended.stdout
    for stage in ("collect", "tag", "stories", "plan", "deliver", "send"):
        assert re.search(rf"│ {stage} +│ \d+ [^│]*│[^│]*│ 0 +│", out), out[-3_000:]
    sent = SENT.search(out)
    assert sent, out[-3_000:]
    alerts, pending, delivered = (int(number or 0) for number in sent.groups())
    assert alerts == pending + delivered
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
