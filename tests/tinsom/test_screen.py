"""A console whose reader leaves."""

from __future__ import annotations

import io

import pytest

from tinsom.screen import Screen


class Closed(io.StringIO):
    def write(self, text: str, /) -> int:
        raise BrokenPipeError


def test_a_closed_pipe_is_an_error_once_and_then_silence() -> None:
    screen = Screen(file=Closed())
    with pytest.raises(BrokenPipeError):
        screen.print("a line")
    screen.print("another")
    assert screen.gone
