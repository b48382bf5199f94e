from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator

import pytest
import structlog

from tinsom import logs, redact

SECRET = "123456:AA/bb+cc=ä"


@pytest.fixture(autouse=True)
def remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redact, "_secrets", [])
    redact.remember(SECRET)


@pytest.fixture
def logging_again() -> Iterator[None]:
    yield
    structlog.reset_defaults()
    logging.getLogger().removeHandler(logs._handler)


def test_a_secret_is_blotted_out_as_it_stands_and_as_addresses_quote_it() -> None:
    for text in (
        SECRET,
        "http://x/bot123456%3AAA%2Fbb%2Bcc%3D%C3%A4/send",
        "http://x/123456%3AAA/bb%2Bcc%3D%C3%A4",
    ):
        assert "AA" not in redact.redact(f"before {text} after")


def test_a_secret_within_a_secret_leaves_nothing() -> None:
    redact.remember("secret-one")
    redact.remember("secret-one-and-more")
    assert redact.redact("secret-one-and-more") == redact.BLOT


def test_what_is_too_short_would_blot_out_words() -> None:
    redact.remember("tin")
    assert redact.redact("tin sớm") == "tin sớm"


def test_an_event_is_redacted_however_deep() -> None:
    event = {"a": [f"x{SECRET}"], "b": {"c": (SECRET, 1)}, "d": ValueError(SECRET), "e": None, "f": 1.5, "g": True}
    found = dict(redact.redact_event(None, "info", event))
    assert SECRET not in repr(found)
    assert (found["e"], found["f"], found["g"], found["b"]["c"][1]) == (None, 1.5, True, 1)


@pytest.mark.usefixtures("logging_again")
def test_no_log_line_shows_a_secret_ours_or_a_librarys(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info")
    structlog.get_logger("x").info("sending", url=f"https://api/bot{SECRET}/send", parts=[SECRET])
    try:
        raise ValueError(f"bad {SECRET}")
    except ValueError:
        structlog.get_logger("x").exception("failed")
        logging.getLogger("asyncio").exception("never retrieved %s", SECRET)
    out, err = capsys.readouterr()
    assert out == ""
    lines = [json.loads(line) for line in err.splitlines()]
    assert [line["event"] for line in lines[:2]] == ["sending", "failed"]
    assert (lines[2]["logger"], lines[2]["level"]) == ("asyncio", "error")
    assert "ValueError: bad •••" in lines[1]["exception"]
    assert SECRET not in err


@pytest.mark.usefixtures("logging_again")
def test_levels_hold_and_an_unknown_one_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("warning")
    structlog.get_logger().info("quiet")
    logging.getLogger("aiokafka").error("said again and again")
    assert capsys.readouterr().err == ""
    with pytest.raises(ValueError, match="'loud' is not one of debug, info"):
        logs.configure("loud")


@pytest.mark.usefixtures("logging_again")
def test_on_a_terminal_people_read_it(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        logs.configure("info")
        try:
            raise ValueError(SECRET)
        except ValueError:
            structlog.get_logger().exception("failed", token=SECRET)
    shown = capsys.readouterr().err
    assert "failed" in shown
    assert not shown.startswith("{")
    assert "AA/bb" not in shown
