"""Every error a person can meet, in one tree.

    TinsomError            one line for a person; `exit_code` for the shell
    ├── ConfigError        1  the configuration is wrong
    ├── InputError         1  a file or an argument holds what cannot be used
    ├── UnreachableError   3  a broker, server or file that is needed does not answer
    └── LogError           3  the log cannot go on
        ├── LogFullError       no room left on the disk
        ├── OversizeError      one record is larger than its topic takes
        ├── LostOffsetsError   the committed offsets are gone or point at deleted records
        └── FencedError        the partition has another owner now

Two more never reach a person; the worker turns them into outcomes:
DecodeError (a record that cannot be read) and StoppedError (a partition that stopped itself).
"""

from __future__ import annotations


class TinsomError(Exception):
    """An expected failure; its text is one line that says what to do."""

    exit_code = 3


class ConfigError(TinsomError):
    """`place`: of the setting that is wrong, as `("telegram", "token_file")`, for who knows its file and line."""

    exit_code = 1

    def __init__(self, reason: str, place: tuple[str, ...] = ()) -> None:
        super().__init__(f"{'.'.join(place)}: {reason}" if place else reason)
        self.reason, self.place = reason, place


class InputError(TinsomError):
    exit_code = 1


class UnreachableError(TinsomError):
    exit_code = 3


class LogError(TinsomError):
    exit_code = 3


class LogFullError(LogError):
    pass


class OversizeError(LogError):
    """One record is larger than its topic takes; nothing of its transaction was written."""


class LostOffsetsError(LogError):
    pass


class FencedError(LogError):
    """The partition has another owner: drop its state, start nothing for it (design: fenced means lost)."""


class DecodeError(Exception):
    """A record whose bytes, type or schema cannot be read; `reason` is a short closed word."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


class StoppedError(Exception):
    """A partition stopped itself rather than empty its topic into dead letters."""
