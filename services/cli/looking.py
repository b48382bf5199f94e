"""Commands that look at the world and change nothing: poll, extract."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli.shared import (
    DEFAULT_CONFIG,
    ConfigPath,
    counting,
    load_config,
    note,
    run_async,
    say,
    say_json,
    show,
)
from tinsom.errors import InputError, TinsomError
from tinsom.words import counted

if TYPE_CHECKING:
    from services.collector.commands import ExtractReport, PollReport

AllowPrivate = Annotated[bool, typer.Option("--allow-private", help="Allow loopback and intranet addresses.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON line per input.")]
# What `poll` calls a success; an outcome of the second kind is "cannot reach", any other a fault of the source.
GOOD = ("ok", "not_modified", "unchanged")
UNREACHED = ("timeout", "dns", "tls", "connection")
_HINTS = {
    "refused": "not a public address; `--allow-private` lets it in",
    "html": "a page, not a feed; `tinsom sources discover` looks for its feeds",
    "challenge": "a page that asks for JavaScript or a captcha",
    "parse": "nothing that can be read as a feed",
    "layout": "a page in which the selectors of its source find no entries",
    "no_entries": "a feed with nothing in it",
    "dns": "the host has no address",
    "connection": "nobody answers",
    "tls": "the certificate is not trusted",
    "timeout": "no answer in time",
    "rate_limited": "the server asks to come later",
    "robots": "robots.txt does not want it polled",
}


def register(app: typer.Typer) -> None:
    app.command()(poll)
    app.command()(extract)


def meaning(outcome: str, *, configured: bool = False) -> str:
    """An outcome in a few words, of a `configured` source or an address; empty for one that speaks for itself."""
    if configured and outcome == "refused":
        return "not a public address; `collector.allow_private` lets its host in"
    return _HINTS.get(outcome, "")


def exit_for(outcomes: Iterable[str]) -> None:
    """Leave with 3 when a source could not be reached, 1 when one is not well."""
    bad = [outcome for outcome in outcomes if outcome not in GOOD]
    if bad:
        raise typer.Exit(3 if any(outcome in UNREACHED for outcome in bad) else 1)


# --- poll ---------------------------------------------------------------------------------------------------


def poll(
    urls: Annotated[list[str], typer.Argument(help="Addresses of feeds.", metavar="URL...", show_default=False)],
    as_json: AsJson = False,
    allow_private: AllowPrivate = False,
) -> None:
    """Poll any source once: what was fetched, parsed, dated, kept, and why."""
    from services.collector.commands import poll_urls, report_json

    with counting(f"polling {len(urls)}"):
        reports = run_async(poll_urls(urls, allow_private))
    for report in reports:
        if as_json:
            say_json(_json(report_json(report)))
        else:
            _show_poll(report)
    exit_for(report.look.outcome for report in reports)


def _json(row: dict[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False).encode("utf-8", "replace")


def _show_poll(report: PollReport) -> None:
    say(f"{report.url}: {_summary(report)}")
    rows = []
    for decision in report.decisions:
        entry, dated = decision.entry, decision.dated
        at = dated.at.astimezone().isoformat(timespec="minutes") if dated.at else ""
        rows.append((at, dated.quality, decision.outcome, entry.title, entry.link))
    if rows:
        show(("published", "date", "kept", "title", "link"), rows)


def _summary(report: PollReport) -> str:
    seen, response = report.look, report.look.response
    web = report.url.lower().startswith(("http://", "https://"))
    hint = _HINTS.get(seen.outcome) if web else "not an http or https address"
    parts = [f"{seen.outcome} ({hint})" if hint else str(seen.outcome)]
    if response.status:
        size = f"{len(response.body) / 1000:.1f} kB"
        parts.append(f"status {response.status}, {size} in {response.elapsed:.2f} s")
    if response.moved_to:
        parts.append(f"moved for good to {response.moved_to}")
    if report.retry_after:
        parts.append(f"asks to wait {report.retry_after:.0f} s")
    if seen.outcome in GOOD:
        parts.append(counted(len(report.decisions), "entry", "entries"))
    return "; ".join(parts)


# --- extract ------------------------------------------------------------------------------------------------


def extract(
    inputs: Annotated[
        list[str],
        typer.Argument(help="Files or addresses of pages.", metavar="FILE_OR_URL...", show_default=False),
    ],
    as_json: AsJson = False,
    allow_private: AllowPrivate = False,
    source: Annotated[
        str, typer.Option(metavar="ID", help="Read by the `page` selectors of this source.", show_default=False)
    ] = "",
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Text and data of article pages."""
    from services.collector.commands import ExtractReport, extract_inputs, extract_json, page_selectors

    code, selectors = 0, page_selectors(load_config(config), source) if source else None
    for one in inputs:
        try:
            (report,) = run_async(extract_inputs([one], allow_private, selectors=selectors))
            fault = _fault(report, source)
        except TinsomError as error:
            report, fault = ExtractReport(one, None), error
        if fault is not None:
            # The worst wins; a line comes for every input, whatever became of it.
            code = max(code, fault.exit_code)
            hint = _HINTS.get(str(fault).rsplit(": ", 1)[-1])
            note(f"tinsom: {fault}" + (f" ({hint})" if hint else ""))
        if as_json:
            say_json(_json(extract_json(report)))
        elif report.page is not None:
            _show_page(extract_json(report))
    if code:
        raise typer.Exit(code)


def _fault(report: ExtractReport, source: str) -> TinsomError | None:
    if not report.fits:
        return InputError(f"{report.input}: the selectors of {source} do not fit this page")
    if report.page is None or not report.page.text:
        return InputError(f"{report.input}: no text found")
    return None


def _show_page(row: dict[str, Any]) -> None:
    """The data, then the text as paragraphs."""
    text = row.pop("text")
    for name, value in row.items():
        if value:
            say(f"{name}: {value}")
    say("")
    for paragraph in text.splitlines():
        say(paragraph)
    say("")
