"""What several commands need: options, an event loop, an opened log, what to print for people and for pipes."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
import uvloop
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table as View
from rich.text import Text

from tinsom import checks, configfile
from tinsom.config import Config
from tinsom.errors import InputError, UnreachableError
from tinsom.log import Log
from tinsom.log.sqlite import namespace_path
from tinsom.process import open_log
from tinsom.screen import Screen

T = TypeVar("T")

ConfigPath = Annotated[Path, typer.Option("--config", "-c", help="The configuration file.")]
DEFAULT_CONFIG = Path("tinsom.yaml")
Namespace = Annotated[str | None, typer.Option(help="A replay's namespace; the live one without it.")]

console = Screen()
errors = Screen(stderr=True)

# Text from the network may hold what moves a terminal's cursor or rewrites its title.
_CONTROLS: dict[int, str | None] = dict.fromkeys((*range(32), *range(127, 160)), " ")
# And what writes a line from right to left.
_CONTROLS |= dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))


def run_async(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def load_config(path: Path) -> Config:
    return configfile.load(path)


# --- the log ------------------------------------------------------------------------------------------------


@asynccontextmanager
async def opened_log(
    config: Config, namespace: str | None = None, *, new: bool = False, create: bool = True
) -> AsyncIterator[Log]:
    """The log, started. Unless it may be `new`, an embedded log that is not there is an error, not a new file.

    `create`: the topics that are missing in it.
    """
    if namespace is not None and not checks.NAMESPACE.fullmatch(namespace):
        raise InputError(f"{namespace!r} is no name of a namespace; use letters, digits, - and _")
    if not new and not log_exists(config, namespace):
        where = log_path(config, namespace)
        hint = "`tinsom run` makes it" if namespace in (None, config.namespace) else "`tinsom replay` makes it"
        raise UnreachableError(f"there is no log at {where} yet; {hint}")
    log = open_log(config, namespace)
    try:
        await log.start(create=create)
        yield log
    finally:
        await log.close()


def log_path(config: Config, namespace: str | None = None) -> Path:
    return namespace_path(Path(config.log.path), namespace or config.namespace, config.namespace)


def log_exists(config: Config, namespace: str | None = None) -> bool:
    """Kafka's is there or says so itself."""
    return config.kafka is not None or log_path(config, namespace).exists()


# --- output -------------------------------------------------------------------------------------------------


def plain(text: object) -> str:
    """One line without control characters."""
    return str(text).translate(_CONTROLS)


def say(line: object) -> None:
    """One line, never wrapped, whatever stands in it."""
    typer.echo(plain(line))


def note(line: object) -> None:
    """One line for a person, beside the output."""
    typer.echo(plain(line), err=True)


def say_json(line: bytes) -> None:
    """One line of JSON, at once: a reader in the pipe may wait for it."""
    sys.stdout.buffer.write(line.rstrip(b"\n") + b"\n")
    sys.stdout.buffer.flush()


def show(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str = "") -> None:
    """A table for a person, without empty columns; in a pipe, lines of fields between tabs, whole."""
    lines = [[plain(cell) for cell in row] for row in rows]
    if not lines and empty:
        note(empty)
    elif not console.is_terminal:
        for line in (columns, *lines):
            typer.echo("\t".join(line))
    else:
        console.print(_framed(columns, lines))


def _framed(columns: Sequence[str], lines: Sequence[Sequence[str]]) -> View:
    """Folded where it is narrow, never cut: an address is there to be copied."""
    held = [n for n in range(len(columns)) if not lines or any(line[n] for line in lines)]
    view = View()
    for n in held:
        view.add_column(columns[n], overflow="fold")
    for line in lines:
        view.add_row(*(Text(line[n]) for n in held))
    return view


@contextmanager
def counting(text: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """A line that counts, on a terminal, with a bar where the `total` is known; nothing in a pipe.

    Gives what to call with the count.
    """
    bare = TextColumn("{task.fields[count]}")
    how_far: list[ProgressColumn] = [BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()] if total else [bare]
    columns = SpinnerColumn(), TextColumn("{task.description}"), *how_far
    with Progress(*columns, console=errors, disable=not errors.is_terminal, transient=True) as bar:
        task = bar.add_task(text, total=total, count="")
        yield lambda count: bar.update(task, completed=count, count=str(count))
