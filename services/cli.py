"""The `tinsom` command: the only module that sees all three services."""

from __future__ import annotations


def main() -> None:
    """Replaced while the commands are being written."""
