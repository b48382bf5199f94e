"""English for a person at a terminal. Pure."""

from __future__ import annotations


def counted(count: int, one: str, many: str = "") -> str:
    """`1 item`, `2 items`; `many` where an s does not make the plural."""
    return f"{count} {one if count == 1 else many or one + 's'}"
