"""A process with one small service, to be stopped, stalled and asked: `python -m tests.tinsom.child MODE PORT`.

It prints `ready` once its service runs.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from services.cli import guarded
from services.cli.shared import run_async
from tinsom import logs, process
from tinsom.clock import SystemClock
from tinsom.config import Config, HttpConfig
from tinsom.errors import LostOffsetsError
from tinsom.health import Health
from tinsom.log.sqlite import SqliteLog
from tinsom.service import Context


async def idle(context: Context) -> None:
    context.health.ready("idle")
    print("ready", flush=True)
    await context.stop.wait()


async def unready(context: Context) -> None:
    context.health.expect("unready")
    print("ready", flush=True)
    await context.stop.wait()


async def stubborn(context: Context) -> None:
    """Does not look at `stop`."""
    print("ready", flush=True)
    await asyncio.sleep(3600)


async def deaf(context: Context) -> None:
    """Does not even let itself be cancelled."""
    print("ready", flush=True)
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            print("cancelled", flush=True)


async def patient(context: Context) -> None:
    """As deaf as the other; and the process has a long time to drain."""
    await deaf(context)


async def hanging_part(context: Context) -> None:
    """A part that stopped coming round just before the limit, in a loop that still answers.

    The limit is long for the sake of the time between the watchdog's looks, in which the probe must be asked.
    """
    context.health.ready("part")
    context.health._progress["part"] -= context.health.stuck_after - 0.5
    print("ready", flush=True)
    await context.stop.wait()


async def hanging_loop(context: Context) -> None:
    """Nothing in this process runs any more, once it drains."""
    while process.LOOP not in context.health._progress:  # the watchdog knows it from its first beat on
        await asyncio.sleep(0.02)
    print("ready", flush=True)
    await context.stop.wait()
    time.sleep(3600)


async def expected_fault(context: Context) -> None:
    print("ready", flush=True)
    async with asyncio.TaskGroup() as group:
        group.create_task(_fail(LostOffsetsError("the offsets are gone; decide with `tinsom topics seek`")))
        group.create_task(asyncio.sleep(3600))


async def bug(context: Context) -> None:
    print("ready", flush=True)
    await _fail(ZeroDivisionError("an oversight"))


async def _fail(error: Exception) -> None:
    raise error


MODES: dict[str, Callable[[Context], Awaitable[None]]] = {
    service.__name__: service
    for service in (idle, unready, stubborn, deaf, patient, hanging_part, hanging_loop, expected_fault, bug)
}


# `hanging_loop` is not to be taken for stuck before it drains, on however busy a machine.
STUCK_AFTER = {"hanging_part": 14.0, "hanging_loop": 5.0}
DRAIN_SECONDS = {"patient": 45.0}


async def run(mode: str, port: int, folder: Path) -> None:
    log = SqliteLog(folder / "log.db")
    await log.start()
    try:
        config = Config(http=HttpConfig(port=port))
        context = Context(log, SystemClock(), config, Health(stuck_after=STUCK_AFTER.get(mode, 60.0)))
        await process.run([idle, MODES[mode]] if mode == "bug" else [MODES[mode]], context)
    finally:
        await log.close()


def main() -> None:
    mode, port = sys.argv[1], int(sys.argv[2])
    process.DRAIN_SECONDS, process.CUT_SECONDS, process.LEAVE_SECONDS = DRAIN_SECONDS.get(mode, 1.0), 0.5, 60.0
    logs.configure("info")
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(guarded(lambda: run_async(run(mode, port, Path(folder)))))


if __name__ == "__main__":
    main()
