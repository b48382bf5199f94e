"""Commands about tags: tag, why, taxonomy."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from services.cli import explaining, ruling
from services.cli.shared import console, counting, note, say, say_json, show
from tinsom.errors import InputError
from tinsom.faults import did_you_mean
from tinsom.words import counted

Taxonomy = Annotated[
    Path | None, typer.Option("--taxonomy", help="Folder that extends or overrides the shipped taxonomy.")
]


def register(app: typer.Typer) -> None:
    app.command()(tag)
    app.command("why")(explaining.why)
    taxonomy = typer.Typer(help="Initiatives, agencies, places, documents.", no_args_is_help=True)
    taxonomy.command("lint")(taxonomy_lint)
    taxonomy.command("show")(taxonomy_show)
    ruling.register(taxonomy)
    app.add_typer(taxonomy, name="taxonomy")


def tag(
    path: Annotated[Path, typer.Argument(help="JSON lines, or one text; - reads standard input.")] = Path("-"),
    taxonomy: Taxonomy = None,
) -> None:
    """Tag JSON lines (JSON lines out, same order); a plain text is explained in colour."""
    from services.classifier import commands

    tagger = commands.tagger_for(taxonomy)
    lines = read_lines(path)
    head = [line.removeprefix(codecs.BOM_UTF8) for line in _until_text(lines)]
    if not head or not head[-1].strip():
        note("nothing to tag on standard input" if str(path) == "-" else f"{path}: nothing to tag")
        return
    if head[-1].lstrip().startswith(b"{") or path.suffix in (".jsonl", ".ndjson", ".json"):
        _tag_lines(commands.tag_lines(chain(head, lines), tagger), commands.ERROR)
    else:
        text = b"".join(chain(head, lines)).decode("utf-8", "replace")
        from services.cli import markings

        item = commands.from_text(text)
        for shown in markings.explanation(item, tagger.tag(item), tagger):
            console.print(shown, soft_wrap=not console.is_terminal)


def read_lines(path: Path) -> Iterator[bytes]:
    """Line by line: a pipe may never end."""
    if str(path) == "-":
        if sys.stdin.isatty():
            note("reading from the terminal; Ctrl-D ends it")
        yield from sys.stdin.buffer
        return
    try:
        with path.open("rb") as file:
            yield from file
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or type(error).__name__}") from None


def _until_text(lines: Iterator[bytes]) -> Iterator[bytes]:
    """The lines up to the first that is not blank."""
    for line in lines:
        yield line
        if line.strip():
            return


def _tag_lines(tagged: Iterator[bytes], error_mark: bytes) -> None:
    bad = count = 0
    quiet = sys.stdout.isatty()  # the lines themselves show that it goes on
    with counting("tagging") as progress:
        for count, line in enumerate(tagged, 1):
            say_json(line)
            bad += line.startswith(error_mark)
            if not quiet:
                progress(count)
    if bad:
        note(f"tinsom: {bad} of {counted(count, 'line')} could not be read; the output names the reason")
        raise typer.Exit(1)


def taxonomy_lint(
    folder: Annotated[Path | None, typer.Argument(help="Folder of own files.", show_default=False)] = None,
) -> None:
    """Check ids, successors, dates, shared aliases, and run every entry's own test strings."""
    from services.classifier import taxonomy as taxonomies
    from services.classifier.workbench import lint

    found = lint.faults(taxonomies.load(folder))
    for fault in found:
        say(fault)
    if found:
        raise typer.Exit(1)
    say("no fault found")


def taxonomy_show(
    wanted: Annotated[str, typer.Argument(help="An id, or nothing for all.", show_default=False)] = "",
    folder: Taxonomy = None,
) -> None:
    """Ids with their names, kinds and aliases."""
    from services.classifier import taxonomy as taxonomies
    from services.cli import markings

    rows = list(markings.taxonomy_rows(taxonomies.load(folder)))
    found = [row for row in rows if wanted in ("", row[0])]
    if not found:
        near = did_you_mean(wanted, (row[0] for row in rows))
        raise InputError(f"{wanted!r} is not in the taxonomy{near}; `tinsom taxonomy show` lists all")
    show(("id", "kind", "name", "also written"), found)
