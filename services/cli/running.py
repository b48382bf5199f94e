"""Commands that set up and run: init, check, apply, send-test, run, collect, classify, alert."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import structlog
import typer

from services.cli.reloading import Reloader, applied, applying_to
from services.cli.shared import (
    DEFAULT_CONFIG,
    ConfigPath,
    errors,
    load_config,
    log_exists,
    log_path,
    note,
    opened_log,
    run_async,
    say,
)
from tinsom import process
from tinsom.clock import SystemClock
from tinsom.config import Config, HttpConfig
from tinsom.configfile import examine
from tinsom.errors import InputError
from tinsom.service import Context, Service

logger = structlog.get_logger(__name__)
TEMPLATE = Path(__file__).with_name("tinsom.yaml")

Port = Annotated[
    int | None, typer.Option(help="Port of /metrics instead of http.port; 0 for none.", min=0, max=65535)
]


def register(app: typer.Typer) -> None:
    for command in (init, check, apply, run, collect, classify, alert):
        app.command()(command)
    app.command("send-test")(send_test)


def init(path: Annotated[Path, typer.Argument(help="The file to write.")] = DEFAULT_CONFIG) -> None:
    """Write a commented configuration to start from."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(TEMPLATE.read_text("utf-8"))
    except FileExistsError:
        raise InputError(f"{path} exists already; it was left as it is") from None
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or type(error).__name__}") from None
    option = "" if path == DEFAULT_CONFIG else f" -c {path}"
    say(f"{path} written. Next: edit it, then `tinsom check{option}` and `tinsom run{option}`.")


def check(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Check the whole configuration, taxonomy and secrets included; every fault is named with its place."""
    from services.cli import applying

    faults = applying.faults(config)
    for fault in faults:
        say(fault)
    if faults:
        raise typer.Exit(1)
    say(f"{config}: no fault found")
    option = "" if config == DEFAULT_CONFIG else f" -c {config}"
    silent = list(applying.silent(load_config(config)))
    for line in silent:
        note(f"{config}: {line}")
    if errors.is_terminal and not silent:
        note(f"Next: `tinsom sources check{option}` polls each source once, `tinsom run{option}` starts.")


def apply(
    config: ConfigPath = DEFAULT_CONFIG,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the difference, write nothing.")] = False,
) -> None:
    """Bring sources, subscriptions, destinations and own rules from the files to the log; show the difference."""
    from services.cli import applying

    examined = examine(config)
    settings = examined.whole()

    async def work() -> list[str]:
        if dry_run and not log_exists(settings):
            return applying.first(settings, SystemClock())
        async with opened_log(settings, new=True) as log:
            return await applying.apply(settings, log, SystemClock(), dry_run=dry_run)

    with examined.located():
        lines = run_async(work())
    for line in lines:
        say(line)
    for line in applying.misspelt(examined):
        note(line)


def send_test(
    destination: Annotated[str, typer.Argument(help="Alias of the destination.")],
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Send one marked message, to see that a destination works."""
    from services.alerter.commands import send_test as send

    examined = examine(config)
    with examined.located():
        run_async(send(_only_for(examined.whole(), destination), destination))
    say(f"sent to {destination}")


def _only_for(config: Config, alias: str) -> Config:
    """Without the channels that this destination does not use: their secrets are not needed to try it."""
    used = {destination.channel for destination in config.destinations if destination.alias == alias}
    if not used:
        return config
    return msgspec.structs.replace(
        config,
        telegram=config.telegram if "telegram" in used else None,
        email=config.email if "email" in used else None,
    )


def run(config: ConfigPath = DEFAULT_CONFIG, port: Port = None) -> None:
    """Run all three services in one process."""
    _run(config, ("collector", "classifier", "alerter"), port, apply_first=True)


def collect(config: ConfigPath = DEFAULT_CONFIG, port: Port = None) -> None:
    """Run the collector alone."""
    _run(config, ("collector",), port)


def classify(config: ConfigPath = DEFAULT_CONFIG, port: Port = None) -> None:
    """Run the classifier alone."""
    _run(config, ("classifier",), port)


def alert(config: ConfigPath = DEFAULT_CONFIG, port: Port = None) -> None:
    """Run the alerter alone."""
    _run(config, ("alerter",), port)


def service(name: str) -> Service:
    """A service by name; imported when it is run, so that each process loads only its own."""
    if name == "collector":
        from services.collector.service import run as found
    elif name == "classifier":
        from services.classifier.service import run as found
    else:
        from services.alerter.service import run as found
    return found


def _run(path: Path, names: Sequence[str], port: int | None, *, apply_first: bool = False) -> None:
    examined = examine(path)
    config = examined.whole()
    reloader = Reloader(path, config, applying_to(config) if apply_first else None)
    if port is not None:
        config = msgspec.structs.replace(config, http=HttpConfig(host=config.http.host, port=port))

    async def work() -> None:
        async with opened_log(config, new=True) as log:
            clock = SystemClock()
            changes: list[str] = []
            if apply_first:
                from services.cli import applying

                changes = await applying.apply(config, log, clock)
                for line in applying.misspelt(examined):
                    logger.warning("nothing can match", reason=line)
            _welcome(config, names, changes)
            await process.run([*map(service, names), reloader.run], Context(log, clock, config))

    with examined.located():
        run_async(work())


def _welcome(config: Config, names: Sequence[str], changes: Sequence[str]) -> None:
    """What runs, where, and what changed, for a person at a terminal; a supervisor reads log lines."""
    if not errors.is_terminal:
        return
    for change in applied(changes):
        note(change)
    where = f"Kafka at {config.kafka.bootstrap_servers}" if config.kafka else str(log_path(config))
    note(f"{', '.join(names)}: running on {where}. Ctrl-C ends it.")
    if config.http.port:
        note(f"metrics: http://{config.http.host}:{config.http.port}/metrics")
    if any(change.startswith("sources: +") for change in changes):
        note("The first poll of a new source is its baseline and alerts nobody; what is new from then on is news.")
        note("`tinsom sources check` tells whether they answer, `tinsom why ADDRESS` what became of an item.")
