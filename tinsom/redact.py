"""Secrets never reach a log line or an error text: what was read as a secret is blotted out everywhere."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

BLOT = "•••"
_secrets: set[str] = set()
# Shorter strings would blot out ordinary words.
_SHORTEST = 6


def remember(secret: str) -> None:
    if len(secret) >= _SHORTEST:
        _secrets.add(secret)


def redact(text: str) -> str:
    for secret in _secrets:
        text = text.replace(secret, BLOT)
    return text


def redact_event(logger: Any, method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """A structlog processor."""
    return {key: redact(value) if isinstance(value, str) else value for key, value in event.items()}
