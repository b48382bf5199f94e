"""`tinsom apply` and `tinsom check`: from files to the log, with the difference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from services.alerter import catalogue as alerting
from services.classifier import catalogue, events, naming
from services.classifier import taxonomy as tagging
from services.classifier.taxonomy import Taxonomy
from services.classifier.workbench import lint
from services.collector import catalogue as collecting
from tinsom import configfile
from tinsom.clock import Clock, millis
from tinsom.config import Config, secret
from tinsom.configfile import Examined
from tinsom.errors import ConfigError
from tinsom.faults import Fault, did_you_mean
from tinsom.log import Log, Output, Record, read_table
from tinsom.tables import Changes

Decide = Callable[[Config, int, Mapping[bytes, Record]], Changes]

# Topic → what the configuration says should be in it, against what is there.
TABLES: dict[str, Decide] = {
    "sources": collecting.source_outputs,
    "taxonomy": catalogue.taxonomy_outputs,
    "destinations": alerting.destination_outputs,
    "subscriptions": alerting.subscription_outputs,
    "names": naming.name_outputs,
}
# So many rows of one file that nobody wrote: their difference is told as a number.
COUNTED = frozenset({"names"})


async def apply(config: Config, log: Log, clock: Clock, *, dry_run: bool = False) -> list[str]:
    """Write what differs, all tables as one; returns the lines of the difference.

    Raises FencedError when a second `apply` took over meanwhile.
    """
    if not dry_run:
        await log.append([], writer="apply")  # from here on a rival is noticed
    outputs: list[Output] = []
    lines: list[str] = []
    for topic, decide in TABLES.items():
        table = await read_table(log, topic)
        changes = decide(config, millis(clock.now()), table.records)
        outputs += changes.outputs
        lines += _lines(topic, changes)
    if not dry_run:
        await log.append(outputs, writer="apply")
    return lines


def first(config: Config, clock: Clock) -> list[str]:
    """The difference to nothing: what a first `apply` would write."""
    return [
        line for topic, decide in TABLES.items() for line in _lines(topic, decide(config, millis(clock.now()), {}))
    ]


def _lines(topic: str, changes: Changes) -> list[str]:
    if changes.difference and topic in COUNTED:
        signs = Counter(line[0] for line in changes.difference)
        return [f"{topic}: " + ", ".join(f"{sign} {signs[sign]}" for sign in "+~-" if signs[sign])]
    return [f"{topic}: {line}" for line in changes.difference] or [f"{topic}: no change"]


def faults(path: Path) -> list[str]:
    """Every fault of a configuration file, of its secrets, of its taxonomy, and of the ids it asks for."""
    try:
        examined = configfile.examine(path)
    except ConfigError as error:
        return [str(error)]
    if examined.config is not None and not examined.faults:
        examined.faults.extend(_beyond(examined.config))
    return examined.lines()


def misspelt(examined: Examined) -> list[str]:
    """By line, the ids that a file without a fault asks for and no tag can have."""
    config = examined.whole()
    known = tagging.load(Path(config.taxonomy) if config.taxonomy else None)
    return replace(examined, faults=list(unknown_ids(config, known))).lines()


def _beyond(config: Config) -> Iterator[Fault]:
    """What is wrong outside the file itself."""
    if config.kafka is None and not Path(config.log.path).absolute().parent.is_dir():
        yield Fault(("log", "path"), f"there is no folder {Path(config.log.path).parent}")
    yield from _secrets(config)
    yield from _invitation(config)
    yield from _selectors(config)
    try:
        taxonomy = tagging.load(Path(config.taxonomy) if config.taxonomy else None)
    except ConfigError as error:
        yield Fault(("taxonomy",), str(error).removeprefix("taxonomy: "))
    else:
        if config.taxonomy:
            yield from (Fault(("taxonomy",), fault) for fault in lint.faults(taxonomy))
        yield from unknown_ids(config, taxonomy)


def silent(config: Config) -> Iterator[str]:
    """What is no fault and yet means that nothing will ever come."""
    if not config.sources and not config.collector.catalogue:
        yield "nothing is watched yet; name `sources`, or a `catalogue` of the collector"
    listening = config.telegram is not None and config.telegram.bot
    if not config.subscriptions and not listening:
        yield "nobody is told anything yet; name `destinations` and `subscriptions`"


def unknown_ids(config: Config, taxonomy: Taxonomy) -> Iterator[Fault]:
    """Wishes that no tag can ever meet: a misspelt id is silence, not an error, once it runs."""
    matches = [(("subscriptions", n, "match"), s.match) for n, s in enumerate(config.subscriptions)]
    matches += [(("mutes", n, "match"), m.match) for n, m in enumerate(config.mutes)]
    for place, match in matches:
        for name, wanted, known in (
            ("initiatives", match.initiatives, {*taxonomy.initiatives, *taxonomy.themes}),
            ("agencies", match.agencies, taxonomy.agencies),
            ("places", match.places, taxonomy.places),
            ("events", match.events, events.KINDS),
        ):
            for number, id_ in enumerate(wanted):
                # Local bodies (`ubnd-dong-thap`) are made of a kind and a place; they have a name and no row.
                if id_ not in known and taxonomy.name(id_) == id_:
                    near = did_you_mean(id_, known) or "; `tinsom taxonomy show` lists all"
                    yield Fault((*place, name, number), f"{id_!r} is not in the taxonomy{near}")


def _selectors(config: Config) -> Iterator[Fault]:
    for number, source in enumerate(config.sources):
        for reason in (collecting.selector_fault(source), collecting.authorities_fault(source)):
            if reason:
                yield Fault(("sources", number), reason)


def _secrets(config: Config) -> Iterator[Fault]:
    """Secrets that cannot be read."""
    for setting, file, env in _wanted(config):
        try:
            secret(setting, file, env)
        except ConfigError as error:
            yield Fault(error.place, error.reason)


def _wanted(config: Config) -> Iterator[tuple[str, str, str]]:
    """Setting, file and environment variable of each secret that is needed."""
    if (telegram := config.telegram) is not None:
        yield "telegram.token", telegram.token_file, telegram.token_env
    if (email := config.email) is not None and email.username:
        yield "email.password", email.password_file, email.password_env
    if email is not None and (door := email.unsubscribe) is not None:
        yield "email.unsubscribe.key", door.key_file, door.key_env
    if (webhook := config.webhook) is not None:
        yield "webhook.secret", webhook.secret_file, webhook.secret_env
    if config.apprise is not None:
        yield "apprise.addresses", config.apprise.addresses_file, ""
    if config.kafka is not None and (security := config.kafka.security) is not None and security.mechanism:
        yield "kafka.security.password", security.password_file, security.password_env


def _invitation(config: Config) -> Iterator[Fault]:
    """A code that cannot be read, or that no link could carry."""
    if (telegram := config.telegram) is None:
        return
    # Imported here: a command that checks nothing must not pay for every channel.
    from services.alerter import wiring

    try:
        wiring.invitation(telegram)
    except ConfigError as error:
        yield Fault(error.place, error.reason)
