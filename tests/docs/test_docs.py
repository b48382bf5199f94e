"""The documents are true to the code: what they name exists, what is generated has not drifted."""

from __future__ import annotations

import importlib
import json
import re
import tomllib
from pathlib import Path

import click
import msgspec
import pytest
import typer.main
import yaml

from deploy import contracts
from services.classifier.commands import tag_lines, tagger_for
from services.cli import app
from services.cli.running import TEMPLATE
from tests.docs import reading
from tests.docs.reading import PAGES, ROOT
from tinsom import config, configfile, messages, topics

README, README_VI = ROOT / "README.md", ROOT / "README.vi.md"
DOCS, DECISIONS = ROOT / "docs", ROOT / "docs" / "decisions"
# A package that is one room with what holds it: the services together, and a form of the log.
FORMS = {"services", "tinsom.log.kafka", "tinsom.log.sqlite"}
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
TOP = [*sorted(p.name for p in ROOT.iterdir() if p.is_dir() and not p.name.startswith(".")), ".ci"]
# Names that look like modules and are none: topics, files, message types.
_NO_MODULE = re.compile(r"\.(?:v1|yaml|yml|db|md|toml|log|html|service)$|^tinsom\.[\w-]+\.v1$")

every_page = pytest.mark.parametrize("page", PAGES, ids=reading.name)


def commands() -> dict[str, click.Command]:
    """Every command by its words, `dead-letters show` and such included; groups too."""
    root = typer.main.get_command(app)
    found: dict[str, click.Command] = {}
    for word, command in getattr(root, "commands", {}).items():
        found[word] = command
        for inner, leaf in getattr(command, "commands", {}).items():
            found[f"{word} {inner}"] = leaf
    return found


COMMANDS = commands()


def test_the_documents_are_there() -> None:
    expected = {"README.md", "README.vi.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"}
    assert expected <= {page.name for page in PAGES}


@every_page
def test_links_resolve(page: Path) -> None:
    for target in reading.links(page):
        path, _, wanted = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{target}: there is no {path}"
        if wanted:
            assert wanted in reading.anchors(there), f"{target}: no such heading"


@every_page
def test_commands_exist(page: Path) -> None:
    for line in (*reading.spans(page), *reading.shell_lines(page)):
        for words in re.findall(r"(?:^|[|(&;] *|\bbin/)tinsom((?: [a-z][a-z-]*)+)", line):
            assert _command(words.split()), f"`tinsom{words}`: no such command"


def _command(words: list[str]) -> bool:
    command = COMMANDS.get(words[0])
    if command is None or len(words) == 1 or not getattr(command, "commands", None):
        return command is not None
    return " ".join(words[:2]) in COMMANDS


@every_page
def test_options_exist(page: Path) -> None:
    for line in (*reading.spans(page), *reading.shell_lines(page)):
        match = re.search(r"(?:^|[|] *)tinsom ((?:[a-z][a-z-]* ?)+)(.*)", line)
        if match is None:
            continue
        words = match[1].split()
        command = COMMANDS.get(" ".join(words[:2])) or COMMANDS.get(words[0])
        known = {option for p in getattr(command, "params", []) for option in p.opts} | {"--help"}
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", match[2].partition("|")[0]):
            assert option in known, f"`{line}`: {option} is no option of it"


@every_page
def test_files_exist(page: Path) -> None:
    for span in reading.spans(page):
        path = span.partition(":")[0]
        if re.fullmatch(r"[\w.*/-]+", path) and path.split("/")[0] in TOP and "/" in path and "NNNN" not in path:
            assert list(ROOT.glob(path.rstrip("/"))), f"`{span}`: no such file"


@every_page
def test_modules_and_names_exist(page: Path) -> None:
    for span in reading.spans(page):
        name = span.removesuffix("()")
        if re.fullmatch(r"(?:tinsom|services)(?:\.\w+)+", name) and not _NO_MODULE.search(name):
            assert _resolves(name), f"`{span}`: neither a module nor a name in one"


def _resolves(name: str) -> bool:
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        return _has(found, parts[cut:])
    return False


def _has(found: object, names: list[str]) -> bool:
    for name in names:
        fields = getattr(found, "__dataclass_fields__", {}) | getattr(found, "__annotations__", {})
        if not hasattr(found, name) and name not in fields:
            return False
        found = getattr(found, name, None)
    return True


@every_page
def test_nothing_of_this_machine_is_named(page: Path) -> None:
    assert not re.search(r"(?<![\w.])/(?:work|root|home/\w)\b|https?://pypi\.|index-url", reading.text(page))


# --- README -------------------------------------------------------------------------------------------------


def _targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))


@every_page
def test_make_targets_exist(page: Path) -> None:
    for line in (*reading.spans(page), *reading.shell_lines(page)):
        for target in re.findall(r"^make ([a-z]+)", line):
            assert target in _targets(), f"`make {target}`: not in the Makefile"


@pytest.mark.parametrize("page", [README, README_VI], ids=reading.name)
def test_the_test_command_is_make_test(page: Path) -> None:
    lines = reading.shell_lines(page)
    assert {"make run", "make test", "make lint"} <= set(lines)
    assert [line for line in lines if "test" in line and "send-test" not in line] == ["make test"]


