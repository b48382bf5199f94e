"""`tinsom.yaml` read and checked whole, at the start."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinsom import checks, faults
from tinsom.config import Config
from tinsom.errors import ConfigError


def load(path: Path) -> Config:
    """Read and check a configuration file; raises ConfigError naming file, line, place and reason."""
    return examine(path).whole()


def first(faults: list[str]) -> str:
    """The first of some faults in one line, with the number of the others."""
    return faults[0] + (f" (and {len(faults) - 1} more; `tinsom check` names all)" if faults[1:] else "")


@dataclass(frozen=True)
class Examined:
    """What can be used of a file (None: nothing) and what is wrong in it."""

    config: Config | None
    document: faults.Document
    faults: list[faults.Fault]

    def lines(self) -> list[str]:
        """Each fault by file, line, place and reason, in the order of the file."""
        return [self.document.locate(fault) for fault in sorted(self.faults, key=self.document.position)]

    def whole(self) -> Config:
        """The configuration; raises ConfigError when there is a fault."""
        found = self.lines()
        if found or self.config is None:
            raise ConfigError(first(found))
        return self.config

    @contextmanager
    def located(self) -> Iterator[None]:
        """What shows to be wrong only when it is used, a secret that is not there, is told with file and line."""
        try:
            yield
        except ConfigError as error:
            if not error.place:
                raise
            raise ConfigError(self.document.locate(faults.Fault(error.place, error.reason))) from error


def examine(path: Path) -> Examined:
    """Every fault of a file; raises ConfigError when it cannot be read at all."""
    document = faults.read(path)
    read = faults.convert(_filled(document.data), Config)
    found = [*document.faults, *read.faults]
    if read.value is not None:
        found += checks.unknown_match_keys(document.data)
        # What was taken out for its types would be missed by others: do not report it twice.
        found += [read.original(fault) for fault in checks.check(read.value, whole=not read.faults)]
    return Examined(read.value, document, found)


def _filled(data: Any) -> Any:
    """A section whose lines are all commented out is no section."""
    if data is None:
        return {}
    return {key: value for key, value in data.items() if value is not None} if isinstance(data, dict) else data
