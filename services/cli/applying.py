"""`tinsom apply` and `tinsom check`: from files to the log, with the difference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from services.alerter import catalogue as alerting
from services.classifier import taxonomy as tagging
from services.collector import catalogue as collecting
from tinsom import config as configuration
from tinsom.clock import Clock, millis
from tinsom.config import Config
from tinsom.errors import ConfigError
from tinsom.log import Log, Output, Record, Table
from tinsom.tables import Changes

Decide = Callable[[Config, int, Mapping[bytes, Record]], Changes]

# Topic → what the configuration says should be in it, against what is there.
TABLES: dict[str, Decide] = {
    "sources": collecting.source_outputs,
    "destinations": alerting.destination_outputs,
    "subscriptions": alerting.subscription_outputs,
}


async def apply(config: Config, log: Log, clock: Clock, *, dry_run: bool = False) -> list[str]:
    """Write what differs, all tables as one; returns the lines of the difference.

    Raises FencedError when a second `apply` took over meanwhile.
    """
    if not dry_run:
        await log.append([], writer="apply")  # from here on a rival is noticed
    outputs: list[Output] = []
    lines: list[str] = []
    for topic, decide in TABLES.items():
        table = Table(log.tail([topic]))
        await table.refresh()
        await table.tail.close()
        changes = decide(config, millis(clock.now()), table.records)
        outputs += changes.outputs
        lines += [f"{topic}: {line}" for line in changes.difference] or [f"{topic}: no change"]
    if not dry_run:
        await log.append(outputs, writer="apply")
    return lines


def faults(path: Path) -> list[str]:
    """Every fault of a configuration file and of the taxonomy it names."""
    try:
        config = configuration.convert(configuration.read(path), str(path))
    except ConfigError as error:
        return [str(error)]
    found = [f"{path}: {fault}" for fault in configuration.check(config)]
    try:
        tagging.load(Path(config.taxonomy) if config.taxonomy else None)
    except ConfigError as error:
        found.append(str(error))
    return found
