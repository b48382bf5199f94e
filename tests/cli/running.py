"""Run a command in this process, as `tinsom …` in a folder of its own would."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import structlog

from services.cli import app, guarded
from tinsom import logs


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def json(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def error(self) -> str:
        """The one line on stderr."""
        (line,) = self.err.splitlines()
        return line


class Command:
    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch

    def __call__(self, *arguments: str, stdin: bytes = b"") -> Result:
        buffers = [io.BytesIO(data) for data in (stdin, b"", b"")]
        streams = [io.TextIOWrapper(buffer, "utf-8", write_through=True) for buffer in buffers]
        with self._patch.context() as patch:
            for name, stream in zip(("stdin", "stdout", "stderr"), streams, strict=True):
                patch.setattr(sys, name, stream)
            patch.setattr(sys, "argv", ["tinsom", *arguments])
            with _logging_as_before():
                code = guarded(lambda: app(list(arguments), prog_name="tinsom", standalone_mode=False))
        out, err = (buffer.getvalue().decode() for buffer in buffers[1:])
        return Result(code, out, err)

    def fails(self, *arguments: str, code: int, stdin: bytes = b"") -> str:
        """The one line that it says on stderr, with nothing on stdout."""
        result = self(*arguments, stdin=stdin)
        assert (result.code, result.out) == (code, ""), result
        return result.error


@contextmanager
def _logging_as_before() -> Iterator[None]:
    try:
        yield
    finally:
        structlog.reset_defaults()
        logging.getLogger().removeHandler(logs._handler)
