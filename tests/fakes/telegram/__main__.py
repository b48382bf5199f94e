"""`python -m tests.fakes.telegram --port N --log FILE`: the fake as a process, for fault tests."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import signal
import time
from pathlib import Path
from typing import TextIO

from tests.fakes.telegram.core import NO_LIMITS, Accepted, BotApi, Limits
from tests.fakes.telegram.markup import Entity
from tests.fakes.telegram.server import serve


def load(path: Path) -> list[Accepted]:
    """What an earlier run accepted, so that a restarted fake remembers."""
    if not path.exists():
        return []
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line]
    return [Accepted(**row | {"entities": tuple(Entity(**e) for e in row["entities"])}) for row in rows]


async def run(arguments: argparse.Namespace, log: TextIO) -> None:
    def write(message: Accepted) -> None:
        # The page cache outlives this process; only a power cut would need fsync.
        log.write(json.dumps(dataclasses.asdict(message), ensure_ascii=False) + "\n")
        log.flush()

    limits = NO_LIMITS if arguments.no_limits else Limits()
    api = BotApi(time.time, limits, write, accepted=load(arguments.log))
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serve(api, arguments.token, arguments.port, arguments.latency) as url:
        print(f"ready {url}", flush=True)
        await stop.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.telegram")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path, required=True, help="JSON lines, one per accepted message")
    parser.add_argument("--token", default="42:secret")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--no-limits", action="store_true", help="never answer 429")
    arguments = parser.parse_args()
    with arguments.log.open("a", encoding="utf-8") as log:
        asyncio.run(run(arguments, log))


if __name__ == "__main__":
    main()
