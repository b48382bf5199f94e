"""Commands that look and change nothing: poll, extract, tag, why, sources, taxonomy."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table as View

from services.cli.shared import DEFAULT_CONFIG, ConfigPath, console, errors, load_config, opened_log, run_async
from services.collector.commands import PollReport
from tinsom.errors import InputError

AllowPrivate = Annotated[bool, typer.Option("--allow-private", help="Allow loopback and intranet addresses.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON line per input.")]
Taxonomy = Annotated[Path | None, typer.Option(help="Folder that extends or overrides the shipped taxonomy.")]
# What `poll` calls a success; anything else makes the exit code 1.
GOOD = ("ok", "not_modified", "unchanged")


def register(app: typer.Typer) -> None:
    for command in (poll, extract, tag, why):
        app.command()(command)
    sources = typer.Typer(help="The source list.", no_args_is_help=True)
    sources.command("list")(sources_list)
    sources.command("check")(sources_check)
    app.add_typer(sources, name="sources")
    taxonomy = typer.Typer(help="Initiatives, agencies, places, documents.", no_args_is_help=True)
    taxonomy.command("lint")(taxonomy_lint)
    taxonomy.command("show")(taxonomy_show)
    app.add_typer(taxonomy, name="taxonomy")


def _out(line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def poll(
    urls: Annotated[list[str], typer.Argument(help="Addresses of feeds.")],
    as_json: AsJson = False,
    allow_private: AllowPrivate = False,
) -> None:
    """Poll any source once: what was fetched, parsed, dated, kept, and why."""
    from services.collector.commands import poll_urls, report_json

    reports = run_async(poll_urls(urls, allow_private))
    for report in reports:
        if as_json:
            _out(json.dumps(report_json(report), ensure_ascii=False))
        else:
            _show_poll(report)
    if any(report.look.outcome not in GOOD for report in reports):
        raise typer.Exit(1)


def _show_poll(report: PollReport) -> None:
    _out(f"{report.url}: {report.look.outcome}, {len(report.decisions)} entries")
    view = View("published", "date", "kept", "title", "link")
    for decision in report.decisions:
        entry, dated = decision.entry, decision.dated
        at = dated.at.astimezone().isoformat(timespec="minutes") if dated.at else ""
        view.add_row(at, dated.quality, decision.outcome, entry.title, entry.link)
    if report.decisions:
        console.print(view)


def extract(
    inputs: Annotated[list[str], typer.Argument(help="Files or addresses of article pages.")],
    as_json: AsJson = False,
    allow_private: AllowPrivate = False,
) -> None:
    """Text and data of article pages."""
    from services.collector.commands import extract_inputs, extract_json

    for report in run_async(extract_inputs(inputs, allow_private)):
        row = extract_json(report)
        if as_json:
            _out(json.dumps(row, ensure_ascii=False))
            continue
        for name, value in row.items():
            _out(f"{name}: {value if value is not None else ''}")


def tag(
    path: Annotated[Path, typer.Argument(help="JSON lines, or one text; - reads standard input.")] = Path("-"),
    taxonomy: Taxonomy = None,
) -> None:
    """Tag JSON lines (JSON lines out, same order); a plain text is explained in colour."""
    from services.classifier import commands

    tagger = commands.tagger_for(taxonomy)
    lines = _lines(path)
    first = next((line for line in lines if line.strip()), b"")
    if first.lstrip().startswith(b"{"):
        for line in commands.tag_lines(lines, tagger):
            sys.stdout.buffer.write(line.rstrip(b"\n") + b"\n")
    else:
        console.print(commands.explain(b"".join(lines).decode("utf-8", "replace"), tagger))


def _lines(path: Path) -> list[bytes]:
    try:
        data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or type(error).__name__}") from None
    return data.splitlines(keepends=True)


def why(
    item: Annotated[str, typer.Argument(help="Id of an item.")],
    destination: Annotated[str, typer.Argument(help="Alias of a destination.")] = "",
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Why an item was or was not tagged and sent, from the log alone."""
    from services.alerter.commands import why as explain_item

    settings = load_config(config)

    async def work() -> list[str]:
        async with opened_log(settings) as log:
            return [line async for line in explain_item(log, item, destination)]

    for line in run_async(work()):
        _out(line)


def sources_list(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """The sources of the configuration."""
    view = View("id", "tier", "every", "name", "url")
    for source in load_config(config).sources:
        view.add_row(source.id, str(source.tier), f"{source.interval:g} s", source.name, source.url)
    console.print(view)


def sources_check(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Poll every source once and print a health table; exit code 1 when one is not well."""
    from services.collector.commands import poll_urls

    settings = load_config(config)
    private = bool(settings.collector.allow_private)
    with _busy(f"polling {len(settings.sources)} sources"):
        urls = [source.url for source in settings.sources]
        reports = run_async(poll_urls(urls, private, contact=settings.collector.contact))
    view = View("id", "outcome", "entries", "newest")
    for source, report in zip(settings.sources, reports, strict=True):
        newest = max((d.dated.at for d in report.decisions if d.dated.at), default=None)
        when = newest.astimezone().isoformat(timespec="minutes") if newest else ""
        view.add_row(source.id, report.look.outcome, str(len(report.decisions)), when)
    console.print(view)
    if any(report.look.outcome not in GOOD for report in reports):
        raise typer.Exit(1)


def _busy(text: str) -> Progress:
    bar = Progress(SpinnerColumn(), TextColumn(text), console=errors, disable=not errors.is_terminal)
    bar.add_task(text, total=None)
    return bar


def taxonomy_lint(folder: Annotated[Path | None, typer.Argument(help="Folder of own files.")] = None) -> None:
    """Check ids, successors, dates, shared aliases, and run every entry's own test strings."""
    from services.classifier.lint import lint

    _print_faults(lint(folder))


def _print_faults(faults: Iterable[str]) -> None:
    found = list(faults)
    for fault in found:
        _out(fault)
    if found:
        raise typer.Exit(1)
    _out("no fault found")


def taxonomy_show(
    wanted: Annotated[str, typer.Argument(help="An id, or nothing for all.")] = "",
    folder: Taxonomy = None,
) -> None:
    """Ids with their names, kinds and aliases."""
    from services.classifier.commands import taxonomy_rows

    view = View("id", "kind", "name", "also written")
    for row in taxonomy_rows(folder):
        if wanted in ("", row[0]):
            view.add_row(*row)
    console.print(view)
