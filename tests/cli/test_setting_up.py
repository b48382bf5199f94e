"""init, check, apply, and what every command has in common: entry points, wrong use, errors in one line."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from services.cli import app
from tests.cli.running import Command

ENTRIES = ([sys.executable, "-m", "services.cli"], [str(Path(sys.executable).with_name("tinsom"))])
COMMANDS = (
    *("init", "check", "apply", "send-test", "run", "collect", "classify", "alert", "poll", "extract", "tag"),
    *(
        "why",
        "dump",
        "replay",
        "demo",
        "sources list",
        "sources check",
        "sources discover",
        "sources import-opml",
        "sources export-opml",
        "taxonomy lint",
        "taxonomy show",
    ),
    *("topics apply", "topics check", "topics seek", "dead-letters list", "dead-letters show"),
    "dead-letters redrive",
)
NEEDS_LOG = [
    command.split()
    for command in (
        *("why x", "pause", "resume", "topics check", "topics seek tag items --to latest", "dump items f"),
        *("dead-letters list", "dead-letters show 0-0", "dead-letters redrive --all"),
    )
]
NEEDS_CONFIG = [
    *NEEDS_LOG,
    *(["apply"], ["run"], ["collect"], ["classify"], ["alert"], ["send-test", "x"], ["topics", "apply"]),
    *(
        ["route-test", "tinsom.yaml"],
        ["sources", "list"],
        ["sources", "check"],
        ["replay", "f", "--namespace", "n"],
    ),
]


@pytest.mark.parametrize("entry", ENTRIES, ids=["module", "script"])
def test_both_entry_points_answer_and_leave_with_the_code(entry: list[str], folder: Path) -> None:
    version = subprocess.run([*entry, "--version"], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"tinsom \d+\.\d+\.\d+\n", version.stdout)
    fails = subprocess.run([*entry, "check"], capture_output=True, text=True, check=False)
    assert (fails.returncode, fails.stdout) == (
        1,
        "tinsom.yaml does not exist; `tinsom init` writes one to start from\n",
    )


def test_a_terminal_that_knows_no_vietnamese_is_no_crash(folder: Path) -> None:
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    found = subprocess.run([*ENTRIES[0], "--help"], capture_output=True, env=environment, check=True)
    assert b"monitoring of news" in found.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help(tinsom: Command, command: str) -> None:
    result = tinsom(*command.split(), "--help")
    assert (result.code, result.err) == (0, "")
    assert "Usage: tinsom " + command in result.out


def test_the_list_of_commands_is_whole() -> None:
    names = {c.name or (c.callback.__name__ if c.callback else "") for c in app.registered_commands}
    groups = {g.name for g in app.registered_groups}
    assert names | groups >= {command.split()[0] for command in COMMANDS}


def test_without_a_command_the_help_is_shown(tinsom: Command) -> None:
    for arguments in ([], ["topics"]):
        result = tinsom(*arguments)
        assert result.code == 2
        assert "Commands" in result.out + result.err
        assert "tinsom:" not in result.err


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["nosuch"], "No such command 'nosuch'; see `tinsom --help`"),
        (["check", "--nosuch"], "No such option"),
        (["check", "-c"], "requires an argument; see `tinsom"),
        (["poll"], "Missing argument 'URL...'; see `tinsom poll --help`"),
        (["topics", "seek"], "Missing argument"),
        (["--log-level", "loud", "check"], "'loud' is not one of debug, info, warning, error"),
        (["run", "--port", "99999"], "Invalid value for '--port'"),
        (["demo", "--seconds", "-1"], "Invalid value for '--seconds'"),
        (["dead-letters", "redrive"], "name the ids, or --all"),
    ],
)
def test_wrong_use_is_one_line_and_code_2(tinsom: Command, arguments: list[str], text: str) -> None:
    assert text in tinsom.fails(*arguments, code=2)


@pytest.mark.parametrize("arguments", NEEDS_CONFIG, ids=" ".join)
def test_without_a_configuration_the_error_says_how_to_get_one(tinsom: Command, arguments: list[str]) -> None:
    assert tinsom.fails(*arguments, code=1) == (
        "tinsom: tinsom.yaml does not exist; `tinsom init` writes one to start from"
    )


@pytest.mark.parametrize("arguments", NEEDS_LOG, ids=" ".join)
def test_without_a_log_nothing_is_made_and_the_error_says_what_makes_it(
    tinsom: Command, folder: Path, arguments: list[str]
) -> None:
    tinsom("init")
    assert tinsom.fails(*arguments, code=3) == "tinsom: there is no log at tinsom.db yet; `tinsom run` makes it"
    assert os.listdir(folder) == ["tinsom.yaml"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: [", "not valid YAML"),
        ("sourcez: []", "unknown key; did you mean `sources`?"),
        ("http: {port: a}", "expected a whole number, got text"),
    ],
)
def test_a_bad_configuration_is_one_line_with_its_place(
    tinsom: Command, folder: Path, text: str, reason: str
) -> None:
    (folder / "tinsom.yaml").write_text(text)
    for command in ("apply", "run", "alert"):
        line = tinsom.fails(command, code=1)
        assert re.match(r"tinsom: tinsom.yaml:\d+: ", line)
        assert reason in line


def test_debug_shows_the_trace_and_nothing_else_does(tinsom: Command) -> None:
    assert "Traceback" not in tinsom("apply").err
    shown = tinsom("--debug", "apply").err
    assert "Traceback" in shown
    assert shown.splitlines()[-1].startswith("tinsom: tinsom.yaml does not exist")


def test_a_fault_of_our_own_is_one_line_too(tinsom: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.cli.applying.faults", lambda path: 1 / 0)
    line = tinsom.fails("check", code=1)
    assert line.startswith("tinsom: a fault in tinsom itself: ZeroDivisionError: division by zero; please report")


# --- init, check, apply -------------------------------------------------------------------------------------


def test_init_check_and_apply_lead_from_nothing_to_a_log(tinsom: Command, folder: Path) -> None:
    result = tinsom("init")
    assert (result.code, result.err) == (0, "")
    assert result.out == "tinsom.yaml written. Next: edit it, then `tinsom check` and `tinsom run`.\n"
    assert tinsom("check").out == "tinsom.yaml: no fault found\n"
    first = tinsom("apply", "--dry-run")
    assert "sources: + bao-chinh-phu" in first.lines
    assert not (folder / "tinsom.db").exists()
    assert tinsom("apply").out == first.out
    topics = ("sources", "taxonomy", "destinations", "subscriptions", "names")
    assert tinsom("apply").lines == [f"{topic}: no change" for topic in topics]


def test_check_names_what_is_no_fault_and_yet_means_silence(tinsom: Command, folder: Path) -> None:
    (folder / "tinsom.yaml").write_text("")
    result = tinsom("check")
    assert (result.code, result.out) == (0, "tinsom.yaml: no fault found\n")
    watched, told = result.err.splitlines()
    assert watched.startswith("tinsom.yaml: nothing is watched yet")
    assert told.startswith("tinsom.yaml: nobody is told anything yet")


def test_a_time_without_a_zone_is_refused_with_one_to_write(tinsom: Command, folder: Path) -> None:
    (folder / "tinsom.yaml").write_text("mutes: [{id: m, match: {keywords: [a]}, until: tomorrow}]\n")
    assert tinsom("check").out == (
        "tinsom.yaml:1: mutes[0].until: 'tomorrow' is no time with a zone; write it as 2026-12-01T00:00:00+07:00\n"
    )


def test_apply_shows_what_changed_and_a_dry_run_writes_nothing(tinsom: Command, folder: Path) -> None:
    tinsom("init")
    tinsom("apply")
    path = folder / "tinsom.yaml"
    path.write_text(path.read_text("utf-8").replace("tier: 1 ", "tier: 2 ").replace("id: bo-khcn", "id: bo-moi"))
    wanted = ["sources: ~ bao-chinh-phu", "sources: + bo-moi", "sources: - bo-khcn"]
    for _ in range(2):
        assert [line for line in tinsom("apply", "--dry-run").lines if "no change" not in line] == wanted
    tinsom("apply")
    assert all("no change" in line for line in tinsom("apply").lines)


def test_init_writes_over_nothing_and_says_what_is_in_the_way(tinsom: Command, folder: Path) -> None:
    assert "cannot write nosuch/t.yaml: No such file or directory" in tinsom.fails("init", "nosuch/t.yaml", code=1)
    (folder / "mine.yaml").write_text("mine")
    assert "mine.yaml exists already" in tinsom.fails("init", "mine.yaml", code=1)
    assert (folder / "mine.yaml").read_text() == "mine"
    assert "`tinsom check -c other.yaml`" in tinsom("init", "other.yaml").out


@pytest.mark.parametrize("code", ["", "short", "mã-mời-có-dấu-thì-không", "no spaces in a link"])
def test_check_refuses_an_invitation_that_no_link_could_carry(
    tinsom: Command, folder: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setenv("THE_TOKEN", "42:secret")
    (folder / "invitation").write_text(code)
    (folder / "tinsom.yaml").write_text(
        "telegram: {token_env: THE_TOKEN, invitation_file: invitation, bot: true}\n"
    )
    result = tinsom("check")
    assert result.code == 1
    assert result.out.startswith("tinsom.yaml:1: telegram.invitation_file: ")
    assert not code or code not in result.out
    (folder / "invitation").write_text("moi-vao-nha-nhe\n")
    assert tinsom("check").code == 0


def test_check_names_every_fault_of_file_secrets_taxonomy_and_ids(
    tinsom: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_SUCH_TOKEN", raising=False)
    (folder / "tinsom.yaml").write_text(
        "log: {path: nowhere/tinsom.db}\n"
        "telegram: {token_env: NO_SUCH_TOKEN}\n"
        "webhook: {secret_file: none}\n"
        "destinations: [{alias: a, channel: terminal}]\n"
        "subscriptions:\n"
        "  - {id: s, destination: a, match: {initiatives: [de-an-07], agencies: [bo-cong-an, ubnd-dong-thap]}}\n"
    )
    result = tinsom("check")
    assert (result.code, result.err) == (1, "")
    assert result.lines == [
        "tinsom.yaml:1: log.path: there is no folder nowhere",
        "tinsom.yaml:2: telegram.token_env: environment variable NO_SUCH_TOKEN is empty or not set;"
        " it must hold the token",
        "tinsom.yaml:3: webhook.secret_file: cannot read none: No such file or directory; it must hold the secret",
        "tinsom.yaml:6: subscriptions[0].match.initiatives[0]: 'de-an-07' is not in the taxonomy;"
        " did you mean de-an-06?",
    ]


def test_check_names_a_taxonomy_that_cannot_be_read(tinsom: Command, folder: Path) -> None:
    (folder / "tinsom.yaml").write_text("taxonomy: mine\n")
    assert tinsom("check").lines == ["tinsom.yaml:1: taxonomy: mine is neither a folder nor a file"]
    (folder / "mine").mkdir()
    (folder / "mine" / "own.yaml").write_text("initiatives: [{id: x}]\n")
    (line,) = tinsom("check").lines
    assert line.startswith("tinsom.yaml:1: taxonomy: own.yaml: ")


def test_a_log_that_cannot_be_opened_is_code_3(tinsom: Command, folder: Path) -> None:
    (folder / "tinsom.yaml").write_text("log: {path: nowhere/tinsom.db}\n")
    assert "cannot use nowhere/tinsom.db" in tinsom.fails("apply", code=3)
    (folder / "tinsom.yaml").write_text("log: {path: text.db}\n")
    (folder / "text.db").write_text("no database " * 100)
    assert "cannot use text.db" in tinsom.fails("topics", "check", code=3)


def test_a_broker_that_is_away_is_code_3(tinsom: Command, folder: Path) -> None:
    (folder / "tinsom.yaml").write_text("kafka: {bootstrap_servers: '127.0.0.1:1'}\n")
    for arguments in (["apply"], ["topics", "check"], ["run", "--port", "0"]):
        assert "no Kafka broker answers at 127.0.0.1:1" in tinsom.fails(*arguments, code=3)


def test_apply_names_an_id_that_no_tag_can_have(tinsom: Command, folder: Path) -> None:
    (folder / "tinsom.yaml").write_text(
        "destinations: [{alias: a, channel: terminal}]\n"
        "subscriptions: [{id: s, destination: a, match: {places: [ha-noy]}}]\n"
    )
    result = tinsom("apply")
    assert result.code == 0
    assert result.error == (
        "tinsom.yaml:2: subscriptions[0].match.places[0]: 'ha-noy' is not in the taxonomy; did you mean ha-noi?"
    )
