"""The users' own taxonomy files: from their folder to records of topic `taxonomy`, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from services.classifier import taxonomy as taxonomies
from services.classifier.workbench import lint
from tinsom import codec
from tinsom.config import Config
from tinsom.errors import ConfigError, OversizeError
from tinsom.log import Output, Record
from tinsom.messages import TaxonomyFile
from tinsom.tables import Changes, changes
from tinsom.topics import TOPICS

TOPIC = "taxonomy"


def taxonomy_outputs(config: Config, now_ms: int, existing: Mapping[bytes, Record]) -> Changes:
    """The records that make topic `taxonomy` say what the folder says.

    Raises ConfigError naming file, place and reason: what a running classifier could not use is never written.
    """
    own = taxonomies.texts(Path(config.taxonomy)) if config.taxonomy else {}
    if own and own != texts_of(existing.values()):
        _check(own)
    wanted = {name: TaxonomyFile(name=name, text=text) for name, text in own.items()}
    found = changes(TOPIC, wanted, now_ms, existing, partition_by=lambda key: key)
    for output in found.outputs:
        _check_size(output)
    return found


def texts_of(records: Iterable[Record]) -> dict[str, str]:
    """File name → text; raises DecodeError for a record that is none."""
    files = (codec.decode_as(record, TaxonomyFile) for record in records)
    return {file.name: file.text for file in files}


def _check(own: Mapping[str, str]) -> None:
    found = lint.faults(taxonomies.extended(own))
    if not found:
        return
    more = f" (and {len(found) - 1} more; `tinsom taxonomy lint` names all)" if found[1:] else ""
    where = _file_of(found[0], own)
    raise ConfigError(f"taxonomy: {where + ': ' if where else ''}{found[0]}{more}")


def _file_of(fault: str, own: Mapping[str, str]) -> str:
    """The user's file whose row a fault speaks of: the last one, since it is the one that holds."""
    words = set(fault.replace(":", " ").replace("'", " ").split())
    named = [name for name in sorted(own) if words & taxonomies.ids(own[name], name)]
    return named[-1] if named else ""


def _check_size(output: Output) -> None:
    try:
        output.must_fit(TOPICS[TOPIC].max_bytes)
    except OversizeError:
        name = (output.key or b"").decode()
        raise ConfigError(f"taxonomy: {name}: too large for one record; make two files of it") from None
