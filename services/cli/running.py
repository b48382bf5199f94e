"""Commands that set up and run: init, check, apply, send-test, run, collect, classify, alert."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from services.cli import applying
from services.cli.shared import DEFAULT_CONFIG, ConfigPath, console, load_config, opened_log, run_async
from tinsom import process
from tinsom.clock import SystemClock
from tinsom.config import Config
from tinsom.errors import InputError
from tinsom.service import Context, Service

TEMPLATE = Path(__file__).with_name("tinsom.yaml")


def register(app: typer.Typer) -> None:
    for command in (init, check, apply, run, collect, classify, alert):
        app.command()(command)
    app.command("send-test")(send_test)


def init(path: Annotated[Path, typer.Argument(help="The file to write.")] = DEFAULT_CONFIG) -> None:
    """Write a commented configuration to start from."""
    if path.exists():
        raise InputError(f"{path} exists already; it was left as it is")
    path.write_text(TEMPLATE.read_text("utf-8"), "utf-8")
    console.print(f"{path} written. Next: edit it, then `tinsom check -c {path}` and `tinsom run -c {path}`.")


def check(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Check the whole configuration, taxonomy included; every fault is named with its place."""
    faults = applying.faults(config)
    for fault in faults:
        console.print(fault, markup=False, highlight=False)
    if faults:
        raise typer.Exit(1)
    console.print(f"{config}: no fault found")


def apply(
    config: ConfigPath = DEFAULT_CONFIG,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the difference, write nothing.")] = False,
) -> None:
    """Bring sources, subscriptions and destinations from the files to the log, and show the difference."""
    settings = load_config(config)

    async def work() -> None:
        async with opened_log(settings) as log:
            for line in await applying.apply(settings, log, SystemClock(), dry_run=dry_run):
                console.print(line, markup=False, highlight=False)

    run_async(work())


def send_test(
    destination: Annotated[str, typer.Argument(help="Alias of the destination.")],
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Send one marked message, to see that a destination works."""
    from services.alerter.commands import send_test as send

    run_async(send(load_config(config), destination))
    console.print(f"sent to {destination}")


def run(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Run all three services in one process."""
    _run(load_config(config), ("collector", "classifier", "alerter"), apply_first=True)


def collect(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Run the collector alone."""
    _run(load_config(config), ("collector",))


def classify(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Run the classifier alone."""
    _run(load_config(config), ("classifier",))


def alert(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Run the alerter alone."""
    _run(load_config(config), ("alerter",))


def service(name: str) -> Service:
    """A service by name; imported when it is run, so that each process loads only its own."""
    if name == "collector":
        from services.collector.service import run as found
    elif name == "classifier":
        from services.classifier.service import run as found
    else:
        from services.alerter.service import run as found
    return found


def _run(config: Config, names: Sequence[str], *, apply_first: bool = False) -> None:
    async def work() -> None:
        async with opened_log(config) as log:
            clock = SystemClock()
            if apply_first:
                await applying.apply(config, log, clock)
            await process.run([service(name) for name in names], Context(log, clock, config))

    run_async(work())
