"""Commands about the source list: list, check, discover, import-opml, export-opml."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
import yaml

from services.cli.looking import AllowPrivate, exit_for, meaning
from services.cli.shared import (
    DEFAULT_CONFIG,
    ConfigPath,
    counting,
    load_config,
    note,
    run_async,
    say,
    show,
)
from tinsom.config import SourceConfig
from tinsom.errors import InputError
from tinsom.words import counted

if TYPE_CHECKING:
    from services.collector.commands import PollReport


def register(app: typer.Typer) -> None:
    sources = typer.Typer(help="The source list.", no_args_is_help=True)
    sources.command("list")(sources_list)
    sources.command("check")(sources_check)
    sources.command("discover")(sources_discover)
    sources.command("import-opml")(sources_import)
    sources.command("export-opml")(sources_export)
    app.add_typer(sources, name="sources")


def _configured(path: Path) -> list[SourceConfig]:
    from services.collector.catalogue import configured

    return list(configured(load_config(path)))


def sources_list(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """The sources of the configuration."""
    rows = [
        (s.id, s.tier, f"{s.interval:g} s" if s.enabled else "off", s.name, s.url, _trusted(s))
        for s in _configured(config)
    ]
    show(("id", "tier", "every", "name", "url", "tls"), rows, empty=f"{config} names no source")


def _trusted(source: SourceConfig) -> str:
    """Nothing where certificates are simply verified; an exception should be seen."""
    return "own CA" if source.ca_file else "" if source.tls == "verify" else source.tls


def sources_check(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Poll every source once and print a health table; exit code 1 when one that is in use is not well."""
    from services.collector.finding import check_sources

    settings, count, listed = load_config(config), 0, _configured(config)
    with counting("polling sources", len(listed)) as progress:

        def done(report: PollReport) -> None:
            nonlocal count
            count += 1
            progress(count)

        checked = run_async(check_sources(settings, done))
    trusted = {source.id: _trusted(source) for source in listed}
    rows = [(source.id, *_health(report), trusted[source.id]) for source, report in checked]
    show(("id", "outcome", "entries", "newest", "what it means", "tls"), rows, empty=f"{config} names no source")
    said = Counter(report.look.outcome for _, report in checked)
    if checked:
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in said.most_common())
        note(f"{counted(len(checked), 'source')}: {outcomes}")
    exit_for(report.look.outcome for source, report in checked if source.enabled)


def _health(report: PollReport) -> tuple[object, ...]:
    newest = max((d.dated.at for d in report.decisions if d.dated.at), default=None)
    when = newest.astimezone().isoformat(timespec="minutes") if newest else ""
    return report.look.outcome, len(report.decisions), when, meaning(report.look.outcome, configured=True)


def sources_discover(
    url: Annotated[str, typer.Argument(help="Address of a site or a page.", metavar="URL", show_default=False)],
    allow_private: AllowPrivate = False,
) -> None:
    """The feeds that a page leads to, each polled once."""
    from services.collector.finding import discover

    with counting(f"looking at {url}"):
        found = run_async(discover(url, allow_private))
    if not found:
        note(f"no feed found at {url}")
        raise typer.Exit(1)
    rows = [(f.candidate.url, *_health(f.report)[:3], f.report.look.document.title) for f in found]
    show(("url", "outcome", "entries", "newest", "title"), rows)


def sources_import(
    path: Annotated[Path, typer.Argument(help="An OPML file.", metavar="FILE", show_default=False)],
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Print an OPML file's feeds as lines for `sources:`, without those that are configured already."""
    from services.collector import opml

    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or type(error).__name__}") from None
    known = _configured(config) if config.exists() else []
    urls = {source.url for source in known}
    try:
        found = opml.read(raw, [source.id for source in known])
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    new = [source for source in found if source.url not in urls]
    for line in _as_yaml(new):
        say(line)
    note(f"new: {len(new)} of {counted(len(found), 'feed')}; add the lines to `sources:` in {config}")


def _as_yaml(sources: Iterable[SourceConfig]) -> list[str]:
    """A row each, with what differs from the defaults."""
    plain = SourceConfig(id="", url="")
    rows = [
        {name: value for name, value in msgspec.structs.asdict(source).items() if value != getattr(plain, name)}
        for source in sources
    ]
    if not rows:
        return []
    text = yaml.safe_dump(rows, allow_unicode=True, sort_keys=False, default_flow_style=None, width=4_000)
    return [f"  {line}" for line in text.splitlines()]


def sources_export(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Print the configured sources as OPML, for other readers."""
    from services.collector import opml

    typer.echo(opml.write(_configured(config)), nl=False)
