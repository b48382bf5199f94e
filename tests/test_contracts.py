"""Who may import whom: each contract of pyproject.toml is seen to break, by one planted violation.

And what reading alone can tell: no module over 500 lines, no package that mypy looks at less strictly.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
CONTRACTS: list[str] = [contract["name"] for contract in PROJECT["tool"]["importlinter"]["contracts"]]
LAYERS = "The command line sees all; services never import one another; tinsom knows no service"

# Contract, a module that it binds, and the line that it must not hold.
VIOLATIONS = [
    (LAYERS, "services/collector/commands.py", "from services.alerter import plan"),
    (LAYERS, "tinsom/process.py", "from services.demo import timeline"),
    (LAYERS, "services/alerter/service.py", "import services.cli.summing"),
    ("aiokafka only in the log's Kafka form", "services/alerter/service.py", "import aiokafka"),
    (
        "feedparser only in the collector's parser and its vocabulary",
        "services/collector/commands.py",
        "import feedparser",
    ),
    ("trafilatura only in the collector's extractor", "services/collector/commands.py", "import trafilatura"),
    ("pypdf only in the collector's reader of office documents", "services/collector/poll.py", "import pypdf"),
    ("aiohttp only where something is fetched, sent or served", "services/collector/service.py", "import aiohttp"),
    ("Apprise only in its channel", "services/alerter/service.py", "import apprise"),
    ("Mail is sent in one place", "services/alerter/service.py", "import aiosmtplib"),
    ("SQL only in the embedded log's store", "tinsom/process.py", "import sqlite3"),
    ("Metrics are defined in one module", "services/alerter/service.py", "import prometheus_client"),
    ("The collector decides without I/O", "services/collector/decide.py", "import socket"),
    ("The collector decides without I/O", "services/collector/rhythm.py", "import services.collector.web.fetch"),
    ("The classifier decides without I/O", "services/classifier/tagger.py", "import asyncio"),
    ("The alerter decides without I/O", "services/alerter/plan.py", "from tinsom import codec"),
    ("What everybody builds on does no I/O", "tinsom/log/sqlite/share.py", "import asyncio"),
]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the contracts speak of."""
    folder = tmp_path_factory.mktemp("tree")
    for package in ("tinsom", "services"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def broken(folder: Path) -> set[str]:
    """The contracts that import-linter calls broken."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    found = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    # Long names are wrapped.
    text = " ".join(found.stdout.split())
    names = {name for name in CONTRACTS if re.search(rf"{re.escape(name)} BROKEN", text)}
    assert bool(names) == bool(found.returncode), found.stdout + found.stderr
    return names


def test_the_tree_keeps_every_contract(tree: Path) -> None:
    assert broken(tree) == set()


@pytest.mark.parametrize(("contract", "module", "line"), VIOLATIONS)
def test_a_planted_violation_breaks_its_contract_and_no_other(
    tree: Path, contract: str, module: str, line: str
) -> None:
    path = tree / module
    before = path.read_text("utf-8")
    path.write_text(f"{before}\n{line}\n", "utf-8")
    try:
        assert broken(tree) == {contract}
    finally:
        path.write_text(before, "utf-8")


def test_every_contract_has_its_violation() -> None:
    assert {contract for contract, _, _ in VIOLATIONS} == set(CONTRACTS)


def modules() -> list[Path]:
    folders = ("tinsom", "services", "tests", "benchmarks", "deploy")
    return [path for folder in folders for path in (ROOT / folder).rglob("*.py")]


def test_no_module_is_longer_than_500_lines() -> None:
    long = {str(p.relative_to(ROOT)): n for p in modules() if (n := p.read_text("utf-8").count("\n")) > 500}
    assert long == {}


def test_mypy_is_strict_everywhere() -> None:
    mypy = PROJECT["tool"]["mypy"]
    assert mypy["strict"] is True
    assert set(mypy["packages"]) >= {"tinsom", "services", "tests"}
    assert set(mypy) <= {"strict", "packages", "mypy_path", "warn_unreachable", "overrides"}
    # What a test puts in a method's place; its type is checked all the same (docs/decisions/0049).
    assert mypy["overrides"] == [{"module": "tests.*", "disable_error_code": ["method-assign"]}]
    marks = [path for path in modules() if re.search(r"^# mypy:", path.read_text("utf-8"), re.MULTILINE)]
    assert marks == []
    assert not any((ROOT / name).exists() for name in ("mypy.ini", ".mypy.ini", "setup.cfg"))
