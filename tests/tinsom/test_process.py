"""The process around the services, as real child processes: signals, draining, watchdog, failures."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest

from tests.ports import free_port
from tests.waiting import PATIENCE

pytestmark = pytest.mark.alone


class Child:
    def __init__(self, mode: str) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "tests.tinsom.child", mode, str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.first = self.process.stdout.readline()

    def signalled(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def ended(self) -> tuple[int, list[str]]:
        """Exit code and the lines on stderr."""
        _, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, err.splitlines()

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def until(self, path: str, wanted: Callable[[int], bool]) -> tuple[int, str]:
        """Ask until the status is what is wanted."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                status, body = self.get(path)
            except (URLError, ConnectionError):
                status, body = 0, "nobody answers"
            if wanted(status):
                return status, body
            assert time.monotonic() < deadline, (status, body)
            time.sleep(0.02)


@contextmanager
def child(mode: str) -> Iterator[Child]:
    started = Child(mode)
    try:
        assert started.first == "ready\n"
        yield started
    finally:
        if started.process.poll() is None:
            started.process.kill()
        started.process.communicate()


def events(lines: list[str]) -> list[str]:
    return [json.loads(line)["event"] for line in lines if line.startswith("{")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_process_with_code_0(number: int) -> None:
    with child("idle") as process:
        process.signalled(number)
        code, lines = process.ended()
    assert (code, events(lines)) == (0, ["draining"])


def test_three_endpoints_answer_while_it_runs() -> None:
    with child("idle") as process:
        process.until("/ready", lambda status: status == 200)
        assert json.loads(process.get("/live")[1]) == {"alive": True, "stuck": []}
        status, body = process.get("/metrics")
        assert status == 200
        assert 'tinsom_build_info{python="3.' in body
        assert "/metrics" in process.get("/")[1]
        assert process.get("/other")[0] == 404


def test_a_part_that_is_expected_makes_the_process_unready_but_alive() -> None:
    with child("unready") as process:
        status, body = process.until("/ready", lambda status: status in (200, 503))
        assert (status, json.loads(body)) == (503, {"ready": False})
        assert process.get("/live")[0] == 200


def test_a_service_that_does_not_look_at_the_signal_is_cut_off() -> None:
    with child("stubborn") as process:
        process.signalled()
        code, lines = process.ended()
    assert (code, events(lines)) == (0, ["draining", "cut off after the time to drain"])


def test_a_service_that_cannot_be_cut_off_does_not_keep_the_process() -> None:
    with child("deaf") as process:
        process.signalled()
        code, lines = process.ended()
    assert code == 1
    assert events(lines)[-1] == "a service does not end, leaving"
    assert any("most recent call first" in line for line in lines)  # where it hung


def test_a_loop_that_hangs_is_left_even_while_draining() -> None:
    with child("hanging_loop") as process:
        process.signalled()
        code, lines = process.ended()
    assert (code, events(lines)) == (1, ["draining", "stuck, leaving"])


def test_a_second_signal_leaves_at_once() -> None:
    with child("patient") as process:
        process.signalled()
        assert process.process.stderr is not None
        assert events([process.process.stderr.readline()]) == ["draining"]
        process.signalled()
        code, _ = process.ended()
    assert code == 128 + signal.SIGTERM, "by itself it would drain for 45 s, and end with code 1"


def test_a_part_that_hangs_is_seen_by_the_probe_and_left_by_the_watchdog() -> None:
    with child("hanging_part") as process:
        status, body = process.until("/live", lambda status: status != 200 and status != 0)
        assert (status, json.loads(body)) == (503, {"alive": False, "stuck": ["part"]})
        code, lines = process.ended()
    assert (code, events(lines)) == (1, ["stuck, leaving"])
    assert json.loads(lines[0])["parts"] == ["part"]


def test_a_service_that_fails_stops_all_with_one_line() -> None:
    with child("expected_fault") as process:
        code, lines = process.ended()
    assert (code, lines) == (3, ["tinsom: the offsets are gone; decide with `tinsom topics seek`"])


def test_a_bug_in_a_service_stops_all_with_its_trace_in_the_log() -> None:
    with child("bug") as process:
        code, lines = process.ended()
    assert code == 1
    assert "ZeroDivisionError: an oversight" in json.loads(lines[0])["exception"]
    assert lines[1:] == [
        "tinsom: a fault in tinsom itself: ZeroDivisionError: an oversight;"
        " please report it with what `tinsom --debug …` shows"
    ]
