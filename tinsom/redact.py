"""Secrets never reach a log line or an error text: what was read as a secret is blotted out everywhere."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any
from urllib.parse import quote

BLOT = "•••"
# Shorter strings would blot out ordinary words.
SHORTEST = 6
_secrets: list[str] = []  # longest first: one may be part of another


def remember(secret: str) -> None:
    """Blot it out from now on, as it stands and as addresses quote it; one shorter than 6 characters is not."""
    if len(secret) < SHORTEST:
        return
    forms = {secret, quote(secret, safe=""), quote(secret)}
    _secrets[:] = sorted({*_secrets, *forms}, key=lambda form: (-len(form), form))


def redact(text: str) -> str:
    for secret in _secrets:
        text = text.replace(secret, BLOT)
    return text


def redact_event(logger: Any, method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """A structlog processor: whatever an event carries, however deep."""
    return {key: _blotted(value) for key, value in event.items()}


def _blotted(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {redact(str(key)): _blotted(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_blotted(inner) for inner in value]
    return redact(value if isinstance(value, str) else str(value))
