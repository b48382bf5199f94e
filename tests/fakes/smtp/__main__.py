"""`python -m tests.fakes.smtp --port N --log FILE`: the mail server as a process, for fault tests."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
from pathlib import Path
from typing import TextIO

from tests.fakes.smtp import Inbox, Taken, serve


async def run(port: int, log: TextIO) -> None:
    def write(taken: Taken) -> None:
        row = {
            "recipient": taken.recipient,
            "message_id": str(taken.message["Message-ID"]),
            "subject": str(taken.message["Subject"]),
        }
        log.write(json.dumps(row, ensure_ascii=False) + "\n")
        log.flush()

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serve(Inbox(on_taken=write), port) as bound:
        print(f"ready {bound}", flush=True)
        await stop.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.smtp")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path, required=True, help="JSON lines, one per accepted message")
    arguments = parser.parse_args()
    with arguments.log.open("a", encoding="utf-8") as log:
        asyncio.run(run(arguments.port, log))


if __name__ == "__main__":
    main()
