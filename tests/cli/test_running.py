"""run, collect, classify, alert, send-test: real processes, real servers."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from services.cli import running
from tests.cli.conftest import Site
from tests.cli.running import Command
from tests.cli.test_looking import FEED, RSS
from tests.ports import free_port
from tests.waiting import PATIENCE
from tinsom.config import Config
from tinsom.screen import Screen


@contextmanager
def process(*command: str) -> Iterator[subprocess.Popen[str]]:
    started = subprocess.Popen(
        [sys.executable, "-m", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield started
    finally:
        if started.poll() is None:
            started.kill()
        started.communicate()


@contextmanager
def fake(name: str, log: Path) -> Iterator[str]:
    """Where a fake serves: `http://…` of Telegram's, the port of the mail server."""
    with process(f"tests.fakes.{name}", "--log", str(log)) as running:
        assert running.stdout is not None
        yield running.stdout.readline().split()[1]


def fetch(address: str, *, until: str = "") -> str:
    """The body, as soon as somebody answers and it holds `until`."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with urlopen(address, timeout=PATIENCE) as answer:
                body = str(answer.read().decode())
            if until in body:
                return body
        except (URLError, ConnectionError) as error:
            body = str(error)
        assert time.monotonic() < deadline, body[-2_000:]
        time.sleep(0.1)


def test_run_collects_tags_and_serves_its_probes_until_it_is_told_to_stop(folder: Path, site: Site) -> None:
    site["/rss"] = (200, RSS, FEED.encode())
    (folder / "tinsom.yaml").write_text(
        "collector: {allow_private: [127.0.0.1]}\n"
        f"sources: [{{id: a, url: '{site.base}/rss', full_text: false}}]\n"
        "destinations: [{alias: man-hinh, channel: terminal}]\n"
        "subscriptions: [{id: s, destination: man-hinh, match: {initiatives: [de-an-06]}}]\n"
    )
    port = free_port()
    with process("services.cli", "run", "--port", str(port)) as running:
        base = f"http://127.0.0.1:{port}"
        fetch(f"{base}/ready")
        metrics = fetch(f"{base}/metrics", until='tinsom_items_total{outcome="tagged",stage="tag"} 1.0')
        assert 'tinsom_items_total{outcome="baseline",stage="collector"} 2.0' in metrics
        assert json.loads(fetch(f"{base}/live")) == {"alive": True, "stuck": []}
        running.send_signal(signal.SIGTERM)
        out, err = running.communicate(timeout=PATIENCE)
    assert (running.returncode, out, err) == (0, "", "")  # a baseline alerts nobody, a pipe is quiet


GOOD, REFUSED = "tinsom_config_last_reload_successful 1.0", "tinsom_config_last_reload_successful 0.0"
SCREEN = "destinations: [{alias: man-hinh, channel: terminal}]\n"


def test_a_changed_file_is_taken_and_a_bad_one_refused_while_it_runs(folder: Path, site: Site) -> None:
    site["/rss"] = (200, RSS, FEED.encode())
    port, path = free_port(), folder / "tinsom.yaml"
    start = "collector: {allow_private: [127.0.0.1]}\n" + SCREEN
    source = f"sources: [{{id: a, url: '{site.base}/rss', full_text: false}}]\n"
    path.write_text(start)
    with process("services.cli", "run", "--port", str(port)) as running:
        base = f"http://127.0.0.1:{port}"
        fetch(f"{base}/ready")
        fetch(f"{base}/metrics", until=GOOD)
        path.write_text(start + source)
        fetch(f"{base}/metrics", until='tinsom_items_total{outcome="baseline",stage="collector"} 2.0')
        path.write_text(start + source + "subscriptions: [{id: s, destination: nobody, match: {places: [x]}}]\n")
        assert 'source="a"' in fetch(f"{base}/metrics", until=REFUSED), "what held before holds"
        path.write_text(start + source)
        fetch(f"{base}/metrics", until=GOOD)
        path.write_text(start + "sources: [")
        running.send_signal(signal.SIGHUP)
        fetch(f"{base}/metrics", until=REFUSED)
        running.send_signal(signal.SIGTERM)
        out, err = running.communicate(timeout=PATIENCE)
    assert (running.returncode, out) == (0, "")
    # The signal may find what a look has just refused: then it is said twice.
    reasons = [reason for reason, _ in groupby(json.loads(line)["reason"] for line in err.splitlines())]
    assert [reason.split(": ")[0] for reason in reasons] == ["tinsom.yaml:4", "tinsom.yaml:3"]


def test_a_service_of_its_own_looks_at_its_file_too(folder: Path) -> None:
    port, path = free_port(), folder / "tinsom.yaml"
    path.write_text(SCREEN)
    with process("services.cli", "classify", "--port", str(port)) as running:
        fetch(f"http://127.0.0.1:{port}/metrics", until=GOOD)
        path.write_text(SCREEN + "nonsense: 1\n")
        fetch(f"http://127.0.0.1:{port}/metrics", until=REFUSED)
        path.write_text(SCREEN + "alerter: {language: en}\n")
        fetch(f"http://127.0.0.1:{port}/metrics", until=GOOD)
        running.send_signal(signal.SIGTERM)
        _, err = running.communicate(timeout=PATIENCE)
    assert running.returncode == 0
    refused, waits = (json.loads(line) for line in err.splitlines())
    assert refused["reason"].startswith("tinsom.yaml:2: nonsense: unknown key")
    assert waits["settings"] == ["alerter.language"]


def test_a_port_in_use_stops_the_start_with_one_line(folder: Path) -> None:
    (folder / "tinsom.yaml").write_text("")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with process("services.cli", "classify", "--port", str(port)) as running:
            out, err = running.communicate(timeout=PATIENCE)
    assert (running.returncode, out) == (3, "")
    assert err == (
        f"tinsom: cannot serve /metrics on 127.0.0.1:{port}: another process uses it; set http.port or --port"
        " (0: none)\n"
    )


@pytest.mark.parametrize("command", ["run", "alert"])
def test_a_secret_that_is_not_there_is_told_with_its_line(folder: Path, command: str) -> None:
    (folder / "tinsom.yaml").write_text("namespace: n\ntelegram:\n  token_file: none\n")
    with process("services.cli", command, "--port", "0") as running:
        out, err = running.communicate(timeout=PATIENCE)
    assert (running.returncode, out) == (1, "")
    assert err == (
        "tinsom: tinsom.yaml:3: telegram.token_file: cannot read none: No such file or directory;"
        " it must hold the token\n"
    )


# --- send-test ----------------------------------------------------------------------------------------------


def configured(folder: Path, api_url: str, mail_port: str) -> None:
    (folder / "token").write_text("42:secret")
    (folder / "tinsom.yaml").write_text(
        f"telegram: {{token_file: token, api_url: '{api_url}', timeout: 30}}\n"
        f"email: {{host: 127.0.0.1, port: {mail_port}, tls: none, sender: t@example.test, timeout: 30}}\n"
        "destinations:\n"
        "  - {alias: nhom, channel: telegram, address: '1001'}\n"
        "  - {alias: hop-thu, channel: email, address: a@example.test}\n"
        "  - {alias: man-hinh, channel: terminal}\n"
    )


def test_a_test_message_arrives_in_chat_and_mailbox(tinsom: Command, folder: Path) -> None:
    with fake("telegram", folder / "chat.log") as api, fake("smtp", folder / "mail.log") as port:
        configured(folder, api, port)
        for alias in ("nhom", "hop-thu"):
            result = tinsom("send-test", alias)
            assert (result.code, result.out, result.err) == (0, f"sent to {alias}\n", "")
    assert "Tin thử của Tin sớm" in (folder / "chat.log").read_text("utf-8")
    assert json.loads((folder / "mail.log").read_text("utf-8"))["recipient"] == "a@example.test"


def test_a_channel_that_does_not_answer_is_code_3_and_shows_no_secret(tinsom: Command, folder: Path) -> None:
    configured(folder, "http://127.0.0.1:1", "1")
    for alias in ("nhom", "hop-thu"):
        line = tinsom.fails("send-test", alias, code=3)
        assert line.startswith(f"tinsom: {alias}: not delivered: ")
        assert "secret" not in line


def test_a_destination_needs_only_its_own_secret(tinsom: Command, folder: Path) -> None:
    configured(folder, "http://127.0.0.1:1", "1")
    (folder / "token").unlink()
    result = tinsom("send-test", "man-hinh")
    assert (result.code, result.lines[-1]) == (0, "sent to man-hinh")
    assert tinsom.fails("send-test", "nhom", code=1) == (
        "tinsom: tinsom.yaml:1: telegram.token_file: cannot read token: No such file or directory;"
        " it must hold the token"
    )


def test_an_unknown_destination_names_those_that_are(tinsom: Command, folder: Path) -> None:
    configured(folder, "http://127.0.0.1:1", "1")
    assert tinsom.fails("send-test", "nowhere", code=1) == (
        "tinsom: there is no destination 'nowhere'; configured: hop-thu, man-hinh, nhom"
    )


def test_who_starts_is_told_why_nothing_comes_at_first(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(running, "errors", Screen(force_terminal=True))
    running._welcome(Config(), ["collector"], ["sources: + a"])
    assert "baseline" in capsys.readouterr().err
    running._welcome(Config(), ["collector"], ["sources: no change"])
    assert "baseline" not in capsys.readouterr().err
