"""Log lines: for people on a terminal, JSON in a pipe; always to stderr, always redacted, ours and libraries'."""

from __future__ import annotations

import logging
import sys
from typing import Any, TextIO

import structlog

from tinsom.redact import redact_event

# A broker that is away is one line of ours, and aiokafka says it again with every attempt; what trafilatura
# cannot read is an outcome with a name.
_OUTSPOKEN = ("aiokafka", "trafilatura")
LEVELS = ("debug", "info", "warning", "error")


class _Stderr(logging.StreamHandler[TextIO]):
    """Writes to what `sys.stderr` is now: a progress line may stand in for it meanwhile."""

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, stream: TextIO) -> None:
        """Nothing is kept."""


_handler = _Stderr()


def configure(level: str = "info") -> None:
    """Raises ValueError for a level that is none of LEVELS."""
    if level not in LEVELS:
        raise ValueError(f"{level!r} is not one of {', '.join(LEVELS)}")
    common: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Any] = [structlog.processors.format_exc_info, redact_event, _renderer()]
    structlog.configure(
        processors=[*common, *last],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=lambda *names: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    _configure_libraries(common, last, debug=level == "debug")


def _renderer() -> structlog.typing.Processor:
    if sys.stderr.isatty():
        return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    return structlog.processors.JSONRenderer(ensure_ascii=False)


def _configure_libraries(common: list[Any], last: list[Any], *, debug: bool) -> None:
    """Libraries speak through logging; only what an operator must know comes through."""
    strip = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    chain = [*common, structlog.stdlib.add_logger_name]
    _handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=chain, processors=[strip, *last]))
    root = logging.getLogger()
    root.addHandler(_handler)
    root.setLevel(logging.WARNING if debug else logging.ERROR)
    for name in _OUTSPOKEN:
        logging.getLogger(name).setLevel(logging.WARNING if debug else logging.CRITICAL)