def test_both_readmes_show_the_same_commands() -> None:
    assert reading.shell_lines(README) == reading.shell_lines(README_VI)


@pytest.mark.parametrize("page", PAGES, ids=reading.name)
def test_configuration_shown_is_configuration(page: Path) -> None:
    """Every `yaml` block that has sources, destinations or kafka is accepted together with what `init` writes."""
    for block in reading.blocks(page, "yaml"):
        raw = yaml.safe_load(block)
        if isinstance(raw, dict) and set(raw) <= set(config.Config.__struct_fields__):
            msgspec.convert(raw, config.Config)


def test_the_template_of_init_is_a_configuration() -> None:
    configfile.load(TEMPLATE)


# --- decisions ----------------------------------------------------------------------------------------------


def _decisions() -> dict[str, Path]:
    return {path.name[:4]: path for path in sorted(DECISIONS.glob("*.md"))}


def test_decision_numbers_are_unique() -> None:
    names = [path.name for path in DECISIONS.glob("*.md")]
    numbers = sorted(name[:4] for name in names)
    assert len(numbers) == len(set(numbers))
    assert all(re.fullmatch(r"\d{4}(?:-[a-z0-9]+)+\.md", name) for name in names)


@pytest.mark.parametrize("path", _decisions().values(), ids=lambda path: path.name)
def test_a_decision_is_one_page_of_the_same_shape(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    assert lines[0].startswith(f"# {path.name[:4]}: ")
    assert len(lines) <= 60
    for heading in ("## Question", "## Chosen", "## Refused"):
        assert heading in lines, f"{heading} is missing"


def test_decisions_that_are_referred_to_exist() -> None:
    known = _decisions()
    for path in _sources():
        for number in re.findall(r"decisions?[ /](\d{4})\b", path.read_text("utf-8")):
            assert number in known, f"{path.relative_to(ROOT)}: decision {number} does not exist"


def _sources() -> list[Path]:
    folders = ("tinsom", "services", "tests", "deploy", "benchmarks", "docs")
    found = [
        p for folder in folders for suffix in ("py", "md", "yaml") for p in (ROOT / folder).rglob(f"*.{suffix}")
    ]
    return [p for p in found if "target" not in p.parts] + list(ROOT.glob("*.md"))


# --- what must be complete ----------------------------------------------------------------------------------


def test_every_command_has_its_section() -> None:
    headings = "\n".join(line for line in reading.text(DOCS / "commands.md").splitlines() if line.startswith("#"))
    leaves = [words for words, command in COMMANDS.items() if not getattr(command, "commands", None)]
    missing = [words for words in leaves if f"`tinsom {words}`" not in headings]
    assert not missing, f"docs/commands.md says nothing of {missing}"


def test_every_import_contract_is_explained() -> None:
    page = reading.text(DOCS / "architecture.md")
    missing = [c["name"] for c in PROJECT["tool"]["importlinter"]["contracts"] if c["name"] not in page]
    assert not missing, f"docs/architecture.md does not explain the contracts {missing}"


def test_every_dependency_has_its_reason() -> None:
    page = reading.text(next(DECISIONS.glob("*-dependencies.md")))
    names = [re.split(r"[\[>;=]", line)[0] for line in PROJECT["project"]["dependencies"]]
    assert not [name for name in names if f"`{name}`" not in page]


@pytest.mark.parametrize("name", contracts.built())
def test_generated_documents_have_not_drifted(name: str) -> None:
    assert (DOCS / name).read_text("utf-8") == contracts.built()[name], "run `python -m deploy.contracts`"


def test_the_traffic_names_every_topic_and_type() -> None:
    assert list(contracts.TRAFFIC) == list(topics.TOPICS)
    assert messages.Item.__name__ in contracts.message_page()


def test_every_package_has_its_row_in_the_table_of_rooms() -> None:
    rooms = (DOCS / "architecture.md").read_text("utf-8").split("## Rooms")[1].split("\n## ")[0]
    packages = {
        ".".join(init.parent.relative_to(ROOT).parts)
        for top in ("services", "tinsom")
        for init in (ROOT / top).rglob("__init__.py")
    }
    assert packages - FORMS <= set(re.findall(r"^\| `([\w.]+)` \|", rooms, re.MULTILINE))


def test_tag_prints_what_the_commands_page_says() -> None:
    shown = (DOCS / "commands.md").read_text("utf-8").split("### `tinsom tag`")[1].split("\n### ")[0]
    printed = next(line for line in shown.splitlines() if line.startswith('{"id":"1"'))
    title = shown.split("$ tinsom tag text.txt\n")[1].splitlines()[0]
    (line,) = tag_lines([json.dumps({"id": "1", "title": title}).encode()], tagger_for())
    assert line.decode().strip() == printed
    for tag in json.loads(printed)["initiatives"] + json.loads(printed)["agencies"]:
        assert f"({tag['id']}), {tag['role']}, score {tag['score']}: " in shown
