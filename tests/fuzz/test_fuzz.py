"""Every input that fuzzing ever broke something with, and a little fuzzing; `make fuzz` is the long form."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from services.collector.reading.entry import Document, Entry
from tests.fuzz.targets import ALL, is_sound

pytestmark = pytest.mark.alone

CORPUS = Path(__file__).parent / "corpus"
# A number of inputs from a seed, not a time: the same ones in every run.
RUNS, SEED = 800, 1


@pytest.mark.parametrize("target", ALL)
def test_the_corpus_breaks_nothing(target: str) -> None:
    inputs = sorted((CORPUS / target).iterdir())
    assert inputs
    for path in inputs:
        ALL[target](path.read_bytes())


def test_the_corpus_is_small() -> None:
    assert sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()) < 200_000


@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris has no wheel for this Python or system")
@pytest.mark.parametrize("target", ["feeds", "listings"])
def test_a_few_seconds_of_fuzzing(target: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.fuzz", "--seconds", "60", "--runs", str(RUNS), "--seed", str(SEED)),
            *("--findings", str(tmp_path), target),
        ],
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3_000:]
    assert "broken: none" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_broken_promise_is_found() -> None:
    with pytest.raises(AssertionError):
        is_sound(Document(entries=[Entry(guid="1", link="javascript:x", title="t")]))
