"""The `tinsom` command: the only place that sees all three services.

Exit codes: 0 done, 1 a difference or a fault in the input, 2 wrong use, 3 something needed does not answer.
Errors are one line that says what to do; `--debug` shows the trace.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from services.cli import demo, looking, moving, running
from tinsom import logs
from tinsom.errors import TinsomError
from tinsom.redact import redact

app = typer.Typer(
    name="tinsom",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Tin sớm, early news: monitoring of news and announcements.",
)
for module in (running, looking, moving, demo):
    module.register(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tinsom {version('tinsom')}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the trace of an error, log everything.")] = False,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "warning",
    show_version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    if log_level not in ("debug", "info", "warning", "error"):
        raise typer.BadParameter("must be debug, info, warning or error", param_hint="--log-level")
    logs.configure("debug" if debug else log_level)


def main() -> None:
    """Run a command; an expected failure is one line on stderr and its exit code."""
    try:
        app()
    except TinsomError as error:
        if "--debug" in sys.argv:
            raise
        typer.echo(f"tinsom: {redact(str(error))}", err=True)
        sys.exit(error.exit_code)
