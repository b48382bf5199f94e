"""The `tinsom` command: the only place that sees all three services.

Exit codes: 0 done, 1 a difference or a fault in the input, 2 wrong use, 3 something needed does not answer.
Errors are one line that says what to do; `--debug` shows the trace.
"""

from __future__ import annotations

import io
import signal
import sys
import traceback
from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated

import typer

from services.cli import demo, listing, looking, moving, replaying, running, steering, tagging
from tinsom import logs
from tinsom.errors import TinsomError
from tinsom.redact import redact

WRONG_USE, INTERRUPTED = 2, 128 + signal.SIGINT
# Wrong use as the command-line library raises it; its module is not part of typer's interface.
_UsageError = typer.BadParameter.__base__ or typer.BadParameter

app = typer.Typer(
    name="tinsom",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Tin sớm, early news: monitoring of news and announcements.",
)
for module in (running, looking, listing, tagging, steering, replaying, moving, demo):
    module.register(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tinsom {version('tinsom')}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show the trace of an error, log everything.")] = False,
    log_level: Annotated[
        str | None,
        typer.Option(help=", ".join(logs.LEVELS) + ".", show_default="warning; of the demo error"),
    ] = None,
    show_version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    # The outages of the sample day belong to the play.
    usual = "error" if context.invoked_subcommand == "demo" else "warning"
    try:
        logs.configure("debug" if debug else log_level or usual)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--log-level") from None


def main() -> None:
    """Run a command; whatever goes wrong is one line on stderr and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that knows no Vietnamese shows question marks, not a trace.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    sys.exit(guarded(lambda: app(standalone_mode=False)))


def guarded(work: Callable[[], object]) -> int:
    """Run `work`; returns the exit code, with the reason of a failure on stderr."""
    try:
        code = work()
    except Exception as error:
        return _explained(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    return code if isinstance(code, int) else 0


def _explained(error: Exception) -> int:
    if isinstance(error, typer.Abort):
        return INTERRUPTED
    if "--debug" in sys.argv:
        typer.echo(redact("".join(traceback.format_exception(error))), err=True)
    text, code = _line(error)
    if text:
        typer.echo(f"tinsom: {redact(text)}", err=True)
    return code


def _line(error: Exception) -> tuple[str, int]:
    """What went wrong in one line, and the exit code."""
    if isinstance(error, TinsomError):
        return str(error), error.exit_code
    if isinstance(error, _UsageError):
        return _usage(error), WRONG_USE
    if isinstance(error, OSError) and error.filename is not None:
        return f"cannot use {error.filename}: {error.strerror or type(error).__name__}", 3
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return f"a fault in tinsom itself: {what}; please report it with what `tinsom --debug …` shows", 1


def _usage(error: Exception) -> str:
    """Empty for a group without a command: the help has been shown."""
    message = getattr(error, "format_message", error.__str__)().rstrip(".")
    context = getattr(error, "ctx", None)
    return f"{message}; see `{context.command_path if context else 'tinsom'} --help`" if message else ""
