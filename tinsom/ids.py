"""Ids that are made, not given: the same parts have the same id, wherever and however often it is made. Pure."""

from __future__ import annotations

import hashlib


def id_of(*parts: str) -> str:
    """32 hex digits; they stand in records that outlive a version, so how they are made stays."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
