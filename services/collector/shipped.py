"""The sources that come with tinsom, as data (sources/*.yaml), with what is known of their health."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from importlib.resources import files
from typing import Literal

import msgspec
import yaml

from tinsom.config import SourceConfig
from tinsom.errors import ConfigError

Health = Literal["live", "listed", "unsure", "broken"]
USED: frozenset[Health] = frozenset(("live", "listed"))
_OWN_FIELDS = ("group", "health", "checked", "note")


class Shipped(msgspec.Struct, frozen=True, kw_only=True):
    source: SourceConfig
    group: Literal["government", "ministry", "press", "province"]
    health: Health
    checked: date | None = None
    note: str = ""


@lru_cache(maxsize=1)
def shipped() -> tuple[Shipped, ...]:
    """All of them, in the order of the file; raises ConfigError for a fault in the data."""
    text = files("services.collector").joinpath("sources", "vietnam.yaml").read_text("utf-8")
    return tuple(_read(row) for row in yaml.safe_load(text))


def chosen(wanted: Iterable[str]) -> list[SourceConfig]:
    """Sources by id, by group, or `all`; a group holds what is thought to be well. Raises ConfigError."""
    found: dict[str, SourceConfig] = {}
    for name in wanted:
        named = [s for s in shipped() if (name in ("all", s.group) and s.health in USED) or s.source.id == name]
        if not named:
            groups = sorted({s.group for s in shipped()})
            raise ConfigError(
                f"collector.catalogue: no source or group {name!r}; groups are all, {', '.join(groups)}"
            )
        found.update((s.source.id, s.source) for s in named)
    return list(found.values())


def _read(row: dict[str, object]) -> Shipped:
    own = {name: row.pop(name) for name in _OWN_FIELDS if name in row}
    try:
        return msgspec.convert({"source": row, **own}, Shipped)
    except msgspec.ValidationError as error:
        raise ConfigError(f"shipped sources: {row.get('id')!r}: {error}") from None
