"""Waiting for what must come, however slow or busy the machine is: `PATIENCE` is against a hang alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 120.0  # seconds


async def until(holds: Callable[[], object], what: object = "", seconds: float = PATIENCE) -> None:
    """Return as soon as it holds; an AssertionError with `what` after `seconds`."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"did not happen: {what() if callable(what) else what}"
        await asyncio.sleep(0.02)


async def shown(
    ask: Callable[[], Awaitable[T]],
    wanted: Callable[[T], object],
    seconds: float = PATIENCE,
    every: float = 0.05,
) -> T:
    """The first answer that is wanted; an AssertionError with the last one after `seconds`."""
    end = time.monotonic() + seconds
    while not wanted(found := await ask()):
        assert time.monotonic() < end, f"not what is wanted: {found}"
        await asyncio.sleep(every)
    return found


async def becomes(ask: Callable[[], Awaitable[object]], wanted: object) -> None:
    """Return when the answer is `wanted`: on Kafka a commit shows a moment after it has returned."""
    await shown(ask, lambda found: found == wanted)


def heeds(pid: int, signal: int) -> bool:
    """Whether the process handles the signal; one that only starts still dies of it. See proc_pid_status(5)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    caught = next(int(line.removeprefix("SigCgt:"), 16) for line in lines if line.startswith("SigCgt:"))
    return bool(caught >> (signal - 1) & 1)
