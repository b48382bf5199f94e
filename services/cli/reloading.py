"""The configuration read again while it runs: when its files change, and at SIGHUP.

A good one takes effect as by `tinsom apply`; a bad one is refused, and the former holds (decision 0043).
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import structlog

from services.cli.shared import errors, note, opened_log, run_async
from tinsom import metrics
from tinsom.clock import SystemClock
from tinsom.config import Config
from tinsom.configfile import Examined, examine, first
from tinsom.errors import ConfigError, LogError, TinsomError, UnreachableError
from tinsom.follower import pause
from tinsom.service import Context

logger = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
RETRY_SECONDS = 10.0  # after a fault that is not the file's: a log that is away, another `tinsom apply`
# What travels by tables; everything else is read at the start.
TABLES = frozenset({"sources", "destinations", "subscriptions", "mutes", "taxonomy", "collector.catalogue"})

Stamp = tuple[int, int, int] | None
Apply = Callable[[Config], list[str]]


def stamps(path: Path, config: Config) -> dict[Path, Stamp]:
    """Of the file and of those that it brings to the log: what changes when one is written or exchanged."""
    return {file: _stamp(file) for file in _files(path, config)}


def _files(path: Path, config: Config) -> Iterator[Path]:
    yield path
    if config.taxonomy:
        yield from _inside(Path(config.taxonomy))
    yield from (Path(source.ca_file) for source in config.sources if source.ca_file)


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(folder.glob("*.yaml")) if folder.is_dir() else [folder]
    except OSError:  # nobody can look there now, or ever: a name may be no name
        return [folder]


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def differing(one: Config, other: Config) -> list[str]:
    """Names of the settings that are not the same, as `telegram` or `collector.timeout`."""
    found = []
    for name in Config.__struct_fields__:
        before, after = getattr(one, name), getattr(other, name)
        if before == after:
            continue
        if isinstance(before, msgspec.Struct) and type(before) is type(after):
            inner = (n for n in before.__struct_fields__ if getattr(before, n) != getattr(after, n))
            found += [f"{name}.{n}" for n in inner]
        else:
            found.append(name)
    return found


def applied(changes: Sequence[str]) -> list[str]:
    """Of the lines of an `apply` those that tell of a difference."""
    return [change for change in changes if not change.endswith("no change")]


def applying_to(started: Config) -> Apply:
    """As `tinsom apply`, to the log that this process works on, whatever a new file says of it.

    With a log and a loop of its own: whoever applied last has fenced those before, and rules take a moment.
    """

    async def work(config: Config) -> list[str]:
        from services.cli import applying

        async with opened_log(started, new=True) as log:
            return await applying.apply(config, log, SystemClock())

    return lambda config: run_async(work(config))


@dataclass
class Reloader:
    """`apply` is None in a process that brings nothing to the log: there `tinsom apply` does it."""

    path: Path
    started: Config
    apply: Apply | None
    _newest: Config = field(init=False)  # that could be read: its files are watched, though it be refused
    _taken: dict[Path, Stamp] = field(init=False)
    _before: dict[Path, Stamp] = field(default_factory=dict)  # at the last look
    _asked: bool = False
    _not_before: float = 0.0

    def __post_init__(self) -> None:
        self._newest = self.started
        self._taken = stamps(self.path, self.started)

    async def run(self, context: Context) -> None:
        """Look, until the process stops; a reload that has begun is ended first."""
        self._listen()
        while not context.stop.is_set():
            await self.look(context.clock.now())
            await pause(context.stop, context.clock, LOOK_SECONDS)

    async def look(self, now: float) -> None:
        """Take what has changed and was at rest since the last look: what is half written is not read."""
        seen = stamps(self.path, self._newest)
        changed = seen != self._taken and seen == self._before and now >= self._not_before
        self._before = seen
        if changed or self._asked:
            self._asked = False
            await self._reload(seen, now)

    def _listen(self) -> None:
        """On a terminal the signal says that the terminal is gone, and ends the process as ever."""
        if not errors.is_terminal:
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self.ask)

    def ask(self) -> None:
        """Read it at the next look, changed or not."""
        self._asked = True

    async def _reload(self, seen: dict[Path, Stamp], now: float) -> None:
        try:
            examined = await asyncio.to_thread(_read, self.path)
            self._newest = config = examined.whole()
            # What is written from now on is a change still to be taken.
            seen = {file: seen.get(file, stamp) for file, stamp in stamps(self.path, config).items()}
            changes = await asyncio.to_thread(self._apply, examined)
        except (LogError, UnreachableError) as error:
            self._refused(str(error))
            self._not_before = now + RETRY_SECONDS
            self._taken = {}
        except Exception as error:
            # Whatever is wrong with a new file: the process that it is for must outlive it.
            self._refused(str(error), None if isinstance(error, TinsomError) else error)
            self._taken = seen
        else:
            self._taken = seen
            self._tell(config, changes)
            metrics.configuration_taken(now)

    def _apply(self, examined: Examined) -> list[str]:
        """The difference on the log. Raises ConfigError for misspelt ids too: with them readers would be deaf."""
        if self.apply is None:
            return []
        from services.cli import applying

        if unknown := applying.misspelt(examined):
            raise ConfigError(first(unknown))
        return self.apply(examined.whole())

    def _tell(self, config: Config, changes: list[str]) -> None:
        made = applied(changes)
        logger.info("configuration taken", changes=made)
        if errors.is_terminal:
            note(f"{self.path} changed and was taken: {'; '.join(made) or 'nothing to apply'}")
        names = differing(self.started, config)
        if waiting := [name for name in names if name not in TABLES]:
            logger.warning("these settings hold from the next start", settings=waiting)
        if self.apply is None and (tables := [name for name in names if name in TABLES]):
            logger.warning("these settings hold from the next `tinsom apply`", settings=tables)

    def _refused(self, reason: str, unforeseen: Exception | None = None) -> None:
        logger.error("configuration refused, the former one holds", reason=reason, exc_info=unforeseen)
        metrics.CONFIG_GOOD.set(0)


def _read(path: Path) -> Examined:
    """As at the start, but not an empty file: with that nobody would hear anything. Raises ConfigError."""
    examined = examine(path)
    if not path.read_text("utf-8").strip():
        raise ConfigError(f"{path}: is empty")
    return examined
